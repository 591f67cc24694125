// Tests in one browser. Each has contexts of its own and fails where a page of it does anything that a
// page must not do: report an error, break the policy, fail a request, ask another site.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { app, issuer, screenshots } from './settings.mjs';

export const views = { wide: { width: 1280, height: 800 }, phone: { width: 320, height: 640 } };
const timeoutMs = 10_000;
const testTimeoutMs = 60_000;
let browser;

before(async () => {
    browser = await chromium.launch({
        executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
        chromiumSandbox: process.getuid() !== 0,
        args: ['--disable-gpu', '--disable-background-networking', '--disable-component-update'],
    });
});
after(() => browser?.close());

/** A test: open(options) gives it a page in a context of its own, as many as it wants.
 *  options: view, expects (regular expressions for faults that are meant to happen), origins (which a page may ask beside
 *  the app and the provider), and Playwright's context options. */
export function scene(name, body) {
    test(name, { timeout: testTimeoutMs }, async () => {
        const opened = [];
        const open = async ({ view = 'wide', expects = [], origins = [], ...options } = {}) => {
            const context = await browser.newContext({
                viewport: views[view], baseURL: app, locale: 'en-US', timezoneId: 'UTC', reducedMotion: 'reduce', ...options,
            });
            context.setDefaultTimeout(timeoutMs);
            const watched = { context, faults: [], expects };
            opened.push(watched);
            context.on('page', (page) => watch(page, watched.faults, [app, issuer, ...origins]));
            return context.newPage();
        };
        try {
            await body({ open });
            for (const { faults, expects } of opened) {
                assert.deepEqual(faults.filter((fault) => !expects.some((pattern) => pattern.test(fault))), [], 'no faults in the pages');
            }
        } catch (error) {
            const pages = opened.flatMap(({ context }) => context.pages());
            for (const [i, page] of pages.entries()) {
                await page.screenshot({ path: `${screenshots}/failed ${name.replace(/[^\w ]/g, '')} ${i}.png` }).catch(() => {});
            }
            throw error;
        } finally {
            await Promise.all(opened.map(({ context }) => context.close()));
        }
    });
}

// A fault is a line: "console …", "error …", "request …", "STATUS METHOD PATH".
function watch(page, faults, origins) {
    page.on('console', (message) => {
        // The reply itself is reported below.
        if (['error', 'warning'].includes(message.type()) && !message.text().startsWith('Failed to load resource')) {
            faults.push(`console ${message.text()}`);
        }
    });
    page.on('pageerror', (error) => faults.push(`error ${error.stack}`));
    page.on('request', (request) => {
        const { origin, protocol } = new URL(request.url());
        if (protocol !== 'data:' && protocol !== 'blob:' && !origins.includes(origin)) faults.push(`request to ${request.url()}`);
    });
    page.on('requestfailed', (request) => {
        // A page that goes away takes its requests along.
        const { errorText } = request.failure();
        if (errorText !== 'net::ERR_ABORTED') faults.push(`request ${request.method()} ${path(request)}: ${errorText}`);
    });
    page.on('response', (response) => {
        // What became of a payment that was not made yet is asked, and answered by 404.
        const isAnswer = response.status() === 404 && path(response).startsWith('/v1/transfers?debit=');
        if (response.status() >= 400 && !isAnswer) faults.push(`${response.status()} ${response.request().method()} ${path(response)}`);
    });
}

/** The path and query of a request or response. */
function path(about) {
    const { pathname, search } = new URL(about.url());
    return pathname + search;
}
