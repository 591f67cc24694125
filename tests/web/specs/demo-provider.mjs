// The demo provider by itself: its page and what its answers say.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { look } from '../look.mjs';
import { scene } from '../scene.mjs';
import { app, issuer } from '../settings.mjs';

const verifier = randomBytes(32).toString('base64url');
const authorization = (changes) => `${issuer}/auth?${new URLSearchParams({
    client_id: 'tokpay', redirect_uri: `${app}/auth/callback/demo`, response_type: 'code', scope: 'openid email profile',
    state: 'the-state', nonce: 'the-nonce',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256', ...changes,
})}`;

// What the gateway is told; it refuses it, as it has not asked.
const unasked = /^4\d\d GET \/auth\/callback\//;
async function answer(page, act) {
    const [callback] = await Promise.all([page.waitForRequest(`${app}/auth/callback/**`), act()]);
    await page.waitForURL((url) => url.origin === app);
    return new URL(callback.url()).searchParams;
}

scene('the provider names its people and signs in whom one picks', async ({ open }) => {
    const page = await open({ expects: [unasked] });
    await page.goto(authorization());
    for (const name of ['Alice Adams', 'Bob Baker', 'Carol Chen', 'Dave Diaz']) {
        await page.getByRole('button', { name }).waitFor();
    }
    await look(page, 'provider');
    const said = await answer(page, () => page.getByRole('button', { name: 'Carol Chen' }).click());
    assert.equal(said.get('state'), 'the-state');
    assert.equal(said.get('iss'), issuer);
    assert.ok(said.get('code'));

    const again = await answer(page, () => page.goto(authorization()));
    assert.ok(again.get('code'), 'signed in there, one is not asked again');
    await page.goto(`${issuer}/session/end?client_id=tokpay`);
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    await page.goto(authorization());
    await page.getByRole('heading', { name: 'Who are you?' }).waitFor();
});

scene('the provider signs in somebody else, or nobody', async ({ open }) => {
    const page = await open({ view: 'phone', expects: [unasked, /^422 POST \/sign-in\//, /^400 GET \/auth\?/] });
    await page.goto(authorization());
    await page.getByLabel('Somebody else').fill('<eve>');
    await page.evaluate(() => document.querySelector('.other').noValidate = true);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('alert').waitFor();
    await look(page, 'provider refusing a name');
    assert.ok((await answer(page, async () => {
        await page.getByLabel('Somebody else').fill('eve7');
        await page.keyboard.press('Enter');
    })).get('code'));
    assert.equal((await answer(page, async () => {
        await page.goto(authorization({ prompt: 'login' }));
        await page.getByRole('button', { name: 'Cancel' }).click();
    })).get('error'), 'access_denied');
    assert.equal((await answer(page, () => page.goto(authorization({ code_challenge: '', code_challenge_method: '' })))).get('error'), 'invalid_request');

    await page.goto(authorization({ redirect_uri: `${app}/elsewhere` }));
    await page.getByRole('heading', { name: 'This sign-in did not work' }).waitFor();
});
