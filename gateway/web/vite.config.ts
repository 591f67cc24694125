import { defineConfig } from "vite";
import { precompress } from "./scripts/precompress";

// modulePreload.polyfill would bring a script that the pages' policy has no use for; assetsInlineLimit keeps
// every picture a file of its own.
export default defineConfig({
  build: {
    outDir: "../../build/web",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  plugins: [precompress()],
});
