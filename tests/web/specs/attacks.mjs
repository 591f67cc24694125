// What somebody who means harm can have a browser do.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Psql } from '../gateway.mjs';
import { balance, call, newName, newPerson, pay, signIn } from '../people.mjs';
import { scene } from '../scene.mjs';
import { app } from '../settings.mjs';

const sessionCookie = `tokpay-${new URL(app).port}`;
const isSignedIn = async (context) => (await context.request.get('/v1/me')).status() === 200;
const cookieOf = async (context, name) => (await context.cookies()).find((cookie) => cookie.name === name);

/** The address to which the provider sends the browser, which does not go there yet. The person is signed in there. */
async function interceptAnswer(page) {
    const { request } = page.context();
    const sentTo = async (url) => (await request.get(url, { maxRedirects: 0 })).headers().location;
    const answer = new URL(await sentTo(await sentTo('/auth/login?provider=demo')));
    assert.equal(answer.origin + answer.pathname, `${app}/auth/callback/demo`);
    return answer;
}

/** Somebody who is signed in at the provider and nowhere else. */
async function signedInAtProvider(open) {
    const page = await open({ expects: [/^400 GET \/auth\/callback\//, /^401 /, /^422 GET \/auth\/login/] });
    await signIn({ context: page.context(), name: newName() });
    await page.context().clearCookies({ name: sessionCookie });
    return page;
}

scene('an answer that is not the provider’s to this sign-in signs nobody in', async ({ open }) => {
    const [page, attacker] = [await signedInAtProvider(open), await signedInAtProvider(open)];
    const wrong = [
        (answer) => answer.searchParams.set('state', randomBytes(32).toString('base64url')),
        (answer) => answer.searchParams.delete('state'),
        (answer) => answer.searchParams.set('iss', 'https://evil.example'),
        (answer) => answer.searchParams.delete('iss'),
        (answer) => answer.searchParams.set('code', 'made-up'),
    ];
    for (const change of wrong) {
        const answer = await interceptAnswer(page);
        change(answer);
        await page.goto(answer.href);
        await page.getByRole('alert').getByText('You are not signed in').waitFor();
        assert.ok(!await isSignedIn(page.context()), answer.search);
    }
    // Of the attacker's sign-in: the victim would pay into the attacker's wallet.
    await interceptAnswer(page);
    await page.goto((await interceptAnswer(attacker)).href);
    await page.getByRole('alert').getByText('You are not signed in').waitFor();
    assert.ok(!await isSignedIn(page.context()));
});

scene('a code is good once', async ({ open }) => {
    const page = await signedInAtProvider(open);
    const context = page.context();
    const answer = await interceptAnswer(page);
    const signInCookie = await cookieOf(context, `tokpay-sign-in-${new URL(app).port}`);
    await page.goto(answer.href);
    await page.waitForURL(`${app}/app`);
    assert.ok(await isSignedIn(context));
    await context.clearCookies({ name: sessionCookie });
    await context.addCookies([signInCookie]);
    await page.goto(answer.href);
    await page.getByRole('alert').getByText('You are not signed in').waitFor();
    assert.ok(!await isSignedIn(context));
});

scene('cookies that are made up or over open nothing', async ({ open }) => {
    const { page, context, account } = await newPerson(open, { expects: [/^401 /] });
    const good = await cookieOf(context, sessionCookie);
    for (const value of [randomBytes(32).toString('base64url'), `${good.value}x`, good.value.toLowerCase(), 'x', '%00', '1']) {
        await context.addCookies([{ ...good, value }]);
        await page.goto('/app/settings');
        await page.waitForURL(`${app}/?return_to=/app/settings`);
        assert.equal(await cookieOf(context, sessionCookie), undefined, 'a dead cookie is removed');
    }
    await context.addCookies([good]);
    await page.goto('/app/settings');
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    const psql = new Psql();
    await psql.ask(`update tokpay.wallet_session s set expires_at = clock_timestamp() from tokpay.wallet_user u
        where u.id = s.wallet_user and u.account = ${account} returning s.id`);
    await psql.end();
    await page.waitForTimeout(1_000);           // so long a session is trusted
    await page.getByLabel('Your name').fill('Mallory');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').filter({ hasText: 'You have been signed out' }).waitFor();
    assert.equal(await cookieOf(context, sessionCookie), undefined, 'a dead cookie is removed');
});

scene('signing in leads nowhere else', async ({ open }) => {
    const page = await signedInAtProvider(open);
    const elsewhere = [
        'https://evil.example', 'https://evil.example/app', '//evil.example', '///evil.example', '/\\evil.example', '\\\\evil.example',
        'https:evil.example', 'javascript:alert(1)', 'data:text/html,x', '/app/../..//evil.example', '/app/%2e%2e//evil.example', '/app/..\\evil.example',
        '/app@evil.example', '/app.evil.example', '/app\\@evil.example', '/app\t//evil.example', '/app\r\nLocation: https://evil.example', '%2f%2fevil.example',
        '/%2fevil.example', '/%5cevil.example', ' //evil.example', `${app}@evil.example`, `${app}.evil.example/app`,
    ];
    for (const returnTo of elsewhere) {
        const reply = await page.goto(`/auth/login?${new URLSearchParams({ provider: 'demo', return_to: returnTo })}`);
        assert.equal(reply.status(), 422, returnTo);
        assert.equal(new URL(page.url()).origin, app, returnTo);
        await page.goto(`/?${new URLSearchParams({ return_to: returnTo })}`);
        const links = await page.getByRole('main').getByRole('link').evaluateAll((all) => all.map(({ href }) => href));
        assert.ok(links.length > 0 && links.every((link) => new URL(link).origin === app && !decodeURIComponent(link).includes('//evil')), `${returnTo}: ${links}`);
    }
    for (const returnTo of ['/app?next=//evil.example', '/app/pay?x=https://evil.example']) {
        await page.goto(`/auth/login?${new URLSearchParams({ provider: 'demo', return_to: returnTo })}`);
        assert.equal(new URL(page.url()).origin, app, returnTo);
    }
});

/** A site of somebody else's with one page: answers its origins, cross-site and same-site, as localhost and 127.0.0.1 are. */
async function otherSite(html) {
    const server = createServer((_, reply) => reply.writeHead(200, { 'Content-Type': 'text/html' }).end(html)).listen(0);
    await once(server, 'listening');
    server.unref();
    const origins = ['localhost', '127.0.0.1'].map((host) => `http://${host}:${server.address().port}`);
    return origins;
}

scene('pages of another origin change nothing and read nothing', async ({ open }) => {
    const other = await newPerson(open);
    const origins = await otherSite('<!doctype html><link rel="icon" href="data:,"><title>You have won</title>');
    const victim = await newPerson(open, { origins, expects: [/^403 /, /^401 /, /^request /, /^console /, /^4\d\d POST/] });
    const { page, context } = victim;
    const transfer = JSON.stringify({ debit: victim.account, credits: [{ account: other.account, amount: 1_000 }] });
    const asked = [];
    page.on('response', (reply) => asked.push([reply.request().method(), new URL(reply.url()).pathname, reply.status()]));
    for (const origin of origins) {
        for (const [path, body] of [['/auth/logout', ''], ['/v1/transfers', transfer], ['/v1/top-ups', JSON.stringify({ account: victim.account, amount: 1 })], ['/v1/me', '{}']]) {
            await page.goto(origin);
            await page.evaluate(([action, text]) => {
                // The text of a form that is sent as text/plain is NAME=VALUE: a JSON object with a "=" in a string.
                const form = Object.assign(document.createElement('form'), { method: 'post', action, enctype: 'text/plain' });
                form.append(Object.assign(document.createElement('input'), { name: text.replace(/}$/, ',"x":"'), value: '"}' }));
                document.body.append(form);
                form.submit();
            }, [app + path, body]);
            await page.waitForURL(app + path);
        }
        await page.goto(origin);
        const read = await page.evaluate(async ([base, text]) => {
            const attempts = [
                [`${base}/v1/me`, {}], [`${base}/app`, {}], [`${base}/v1/transfers`, { method: 'POST', body: text, headers: { 'TokPay-Client': 'web', 'Idempotency-Key': 'x' } }],
                [`${base}/v1/me/sessions`, { method: 'DELETE', headers: { 'TokPay-Client': 'web' } }],
            ];
            const results = [];
            for (const [url, options] of attempts) results.push(await fetch(url, { credentials: 'include', ...options }).then((reply) => reply.text(), () => null));
            await fetch(`${base}/v1/transfers`, { method: 'POST', mode: 'no-cors', credentials: 'include', body: text }).catch(() => {});
            return results;
        }, [app, transfer]);
        assert.deepEqual(read, [null, null, null, null], origin);
        // Nor is it shown in a frame of theirs.
        await page.evaluate((url) => document.body.append(Object.assign(document.createElement('iframe'), { src: url })), `${app}/app`);
        await page.waitForFunction(() => frames.length === 1);
        await page.waitForTimeout(200);
        for (const frame of page.frames().slice(1)) assert.ok(!(await frame.content()).includes('id="data"'), 'no page in a frame');
    }
    const posts = asked.filter(([method]) => method === 'POST');
    assert.ok(posts.length >= 8 && posts.every(([, , status]) => status >= 400), JSON.stringify(posts));
    assert.ok(posts.some(([, path, status]) => path === '/auth/logout' && status === 403), 'the cookie came along from the same site');
    assert.ok(await isSignedIn(context));
    assert.deepEqual([await balance(victim), await balance(other)], [10_000, 10_000]);
});

scene('a session from before signing in does not survive it', async ({ open }) => {
    const attacker = await newPerson(open);
    const planted = await cookieOf(attacker.context, sessionCookie);
    for (const value of [planted.value, 'F'.repeat(43)]) {
        const page = await open({ expects: [/^401 /] });
        const context = page.context();
        await context.addCookies([{ ...planted, value }]);
        const name = newName();
        await signIn({ context, name });
        const own = await cookieOf(context, sessionCookie);
        assert.notEqual(own.value, value);
        assert.equal((await (await context.request.get('/v1/me')).json()).display_name.toLowerCase(), name);
        assert.deepEqual([own.httpOnly, own.sameSite], [true, 'Lax']);
        await page.goto('/app');
        assert.ok(!await page.evaluate(() => document.cookie.includes('tokpay')), 'no script reads it');
    }
    await attacker.page.waitForTimeout(1_000);
    assert.ok(!await isSignedIn(attacker.context), 'what was planted is over');
});

scene('whatever the app asks of one’s own is not there for another', async ({ open }) => {
    const [victim, payee, stranger] = [await newPerson(open), await newPerson(open), await newPerson(open, { expects: [/^404 GET /] })];
    const paid = await pay(victim, [[payee.account, 1_234]], 'A secret note');
    const back = await pay(payee, [[victim.account, 500]], 'And another');
    const asked = new Set();
    victim.page.on('request', (request) => {
        const { origin, pathname, search } = new URL(request.url());
        if (origin === app && pathname.startsWith('/v1/')) asked.add(pathname + search);
    });
    const pages = ['/app', '/app/transactions', `/app/transactions/${paid.id}`, `/app/transactions/${back.id}`, `/app/transactions?counterparty=${payee.account}`,
        '/app/pay', `/app/pay/${paid.key}`, '/app/top-up', '/app/settings']; // prettier-ignore
    for (const path of pages) {
        await victim.page.goto(path);
        await victim.page.getByRole('heading', { level: 1 }).waitFor();
        await victim.page.waitForLoadState('load');
    }
    await victim.page.goto('/app');
    await victim.page.getByText('Live', { exact: true }).waitFor();
    asked.add(`/v1/transfers?${new URLSearchParams({ debit: victim.account, key: paid.key })}`);
    asked.add(`/v1/accounts/${victim.account}/entries?format=csv`);
    asked.add(`/v1/accounts/${victim.account}/balance`).add(`/v1/accounts/${victim.account}`);

    const own = [victim.account, paid.id, back.id].map((id) => new RegExp(`\\b${id}\\b`));
    const named = [...asked].filter((url) => own.some((id) => id.test(url)));
    for (const kind of [/entries/, /summary/, /events/, /transfers\/\d/, /transfers\?debit/]) assert.ok(named.some((url) => kind.test(url)), `the app has asked for ${kind}`);
    for (const url of named) {
        const reply = await stranger.context.request.get(url);
        assert.deepEqual([reply.status(), (await reply.json()).code], [404, 'not_found'], url);
    }
    const [{ id: session }] = (await (await victim.context.request.get('/v1/me/sessions')).json()).data;
    const to = [{ account: stranger.account, amount: 1 }];
    for (const [path, method, data, status, code] of [
        ['/v1/transfers', 'POST', { debit: victim.account, credits: to }, 422, 'account_not_found'],
        ['/v1/transfers:preview', 'POST', { debit: victim.account, credits: to }, 200, undefined],
        ['/v1/top-ups', 'POST', { account: victim.account, amount: 1 }, 422, 'account_not_found'],
        [`/v1/transfers/${paid.id}:refund`, 'POST', {}, 404, 'not_found'],
        [`/v1/transfers/${back.id}:refund`, 'POST', { account: victim.account }, 404, 'not_found'],
        ['/v1/recipients:resolve', 'POST', { account: victim.account, emails: [payee.email] }, 422, 'account_not_found'],
        [`/v1/me/sessions/${session}`, 'DELETE', undefined, 404, 'not_found'],
    ]) {
        const [answered, body] = await call(stranger.context, path, { method, data, key: method === 'POST' ? randomBytes(16).toString('base64url') : undefined });
        assert.deepEqual([answered, body.code], [status, code], path);
        if (status === 200) assert.deepEqual([body.debit.balance, body.refusals.map((refusal) => refusal.code)], [null, ['account_not_found']], path);
    }

    for (const [path, text] of [
        [`/app/transactions/${paid.id}`, 'There is nothing here that you may see.'], [`/app/transactions/${back.id}`, 'There is nothing here that you may see.'],
        [`/app/transactions?counterparty=${victim.account}`, 'Nothing matches'], [`/app/pay/${paid.key}`, 'Who gets how much'],
    ]) {
        await stranger.page.goto(path);
        await stranger.page.getByText(text).first().waitFor();
        const seen = await stranger.page.locator('body').innerText();
        assert.ok(!/12\.34|5\.00|secret note|And another/.test(seen) && !seen.toLowerCase().includes(victim.name), path);
    }
    assert.deepEqual([await balance(victim), await balance(stranger)], [10_000 - 734, 10_000]);
    assert.ok(await isSignedIn(victim.context));
});
