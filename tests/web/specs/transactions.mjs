// The list of transactions and the page of one.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { look } from '../look.mjs';
import { administer, balance, call, newName, newPerson, pay } from '../people.mjs';
import { scene } from '../scene.mjs';

/** Many payments of one cent and more, from one account to another. */
async function payOften(debit, credit, count) {
    const transfers = Array.from({ length: count }, (_, i) => ({
        key: `often-${i}`, debit, credits: [{ account: credit, amount: i % 7 + 1 }], description: `Number ${i}`,
    }));
    const { results } = await administer('/v1/transfers:batch', { transfers });
    assert.ok(results.every(({ code }) => code === 'ok'));
}

const rows = (page) => page.getByRole('main').getByRole('row');

scene('transactions are searched, filtered and loaded page by page', async ({ open }) => {
    const [viewer, other] = [await newPerson(open, { amount: 100_000 }), await newPerson(open)];
    const { page } = viewer;
    await payOften(viewer.account, other.account, 120);
    await pay(other, [[viewer.account, 4_200]], 'Rent, your half');

    await page.goto('/app/transactions');
    await page.getByText('50 transactions shown, there are more.').waitFor();
    await look(page, 'transactions');
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.getByText('100 transactions shown, there are more.').waitFor();
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.getByText('123 transactions, that is all.').waitFor();
    assert.equal(await rows(page).count(), 1 + 123);

    const last = page.getByRole('link', { name: 'Top-up' }).last();
    await last.scrollIntoViewIfNeeded();
    const scrolled = await page.evaluate(() => window.scrollY);
    await last.click();
    await page.getByText('Reference', { exact: true }).waitFor();
    await page.goBack();                        // to where one was, and as many
    await page.getByText('123 transactions, that is all.').waitFor();
    assert.ok(scrolled > 1_000);
    assert.equal(await page.evaluate(() => window.scrollY), scrolled);

    await page.getByLabel('Search notes').fill('rent');
    await page.getByText('1 transaction, that is all.').waitFor();
    assert.match(await rows(page).nth(1).innerText(), /42\.00/);
    await page.reload();                        // the address has the search
    await page.getByText('1 transaction, that is all.').waitFor();
    await rows(page).nth(1).getByRole('link').click();
    await page.getByRole('link', { name: 'All transactions' }).click();
    await page.getByText('1 transaction, that is all.').waitFor();
    await page.getByLabel('Search notes').fill('nothing has this note');
    await page.getByText('Nothing matches').waitFor();
    await look(page, 'transactions, nothing matches');
    await page.getByRole('button', { name: 'Clear all filters' }).first().click();
    await page.getByText('50 transactions shown, there are more.').waitFor();
    assert.ok(await page.getByLabel('Search notes').evaluate((field) => field === document.activeElement), 'the keyboard goes on');

    await page.getByLabel('In', { exact: true }).click();
    await page.getByText('3 transactions, that is all.').waitFor();
    await page.getByLabel('Out', { exact: true }).click();
    await page.getByText('More filters').click();
    await page.getByLabel('At least').fill('0.07');
    await page.getByText('17 transactions, that is all.').waitFor();
    await look(page, 'transactions, filtered');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download CSV' }).click()]);
    assert.equal(readFileSync(await download.path(), 'utf8').trim().split('\n').length, 1 + 17);
});

scene('10,000 transactions stay smooth', async ({ open }) => {
    const [viewer, other] = [await newPerson(open, { amount: 1_000_000 }), await newPerson(open)];
    await payOften(viewer.account, other.account, 10_000);
    await viewer.page.goto('/app/transactions');
    for (let shown = 50; shown < 300; shown += 50) {
        await viewer.page.getByText(`${shown} transactions shown, there are more.`).waitFor({ timeout: 3_000 });
        await viewer.page.getByRole('button', { name: 'Load more' }).click();
    }
    await viewer.page.getByLabel('Search notes').fill('Number 77');
    await viewer.page.getByText(/^50 transactions shown|^111 transactions/).waitFor({ timeout: 3_000 });
});

scene('a payee gives back a part, then the rest, and no more', async ({ open }) => {
    const [payer, payee] = [await newPerson(open), await newPerson(open, { expects: [/^422 POST .*:refund/] })];
    const third = await newPerson(open);
    const { page } = payee;
    const { id } = await pay(payer, [[payee.account, 3_000], [third.account, 1_234]], 'Too much');
    await page.goto('/app/transactions');
    await page.getByRole('link', { name: payer.name }).first().click();
    await page.getByRole('heading', { name: /^Payment from/ }).waitFor();
    assert.ok(page.url().endsWith(`/app/transactions/${id}`));
    const seen = await page.getByRole('main').innerText();
    assert.ok(!seen.includes('12.34') && !seen.toLowerCase().includes(third.name), 'the other payee is not shown');
    await look(page, 'transaction');

    await page.getByLabel('Amount to give back').fill('40');
    await page.getByRole('button', { name: 'Review refund' }).click();
    await page.getByText('$30.00 is left; you cannot give back more.').waitFor();
    await page.getByLabel('Amount to give back').fill('12.5');
    await page.getByRole('button', { name: 'Review refund' }).click();
    await look(page, 'refund, review');
    await page.getByRole('button', { name: 'Refund $12.50' }).dblclick();
    await page.getByText(/^\$12.50 went back to/).waitFor();
    assert.deepEqual([await balance(payer), await balance(payee)], [10_000 - 4_234 + 1_250, 10_000 + 3_000 - 1_250]);
    await page.reload();
    await page.getByText('$12.50 went back already.').waitFor();
    await look(page, 'refund, of the rest');
    // Meanwhile another tab gives back more than this one knows of.
    assert.equal((await call(payee.context, `/v1/transfers/${id}:refund`, { data: { amount: 1_000 }, key: newName() }))[0], 201);
    await page.getByRole('button', { name: 'Review refund' }).click();
    await page.getByRole('button', { name: 'Refund $17.50' }).click();
    await page.getByText('Nothing was sent').waitFor();
    await page.getByText('$22.50 went back already.').waitFor();
    await page.getByRole('button', { name: 'Review refund' }).click();
    await page.getByRole('button', { name: 'Refund $7.50' }).click();
    await page.getByText(/^\$7.50 went back to/).waitFor();
    await page.reload();
    await page.getByText(/^All of it, \$30.00, went back to/).waitFor();
    await look(page, 'refund, of all');
    assert.deepEqual([await balance(payer), await balance(payee)], [10_000 - 1_234, 10_000]);
});

scene('a transaction of others is none', async ({ open }) => {
    const [payer, payee, stranger] = [await newPerson(open), await newPerson(open), await newPerson(open, { expects: [/^404 GET \/v1\//] })];
    const { id } = await pay(payer, [[payee.account, 1]]);
    await stranger.page.goto(`/app/transactions/${id}`);
    await stranger.page.getByText('There is nothing here that you may see.').waitFor();
    await look(stranger.page, 'transaction of others');
});
