// Paying: many people at once, and each exactly once.

import assert from 'node:assert/strict';
import { eventually, Gateway, lockAccount, Psql } from '../gateway.mjs';
import { look } from '../look.mjs';
import { addressOf, administer, balance, newName, newPerson, signIn } from '../people.mjs';
import { scene } from '../scene.mjs';
import { app, issuer, screenshots } from '../settings.mjs';

const welcome = 10_000;
const row = (page, number) => page.getByRole('group', { name: `Payment ${number}`, exact: true });
const sendButton = (page) => page.getByRole('button', { name: /^Send \d/ });

/** Fills a new payment in: payments are [address, amount as typed]. */
async function fill(page, payments, base = '') {
    await page.goto(`${base}/app/pay`);
    await row(page, 1).waitFor();
    const anew = page.getByRole('button', { name: 'Start anew' });    // what was left unfinished is there
    if (await anew.count() > 0) await anew.click();
    await anew.waitFor({ state: 'hidden' });
    for (const [i, [address, amount]] of payments.entries()) {
        if (await row(page, i + 1).count() === 0) await page.getByRole('button', { name: 'Add a person' }).click();
        await row(page, i + 1).getByLabel('E-mail').fill(address);
        await row(page, i + 1).getByLabel(/^Amount/).fill(amount);
    }
}

async function review(page) {
    await page.getByRole('button', { name: 'Review', exact: true }).click();
    await page.getByRole('heading', { name: 'Check and send' }).waitFor();
}

const receipt = (page) => page.getByRole('heading', { name: /^\$[\d.,]+ sent / });

async function payerAndPayee(open, options) {
    return [await newPerson(open, options), await newPerson(open)];
}

scene('three people are paid at once, and each of the four sees it', async ({ open }) => {
    const payer = await newPerson(open, { amount: 100_000 });
    const payees = [await newPerson(open), await newPerson(open, { view: 'phone' }), await newPerson(open)];
    const { page } = payer;
    await fill(page, payees.map(({ email }, i) => [email, ['12.34', '1,000', '0.05'][i]]));
    await page.getByLabel('Note').fill('Trip to the sea 🌊');
    await look(page, 'pay');
    await review(page);
    await look(page, 'review');
    await sendButton(page).click();
    await receipt(page).waitFor();
    await look(page, 'receipt');

    await page.emulateMedia({ media: 'print' });
    const [reference] = (await page.getByText('Reference', { exact: true }).locator('..').innerText()).match(/\d+/);
    assert.match(await page.getByRole('main').innerText(), new RegExp(`${reference}[^]*\\$1,012.39`));
    const controls = page.locator('button, .button, nav, input, [role=dialog]');
    assert.ok(await controls.count() > 0 && await controls.locator('visible=true').count() === 0, 'nothing to press on paper');
    assert.equal(await page.getByRole('main').evaluate((main) => getComputedStyle(main.querySelector('.card')).backgroundColor), 'rgb(255, 255, 255)');
    await page.screenshot({ path: `${screenshots}/receipt print.png`, fullPage: true });
    await page.emulateMedia({ media: 'screen' });

    const [, key] = new URL(page.url()).pathname.match(/^\/app\/pay\/([\w-]{22})$/);
    await page.reload();                        // the receipt stays where the payment was made
    await receipt(page).waitFor();
    const elsewhere = await open();
    await signIn({ context: elsewhere.context(), name: payer.name });
    await elsewhere.goto(`/app/pay/${key}`);
    await receipt(elsewhere).waitFor();

    const expected = [[payer, '$87.61', 8_761], [payees[0], '$112.34', 11_234], [payees[1], '$1,100.00', 110_000], [payees[2], '$100.05', 10_005]];
    for (const [person, shown, minorUnits] of expected) {
        assert.equal(await balance(person), minorUnits);
        await person.page.goto('/app');
        await person.page.getByText(shown, { exact: true }).first().waitFor();
    }
});

scene('a double click pays once', async ({ open }) => {
    const [payer, payee] = await payerAndPayee(open);
    await fill(payer.page, [[payee.email, '10']]);
    await review(payer.page);
    await sendButton(payer.page).dblclick();
    await receipt(payer.page).waitFor();
    assert.deepEqual([await balance(payer), await balance(payee)], [welcome - 1_000, welcome + 1_000]);
});

scene('two tabs of one payment pay once', async ({ open }) => {
    const [payer, payee] = await payerAndPayee(open);
    await fill(payer.page, [[payee.email, '10']]);
    await review(payer.page);
    // Duplicated, so with the draft; on the review, or on the form before it.
    const [other] = await Promise.all([payer.context.waitForEvent('page'), payer.page.evaluate(() => { window.open(location.href); })]);
    await row(other, 1).or(sendButton(other)).first().waitFor();
    if (await sendButton(other).count() === 0) await review(other);
    const buttons = await Promise.all([payer.page, other].map((page) => sendButton(page).elementHandle()));
    await Promise.all(buttons.map((button) => button.evaluate((element) => element.click())));
    await Promise.all([receipt(payer.page).waitFor(), receipt(other).waitFor()]);
    assert.deepEqual([await balance(payer), await balance(payee)], [welcome - 1_000, welcome + 1_000]);
});

scene('a reload before the answer pays once', async ({ open }) => {
    const [payer, payee] = await payerAndPayee(open);
    await fill(payer.page, [[payee.email, '10']]);
    await review(payer.page);
    const lock = await lockAccount(payee.account);
    await sendButton(payer.page).click();
    await eventually(lock.waiting, 'the payment reaches the database');
    await payer.page.reload();
    await payer.page.getByRole('heading', { name: /^Sending your payment|^We do not know yet/ }).waitFor();
    await lock.release();
    await receipt(payer.page).waitFor();
    assert.deepEqual([await balance(payer), await balance(payee)], [welcome - 1_000, welcome + 1_000]);
});

scene('an answer that gets lost is found', async ({ open }) => {
    const [payer, payee] = await payerAndPayee(open, { expects: [/^request POST \/v1\/transfers:/] });
    const { page } = payer;
    await fill(page, [[payee.email, '10']]);
    await review(page);
    let isLost = true;
    await page.route('**/v1/transfers', async (route) => {
        if (route.request().method() !== 'POST' || !isLost) return route.continue();
        await route.fetch();                    // it is sent, and answered
        await route.abort('connectionreset');
    });
    await sendButton(page).click();
    await page.getByRole('heading', { name: 'We do not know yet whether this was paid' }).waitFor();
    await look(page, 'outcome unknown');
    assert.equal(await sendButton(page).count(), 0, 'it cannot be sent again');
    isLost = false;
    await page.getByRole('button', { name: 'Ask now' }).click().catch(() => {});    // unless it has just asked
    await receipt(page).waitFor();
    assert.deepEqual([await balance(payer), await balance(payee)], [welcome - 1_000, welcome + 1_000]);
});

scene('a gateway that is killed in mid-payment pays once', async ({ open }) => {
    const gateway = await Gateway.start();
    try {
        const [payer, payee] = await payerAndPayee(open, { origins: [gateway.url], expects: [/^request (GET|POST) \/v1\//, /^console .*ERR_/] });
        const { page } = payer;
        await gateway.takeSession(payer.context);
        await fill(page, [[payee.email, '10']], gateway.url);
        await review(page);
        const lock = await lockAccount(payee.account);
        await sendButton(page).click();
        await eventually(lock.waiting, 'the payment reaches the database');
        await gateway.kill();
        await page.getByRole('heading', { name: 'We do not know yet whether this was paid' }).waitFor();
        await lock.release();
        await gateway.restart();
        await receipt(page).waitFor({ timeout: 20_000 });
        assert.deepEqual([await balance(payer), await balance(payee)], [welcome - 1_000, welcome + 1_000]);
    } finally {
        await gateway.kill();
    }
});

scene('an equal payment within minutes asks first', async ({ open }) => {
    const [payer, payee] = await payerAndPayee(open);
    const { page } = payer;
    for (const isAgain of [false, true]) {
        await fill(page, [[payee.email, '10']]);
        await review(page);
        await sendButton(page).click();
        if (isAgain) {
            await page.getByRole('dialog', { name: 'Did you mean to pay this again?' }).waitFor();
            assert.equal(await balance(payer), welcome - 1_000);
            await look(page, 'equal payment');
            await page.getByRole('button', { name: /^Pay again/ }).click();
        }
        await receipt(page).waitFor();
    }
    assert.equal(await balance(payer), welcome - 2_000);
});

scene('what is wrong is said at its row, before anything is sent', async ({ open }) => {
    const [payer, payee] = await payerAndPayee(open);
    const { page } = payer;
    await fill(page, [[addressOf(newName()), '1'], [payer.email, '1'], ['no address', '1'], [payee.email, '1'], [payee.email.toUpperCase(), '1'], [payee.email, '99.999']]);
    await page.getByRole('button', { name: 'Review', exact: true }).click();
    for (const [number, text] of [
        [1, 'Nobody with this address has a wallet here.'], [2, 'This is your own address.'], [3, 'This is not an e-mail address.'],
        [5, 'The same person as in payment 4.'], [6, 'USD has 2 decimals.'],
    ]) {
        await row(page, number).getByText(text).waitFor();
    }
    await look(page, 'pay, faults');
    assert.equal(await sendButton(page).count(), 0);

    await fill(page, [[payee.email, '60'], [payee.email, '60.01']]);
    await row(page, 2).getByText('With this the total is $20.01 more than you have.').waitFor();
    await look(page, 'pay, too little money');
});

scene('people paid before are suggested, others stay unknown', async ({ open }) => {
    const [payer, payee] = await payerAndPayee(open);
    const { page } = payer;
    await fill(page, [[payee.email, '1']]);
    assert.equal(await page.getByText(new RegExp(`Paid before: ${payee.name}`, 'i')).count(), 0, 'no name yet');
    await review(page);
    await sendButton(page).click();
    await receipt(page).waitFor();
    await page.getByRole('button', { name: 'New payment' }).click();
    await row(page, 1).getByLabel('E-mail').pressSequentially(payee.name.slice(0, 5));
    await page.getByRole('option').filter({ hasText: payee.email }).waitFor();
    await look(page, 'pay, suggestions');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    assert.equal(await row(page, 1).getByLabel('E-mail').inputValue(), payee.email);
});

scene('the keyboard is enough', async ({ open }) => {
    const [payer, first] = await payerAndPayee(open, { view: 'phone' });
    const second = await newPerson(open);
    const { page } = payer;
    const { keyboard } = page;
    const tabTo = async (locator) => {
        for (let i = 0; i < 40; i++) {
            if (await locator.evaluate((element) => element === document.activeElement).catch(() => false)) return;
            await keyboard.press('Tab');
        }
        assert.fail('the focus gets there');
    };
    await page.goto('/app');
    await tabTo(page.getByRole('main').getByRole('link', { name: 'Pay' }));
    await keyboard.press('Enter');
    await row(page, 1).waitFor();
    await tabTo(row(page, 1).getByLabel('E-mail'));
    for (const [address, amount] of [[first.email, '1.50'], [second.email, '2']]) {
        await keyboard.type(address);
        await keyboard.press('Enter');
        await keyboard.type(amount);
        if (address === first.email) await keyboard.press('Enter');
    }
    await keyboard.press('Control+Enter');
    await page.getByRole('heading', { name: 'Check and send' }).waitFor();
    await tabTo(sendButton(page));
    await keyboard.press('Enter');
    await receipt(page).waitFor();
    assert.deepEqual([await balance(payer), await balance(first), await balance(second)], [welcome - 350, welcome + 150, welcome + 200]);
});

scene('a list of 1,000 people is pasted and paid', async ({ open }) => {
    const payer = await newPerson(open, { amount: 100_000 });
    const { page } = payer;
    const prefix = newName();
    const psql = new Psql();
    assert.equal(await psql.ask(`select count(tokpay.register_wallet('${issuer}', '${prefix}' || n, '${prefix}' || n || '@demo.tokpay.example', true, true)) from generate_series(1, 1000) as n`), '1000');
    await psql.end();
    await page.goto('/app/pay');
    await page.getByRole('button', { name: 'Paste or open a list' }).click();
    const lines = Array.from({ length: 1_000 }, (_, i) => `${addressOf(prefix + (i + 1))}, 0.${String(i % 90 + 10)}`);
    const faulty = Buffer.from([...lines, 'nobody, x'].join('\r\n'));
    await page.getByLabel('Or open a CSV file').setInputFiles({ name: 'payroll.csv', mimeType: 'text/csv', buffer: faulty });
    await page.getByText(/^Line 1,?001:/).waitFor();
    await page.getByRole('button', { name: 'Correct 1 line first' }).waitFor();
    await look(page, 'list, a fault');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await payer.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.evaluate((text) => navigator.clipboard.writeText(text), lines.join('\n'));
    await row(page, 1).getByLabel('E-mail').focus();
    await page.keyboard.press('Control+V');
    await page.getByRole('group', { name: /^Payment 1,?000$/ }).waitFor();
    await review(page);
    await sendButton(page).click();
    await receipt(page).waitFor();
    const total = lines.reduce((sum, line) => sum + Number(line.slice(-2)), 0);
    assert.equal(await balance(payer), welcome + 100_000 - total);
    const [last] = (await administer(`/v1/accounts/${payer.account}/entries?limit=1`)).data;
    assert.equal(last.counterparties.length, 1_000);
});

scene('more unknown addresses than a day allows withhold no others', async ({ open }) => {
    const [payer, payee] = await payerAndPayee(open, { expects: [/^429 POST \/v1\/recipients:resolve$/] });
    const { page } = payer;
    await page.goto('/app/pay');
    await page.getByRole('button', { name: 'Paste or open a list' }).click();
    const unknown = Array.from({ length: 120 }, () => `${addressOf(newName())}, 0.01`);
    await page.getByLabel('Lines').fill([`${payee.email}, 0.01`, ...unknown].join('\n'));
    await page.getByRole('button', { name: 'Add 121 payments' }).click();
    await page.getByText('A wallet looks up 2,000 addresses a day').waitFor();
    await row(page, 1).getByText('Has a wallet here').waitFor();
    await row(page, 100).getByText('Nobody with this address has a wallet here.').waitFor();
    await row(page, 101).getByText('Not looked up: 100 unknown addresses a day are the limit.').waitFor();
});

scene('an unfinished payment is gone on with', async ({ open }) => {
    const [payer, payee] = await payerAndPayee(open);
    const { page } = payer;
    const address = row(page, 1).getByLabel('E-mail');
    const payLink = page.getByRole('navigation').getByRole('link', { name: 'Pay', exact: true });
    await fill(page, [[payee.email, '120']]);
    await page.getByRole('main').getByRole('link', { name: 'Top up' }).click();
    await page.getByRole('button', { name: 'Top up $50.00' }).click();
    await page.getByRole('main').getByRole('link', { name: 'Pay', exact: true }).click();
    await row(page, 1).waitFor();
    assert.equal(await address.inputValue(), payee.email);

    await page.getByRole('button', { name: 'Start anew' }).click();
    await page.waitForFunction(() => document.querySelector('[name=email]').value === '');
    await payLink.click();
    await row(page, 1).waitFor();
    assert.equal(await address.inputValue(), '');

    await page.goBack();
    await page.goBack();
    await page.waitForFunction(() => document.querySelector('[name=email]')?.value);
    await review(page);
    await sendButton(page).click();
    await receipt(page).waitFor();
    await payLink.click();
    await row(page, 1).waitFor();
    assert.equal(await address.inputValue(), '', 'what was sent is not unfinished');
});

scene('a draft outlives its session', async ({ open }) => {
    const [payer, payee] = await payerAndPayee(open, { expects: [/^401 /] });
    const { page } = payer;
    await fill(page, [[payee.email, '3.21']]);
    const at = page.url();
    await payer.context.clearCookies({ name: /^tokpay-/ });
    await page.getByRole('button', { name: 'Review', exact: true }).click();
    await page.getByRole('alert').filter({ hasText: 'You have been signed out' }).getByRole('link', { name: /Demo sign-in$/ }).click();
    await page.waitForURL(at);
    assert.equal(await row(page, 1).getByLabel('E-mail').inputValue(), payee.email);
    assert.equal(await row(page, 1).getByLabel(/^Amount/).inputValue(), '3.21');
    await review(page);
});

scene('a sum is split evenly', async ({ open }) => {
    const [payer, payee] = await payerAndPayee(open);
    const { page } = payer;
    await fill(page, [[payee.email, ''], ['b@demo.tokpay.example', ''], ['c@demo.tokpay.example', '']]);
    await page.getByRole('button', { name: 'Split a sum' }).click();
    await page.getByRole('dialog').getByLabel(/^Sum/).fill('10');
    await look(page, 'split');
    await page.getByRole('dialog').getByRole('button', { name: 'Split', exact: true }).click();
    assert.deepEqual(await Promise.all([1, 2, 3].map((number) => row(page, number).getByLabel(/^Amount/).inputValue())), ['3.34', '3.33', '3.33']);
});

scene('a wallet is topped up', async ({ open }) => {
    const { page, context } = await newPerson(open);
    await page.goto('/app/top-up');
    await look(page, 'top up');
    await page.getByLabel('$50.00').click();
    await page.getByRole('button', { name: 'Top up $50.00' }).dblclick();
    await page.getByText('$50.00 added').waitFor();
    await page.getByText('$150.00').first().waitFor();
    await look(page, 'topped up');
    await page.getByRole('button', { name: 'Top up again' }).click();
    await page.getByLabel('Other amount').click();
    await page.getByLabel(/^Amount/).last().fill('1000.01');
    await page.getByRole('button', { name: /^Top up/ }).click();
    await page.getByText('At most $1,000.00 at once.').waitFor();
    assert.equal(await balance({ context }), welcome + 5_000);
    assert.ok(page.url().startsWith(app));
});
