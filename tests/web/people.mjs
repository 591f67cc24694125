// People who sign in with the demo provider, and what they have.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { app, issuer, runDir } from './settings.mjs';

const administrator = readFileSync(`${runDir}/api-key`, 'utf8').trim();

/** The name of somebody who has never signed in. */
export const newName = () => `p${randomBytes(6).toString('hex')}`;
export const addressOf = (name) => `${name}@demo.tokpay.example`;

/** Signs in on the provider's page, where the browser is. */
export async function answerProvider(page, name) {
    await page.waitForURL(`${issuer}/sign-in/**`);
    await page.getByLabel('Somebody else').fill(name);
    await page.getByRole('button', { name: 'Continue' }).click();
}

/** Signs in without looking: what the browser would send, the cookies are the context's. */
export async function signIn({ context, name, returnTo = '/app' }) {
    const asked = await context.request.get(`/auth/login?${new URLSearchParams({ provider: 'demo', return_to: returnTo })}`);
    const answered = await context.request.post(asked.url(), { form: { user: name } });
    assert.equal(answered.url(), app + returnTo, await answered.text());
}

/** Somebody new in a context of their own: {name, email, page, context, account}. Their wallet has the welcome credit and amount more. */
export async function newPerson(open, { amount = 0, ...options } = {}) {
    const name = newName();
    const page = await open(options);
    const context = page.context();
    await signIn({ context, name });
    const account = (await me(context)).accounts[0].id;
    if (amount > 0) await fund(account, amount);
    return { name, email: addressOf(name), page, context, account };
}

/** What GET /v1/me says to whom a context belongs to. */
export async function me(context) {
    const reply = await context.request.get('/v1/me');
    assert.equal(reply.status(), 200);
    return reply.json();
}

export const balance = async (person) => (await me(person.context)).accounts[0].balance;

/** Calls the gateway as an administrator: GET, or POST where there is a body. */
export async function administer(path, body) {
    const reply = await fetch(app + path, {
        method: body ? 'POST' : 'GET',
        headers: { Authorization: `Bearer ${administrator}`, 'Content-Type': 'application/json', 'Idempotency-Key': randomBytes(16).toString('base64url') },
        body: body && JSON.stringify(body),
    });
    assert.ok(reply.ok, `${path}: ${reply.status} ${await reply.clone().text()}`);
    return reply.json();
}

export const fund = (account, amount) => administer('/v1/top-ups', { account, amount });

/** A request as the app makes it: {method, data, key}. Answers [status, body]. */
export async function call(context, path, { method = 'POST', data, key } = {}) {
    const reply = await context.request.fetch(path, {
        method,
        data,
        headers: { 'TokPay-Client': 'web', Origin: app, 'Sec-Fetch-Site': 'same-origin', ...(key && { 'Idempotency-Key': key }) },
    });
    const text = await reply.text();
    return [reply.status(), text && JSON.parse(text)];
}

/** Pays from a person's wallet: credits are [account, amount]. Answers the transfer. */
export async function pay(person, credits, description) {
    const data = { debit: person.account, credits: credits.map(([account, amount]) => ({ account, amount })), description };
    const [status, transfer] = await call(person.context, '/v1/transfers', { data, key: randomBytes(16).toString('base64url') });
    assert.equal(status, 201, JSON.stringify(transfer));
    return transfer;
}
