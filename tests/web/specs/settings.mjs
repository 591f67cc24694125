// Settings: profile, language, look, sessions, export.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Psql } from '../gateway.mjs';
import { look } from '../look.mjs';
import { answerProvider, me, newName, newPerson, signIn } from '../people.mjs';
import { scene } from '../scene.mjs';
import { app, issuer } from '../settings.mjs';

scene('the profile is changed, and stays so', async ({ open }) => {
    const { page, context } = await newPerson(open);
    await page.goto('/app/settings');
    await look(page, 'settings');
    await page.getByLabel('Your name').fill('');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Enter a name.').waitFor();
    await page.getByLabel('Your name').fill('  Zoë O’Neill 👩‍🚀 ');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('status').getByText('Saved').waitFor();
    assert.equal((await me(context)).display_name, 'Zoë O’Neill 👩‍🚀');

    await page.getByLabel('Dark').click();
    await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
    await page.getByLabel('Language').selectOption('ar');
    await page.waitForFunction(() => document.documentElement.dir === 'rtl' && document.documentElement.lang.startsWith('ar'));
    await look(page, 'settings, right to left');

    // Set by the server, before any script has run.
    const html = await (await context.request.get('/app')).text();
    assert.match(html, /<html lang="ar[^"]*" dir="rtl" data-theme="dark"/);
    await page.goto('/app');
    await look(page, 'overview, right to left');
});

scene('sessions are signed out one by one and all at once', async ({ open }) => {
    const { page, name, context } = await newPerson(open);
    const [one, two] = [await open(), await open()];
    for (const other of [one, two]) await signIn({ context: other.context(), name });
    await page.goto('/app/settings');
    const sessions = page.getByRole('region', { name: 'Where you are signed in' }).getByRole('listitem');
    await sessions.nth(2).waitFor();
    await sessions.filter({ hasNotText: 'This one' }).first().getByRole('button', { name: 'Sign out' }).click();
    await sessions.nth(2).waitFor({ state: 'detached' });
    const alive = await Promise.all([one, two].map(async (other) => (await other.request.get('/v1/me')).status()));
    assert.deepEqual(alive.sort(), [200, 401]);

    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await look(page, 'settings, sign out everywhere');
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click();
    await page.waitForURL(`${app}/`);
    for (const other of [context, one.context(), two.context()]) {
        assert.equal((await other.request.get('/v1/me')).status(), 401);
    }
});

scene('another sign-in is added after signing in anew alone', async ({ open }) => {
    const { page, name, context } = await newPerson(open);
    await page.goto('/app/settings');
    const ways = page.getByRole('region', { name: 'Signing in and being paid' });
    await ways.getByText(`${name}@`).waitFor();
    await ways.getByRole('link', { name: 'Add another sign-in: Demo sign-in' }).waitFor();
    const psql = new Psql();
    await psql.ask(`update tokpay.wallet_session set created_at = created_at - interval '5 minutes' where id = ${(await me(context)).session} returning id`);
    await psql.end();
    await page.waitForTimeout(1_000);           // so long a session is trusted
    await page.reload();
    await ways.getByText('you signed in more than five minutes ago').waitFor();
    await look(page, 'settings, sign in again');
    await ways.getByRole('link', { name: 'Sign in again' }).click();
    await page.waitForURL(`${app}/app/settings`);
    const link = ways.getByRole('link', { name: 'Add another sign-in: Demo sign-in' });
    // Somebody else at the provider, which would answer for the present one at once.
    await page.goto(`${issuer}/session/end?client_id=tokpay`);
    await page.goto('/app/settings');
    await link.click();
    const other = newName();
    await answerProvider(page, other);
    await page.waitForURL(`${app}/app/settings`);
    await ways.getByText(`${other}@`).waitFor();
    assert.equal((await me(context)).identities.length, 2);
});

scene('all of one’s data is downloaded', async ({ open }) => {
    const { page, email } = await newPerson(open);
    await page.goto('/app/settings');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download my data' }).click()]);
    const data = readFileSync(await download.path(), 'utf8');
    assert.ok(data.includes(email) && typeof JSON.parse(data) === 'object');
});
