// Bundles tests/*.test.ts and runs them by Node's own runner.
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const outdir = fileURLToPath(new URL("../../../build/web-tests", import.meta.url));
const tests = readdirSync(`${root}/tests`).filter((name) => name.endsWith(".test.ts"));
rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: tests.map((name) => `${root}/tests/${name}`),
  outdir,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node18",
  sourcemap: "inline",
  logLevel: "warning",
});
const files = tests.map((name) => `${outdir}/${name.replace(/ts$/, "mjs")}`);
const run = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...files], { stdio: "inherit" });
process.exitCode = run.status ?? 1;
