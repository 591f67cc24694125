// All specs in one process, so that they share a browser. With arguments, the specs of these names.

import { readdirSync } from 'node:fs';

const specs = readdirSync(new URL('specs', import.meta.url)).map((file) => file.replace(/\.mjs$/, '')).sort();
const wanted = process.argv.slice(2);
for (const spec of wanted.length > 0 ? wanted : specs) {
    await import(`./specs/${spec}.mjs`);
}
