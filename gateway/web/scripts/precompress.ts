import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

// index.html is filled in while it is served, so that a compressed copy would never be sent.
const compressible = /\.(js|css|svg|webmanifest|txt)$/;

/** Writes NAME.br and NAME.gz beside every text file that is served as it is. */
export function precompress(): Plugin {
  let folder = "";
  return {
    name: "precompress",
    configResolved(config) {
      folder = config.build.outDir;
    },
    async closeBundle() {
      const names = await readdir(folder, { recursive: true });
      for (const name of names.filter((each) => compressible.test(each))) {
        const path = join(folder, name);
        const content = await readFile(path);
        const options = {
          params: {
            [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
            [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
          },
        };
        await writeFile(`${path}.br`, brotliCompressSync(content, options));
        await writeFile(`${path}.gz`, gzipSync(content, { level: 9 }));
      }
    },
  };
}
