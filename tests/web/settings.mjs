// The instance under test, as tests/run describes it.

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

function variable(name) {
    const value = process.env[name];
    if (!value) throw new Error(`${name} is not set: the tests need an instance, tests/README.md tells which`);
    return value;
}

export const checkout = fileURLToPath(new URL('../..', import.meta.url));
export const app = variable('TOKPAY_TEST_HTTP');
export const runDir = variable('TOKPAY_TEST_RUN_DIR');
export const pgUrl = variable('TOKPAY_TEST_PG_URL').replace(/\/[^/]*$/, '/tokpay');
export const issuer = `http://localhost:${variable('OIDC_PORT')}`;

export const screenshots = `${checkout}build/test/screenshots`;
mkdirSync(screenshots, { recursive: true });
