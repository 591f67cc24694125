// What is checked of every screen in every state.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { views } from './scene.mjs';
import { screenshots } from './settings.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** axe-core finds nothing, by all of its rules or some. The debugger's way in is not subject to the page's policy. */
export async function accessible(page, state, rules = undefined) {
    await page.evaluate(`window.axe ?? (() => { ${axe} })()`);
    const { violations, passes } = await page.evaluate((runOnly) => window.axe.run(runOnly ? { runOnly } : {}), rules);
    assert.ok(passes.length > 0, 'axe has looked at something');
    assert.deepEqual(violations.map(({ id, help, nodes }) => [id, help, nodes.map(({ html, failureSummary }) => [html, failureSummary])]), [], `${state}: accessible`);
}

/** Nothing sticks out sideways. */
export async function reflows(page, state) {
    const [content, width] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(content <= width, `${state}: ${content} px of content in ${width} px`);
}

// What another colour scheme or width can break; all rules have been asked by then.
const rules = { light: undefined, dark: ['color-contrast'], phone: ['target-size', 'scrollable-region-focusable', 'link-in-text-block'] };

/** Looks at a page as it is: accessible in light, dark and on a phone, and a picture of each. */
export async function look(page, state) {
    const before = page.viewportSize();
    for (const [name, view, colorScheme] of [['light', views.wide, 'light'], ['dark', views.wide, 'dark'], ['phone', views.phone, 'light']]) {
        await page.setViewportSize(view);
        await page.emulateMedia({ colorScheme });
        await accessible(page, `${state}, ${name}`, rules[name]);
        await reflows(page, `${state}, ${name}`);
        await page.screenshot({ path: `${screenshots}/${state} ${name}.png`, fullPage: name === 'phone' });
    }
    await page.setViewportSize(before);
}
