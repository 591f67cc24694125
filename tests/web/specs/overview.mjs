// The first page of the app.

import assert from 'node:assert/strict';
import { look } from '../look.mjs';
import { newPerson, pay } from '../people.mjs';
import { scene } from '../scene.mjs';

scene('the page arrives with its data', async ({ open }) => {
    const { page } = await newPerson(open);
    const asked = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto('/app', { waitUntil: 'commit' });
    await page.getByText('$100.00').first().waitFor();
    assert.deepEqual(asked.filter((path) => /^\/v1\/(me|config)$|entries$/.test(path)), []);
});

scene('the overview of a wallet that is used', async ({ open }) => {
    const [viewer, other] = [await newPerson(open, { amount: 123_456 }), await newPerson(open)];
    await pay(viewer, [[other.account, 2_000]], 'Lunch');
    await pay(viewer, [[other.account, 550]], '<b>not bold</b>');
    await pay(other, [[viewer.account, 999]], 'Change');
    await viewer.page.goto('/app');
    await viewer.page.getByText('Live', { exact: true }).waitFor();
    const last = viewer.page.getByRole('region', { name: 'Last transactions' });
    await last.getByText('<b>not bold</b>').waitFor();
    assert.equal(await last.getByRole('row').count(), 1 + 5);
    for (const table of await viewer.page.getByText('Show the numbers as a table').all()) await table.click();
    await look(viewer.page, 'overview');
    await viewer.page.getByLabel('90 days').click();
    await viewer.page.getByLabel('365 days').click();

    await pay(other, [[viewer.account, 1_001]], 'While you look');
    await last.getByText('While you look').waitFor();
    await viewer.page.getByText('$1,329.06').first().waitFor();
});

scene('the overview of a new wallet', async ({ open }) => {
    const { page } = await newPerson(open, { view: 'phone' });
    await page.goto('/app');
    await page.getByText('Live', { exact: true }).waitFor();
    await look(page, 'overview of a new wallet');
});
