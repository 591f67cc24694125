// Signing in and out, and the pages that need it.

import assert from 'node:assert/strict';
import { look } from '../look.mjs';
import { answerProvider, call, me, newName, newPerson, signIn } from '../people.mjs';
import { scene } from '../scene.mjs';
import { app, issuer } from '../settings.mjs';

const signInLink = (page) => page.getByRole('main').getByRole('link', { name: 'Continue with Demo sign-in' });

scene('one signs in at the provider, and out at both', async ({ open }) => {
    const page = await open();
    const name = newName();
    await page.goto('/');
    await look(page, 'landing');
    await signInLink(page).click();
    await answerProvider(page, name);

    await page.waitForURL(`${app}/app`);
    await page.getByText('$100.00').first().waitFor();
    const { display_name, accounts, identities } = await me(page.context());
    assert.equal(display_name.toLowerCase(), name);
    assert.equal(accounts[0].balance, 10000);
    assert.deepEqual(identities.map(({ email, payable }) => [email, payable]), [[`${name}@demo.tokpay.example`, true]]);

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${app}/`);
    await signInLink(page).click();
    await page.waitForURL(`${issuer}/sign-in/**`);      // signed out there, too
});

scene('the demo people have names, money and addresses', async ({ open }) => {
    const payer = await newPerson(open);
    const emails = ['alice', 'bob', 'carol', 'dave'].map((name) => `${name}@demo.tokpay.example`);
    const [status, { results }] = await call(payer.context, '/v1/recipients:resolve', { data: { account: payer.account, emails } });
    assert.equal(status, 200);
    assert.deepEqual(results.map((result) => result.status), ['ok', 'ok', 'ok', 'ok']);

    const page = await open();
    await page.goto('/');
    await signInLink(page).click();
    await page.getByRole('button', { name: 'Alice Adams' }).click();
    await page.waitForURL(`${app}/app`);
    const alice = await me(page.context());
    assert.equal(alice.display_name, 'Alice Adams');
    assert.equal(alice.accounts[0].id, results[0].account);
});

scene('a page that needs signing in is where one ends up', async ({ open }) => {
    const page = await open();
    await page.goto('/app/transactions?direction=in');
    assert.equal(new URL(page.url()).searchParams.get('return_to'), '/app/transactions?direction=in');
    await page.getByText('Sign in to see this page.').waitFor();
    await signInLink(page).click();
    await answerProvider(page, newName());
    await page.waitForURL(`${app}/app/transactions?direction=in`);
    await page.getByRole('heading', { name: 'Transactions' }).waitFor();
});

scene('who cancels at the provider is told so', async ({ open }) => {
    const page = await open({ expects: [/^400 GET \/auth\/callback\/demo/] });
    await page.goto('/');
    await signInLink(page).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('status').getByText('Signing in was cancelled').waitFor();
    assert.equal(await page.getByRole('alert').count(), 0, 'it is no error');
    await look(page, 'sign-in cancelled');
    await signInLink(page).click();
    await answerProvider(page, newName());
    await page.waitForURL(`${app}/app`);
});

scene('a session that was ended elsewhere is over here at once, and one goes on where one was', async ({ open }) => {
    const person = await newPerson(open, { expects: [/^401 /] });
    await person.page.goto('/app/settings');
    const other = await open();
    await signIn({ context: other.context(), name: person.name });
    assert.equal((await call(other.context(), '/v1/me/sessions', { method: 'DELETE' }))[0], 204);

    await person.page.getByLabel('Your name').fill('A name not to be lost');
    await person.page.getByRole('button', { name: 'Save' }).click();
    const over = person.page.getByRole('alert').filter({ hasText: 'You have been signed out' });
    await over.waitFor();
    assert.equal(await person.page.getByLabel('Your name').inputValue(), 'A name not to be lost');
    await look(person.page, 'session over');
    await over.getByRole('link', { name: /Demo sign-in$/ }).click();
    await person.page.waitForURL(`${app}/app/settings`);    // the provider still knows who it is
});
