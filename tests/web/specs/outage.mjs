// No network, no gateway, no database: what one sees of it, and that all is well once it is over.

import assert from 'node:assert/strict';
import { eventually, Gateway } from '../gateway.mjs';
import { look } from '../look.mjs';
import { balance, newPerson, pay } from '../people.mjs';
import { Pool } from '../pool.mjs';
import { scene } from '../scene.mjs';

const welcome = 10_000;
const unanswered = [/^request (GET|POST) \/(v1\/|favicon)/, /^console .*ERR_/];
const refused = [/^50[34] (GET|POST) \/(v1|app)/];
const alerts = (page, text) => page.getByRole('alert').filter({ hasText: text });
const live = (page) => page.getByText('Live', { exact: true });
const chart = (page) => page.getByRole('heading', { name: 'Balance', exact: true }).last();
const firstRow = (page) => page.getByRole('group', { name: 'Payment 1', exact: true });
const sendButton = (page) => page.getByRole('button', { name: /^Send \d/ });
const receipt = (page) => page.getByRole('heading', { name: /^\$[\d.,]+ sent / });

async function fill(page, address, amount, base = '') {
    await page.goto(`${base}/app/pay`);
    await firstRow(page).getByLabel('E-mail').fill(address);
    await firstRow(page).getByLabel(/^Amount/).fill(amount);
}

async function review(page) {
    await page.getByRole('button', { name: 'Review', exact: true }).click();
    await page.getByRole('heading', { name: 'Check and send' }).waitFor();
}

scene('without a network the overview stays, says how old it may be, and catches up', async ({ open }) => {
    const [viewer, other] = [await newPerson(open, { expects: unanswered }), await newPerson(open)];
    const { page, context } = viewer;
    await page.goto('/app');
    await live(page).waitFor();
    await context.setOffline(true);
    await page.getByRole('status').filter({ hasText: 'You are offline' }).waitFor();
    await page.getByText('Connecting').waitFor();
    await page.getByText('$100.00').first().waitFor();
    assert.equal(await live(page).count(), 0);
    await page.getByLabel('90 days').click();
    await alerts(page, 'You are offline').first().waitFor();
    await look(page, 'overview, offline');

    await pay(other, [[viewer.account, 1_234]], 'Meanwhile');
    await context.setOffline(false);
    await page.getByText('$112.34').first().waitFor();
    await live(page).waitFor();
    await chart(page).waitFor();
    await page.getByRole('region', { name: 'Last transactions' }).getByText('Meanwhile').waitFor();
    assert.equal(await page.getByText('You are offline').count(), 0);
});

scene('without a network transactions cannot be searched, and are once it is back', async ({ open }) => {
    const { page, context } = await newPerson(open, { expects: unanswered });
    await page.goto('/app/transactions');
    await page.getByText('1 transaction, that is all.').waitFor();
    await context.setOffline(true);
    await page.getByLabel('Search notes').fill('nothing has this note');
    await alerts(page, 'You are offline').waitFor();
    await alerts(page, 'You are offline').getByRole('button', { name: 'Try again' }).click();
    await alerts(page, 'You are offline').waitFor();
    await context.setOffline(false);
    await page.getByText('Nothing matches').waitFor();
    await alerts(page, 'You are offline').waitFor({ state: 'detached' });
});

scene('without a network nothing is paid, and what was entered is kept', async ({ open }) => {
    const [payer, payee] = [await newPerson(open, { expects: unanswered }), await newPerson(open)];
    const { page, context } = payer;
    await page.goto('/app/pay');
    await firstRow(page).waitFor();
    await context.setOffline(true);
    await firstRow(page).getByLabel('E-mail').fill(payee.email);
    await firstRow(page).getByLabel(/^Amount/).fill('10');
    await page.getByRole('button', { name: 'Review', exact: true }).click();
    await page.getByText('Some addresses could not be looked up').waitFor();
    await look(page, 'pay, offline');
    await context.setOffline(false);
    await review(page);
    await context.setOffline(true);
    await sendButton(page).click();
    await alerts(page, 'Nothing was sent').waitFor();
    assert.equal(await balance(payee), welcome);
    await context.setOffline(false);
    await sendButton(page).click();
    await receipt(page).waitFor();
    assert.deepEqual([await balance(payer), await balance(payee)], [welcome - 1_000, welcome + 1_000]);
});

scene('a gateway that is gone is told from a network that is, and found again', async ({ open }) => {
    const gateway = await Gateway.start();
    try {
        const viewer = await newPerson(open, { origins: [gateway.url], expects: unanswered });
        const { page } = viewer;
        await gateway.takeSession(viewer.context);
        await page.goto(`${gateway.url}/app`);
        await live(page).waitFor();
        await gateway.kill();
        await page.getByText('Connecting').waitFor();
        await page.getByLabel('90 days').click();
        await alerts(page, 'TokPay does not answer').first().waitFor();
        await page.getByRole('link', { name: 'Transactions', exact: true }).first().click();
        await alerts(page, 'TokPay does not answer').waitFor();
        await look(page, 'transactions, no answer');
        await gateway.restart();
        await alerts(page, 'TokPay does not answer').getByRole('button', { name: 'Try again' }).click();
        await page.getByText('1 transaction, that is all.').waitFor();
        await page.getByRole('link', { name: 'Overview', exact: true }).first().click();
        await live(page).waitFor();
        await chart(page).waitFor();
    } finally {
        await gateway.kill();
    }
});

scene('a database that does not answer is told everywhere, and nothing is paid twice', async ({ open }) => {
    const pool = await Pool.start();
    const goOn = async () => {
        pool.go();
        await eventually(() => fetch(`${gateway.url}/v1/config`).then(({ ok }) => ok), 'the database');
    };
    const gateway = await Gateway.start({ settings: pool.gatewaySettings, flags: ['--request-deadline-ms=2500'] });
    try {
        const [payer, payee] = [await newPerson(open, { origins: [gateway.url], expects: refused }), await newPerson(open)];
        const { page } = payer;
        await gateway.takeSession(payer.context);
        await page.goto(`${gateway.url}/app`);
        await live(page).waitFor();
        pool.stop();
        await page.getByLabel('90 days').click();
        await alerts(page, 'This could not be loaded').first().waitFor();
        await look(page, 'overview, error');
        await page.getByRole('link', { name: 'Transactions', exact: true }).first().click();
        await alerts(page, 'This could not be loaded').waitFor();
        await page.reload();                    // the page itself comes without its data
        await alerts(page, 'This could not be loaded').waitFor();
        await look(page, 'page, error');
        await goOn();
        await alerts(page, 'This could not be loaded').getByRole('button', { name: 'Try again' }).click();
        await page.getByText('1 transaction, that is all.').waitFor();

        await fill(page, payee.email, '10', gateway.url);
        pool.stop();
        await page.getByRole('button', { name: 'Review', exact: true }).click();
        await page.getByText('Some addresses could not be looked up').waitFor();
        await goOn();
        await review(page);
        pool.stop();
        await sendButton(page).click();
        await alerts(page, 'Nothing was sent').waitFor();
        await goOn();
        await sendButton(page).click();
        await receipt(page).waitFor();
        assert.deepEqual([await balance(payer), await balance(payee)], [welcome - 1_000, welcome + 1_000]);
        await page.goto('about:blank');         // whose requests nobody ends
    } finally {
        await gateway.kill();
        await pool.end();
    }
});
