// Prints the sizes of the built app, compressed by gzip, and fails above the budget.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const budgets = { ".js": 60 * 1024, all: 100 * 1024 };
const folder = fileURLToPath(new URL("../../../build/web", import.meta.url));
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((each) => each.isFile() && !/\.(br|gz)$/.test(each.name))
  .map((each) => join(each.parentPath ?? each.path, each.name));

const sums = { ".js": 0, all: 0 };
for (const file of files) {
  const size = gzipSync(readFileSync(file), { level: 9 }).length;
  sums.all += size;
  if (file.endsWith(".js")) sums[".js"] += size;
  console.log(`${String(size).padStart(7)}  ${file.slice(folder.length + 1)}`);
}
for (const [what, budget] of Object.entries(budgets)) {
  console.log(`${String(sums[what]).padStart(7)}  ${what} of ${budget}`);
  if (sums[what] > budget) process.exitCode = 1;
}
