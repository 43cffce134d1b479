import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// The studio's server during development: FTF_SERVER=http://127.0.0.1:8000 npm run dev
const server = process.env.FTF_SERVER ?? "http://127.0.0.1:8000";

/** Writes each script and style compressed beside itself: the studio carries both, and compresses nothing while a page waits. */
const compressed: Plugin = {
  name: "compressed",
  apply: "build",
  writeBundle: async ({ dir = "dist" }, bundle) => {
    const texts = Object.values(bundle).filter(({ fileName }) => /\.(js|css)$/.test(fileName));
    await Promise.all(
      texts.map((file) => writeFile(join(dir, `${file.fileName}.gz`), gzipSync(file.type === "chunk" ? file.code : file.source, { level: 9 }))),
    );
  },
};

export default defineConfig({
  plugins: [react(), tailwindcss(), compressed],
  build: {
    target: "es2022",
    // Every browser of the target preloads modules by itself.
    modulePreload: { polyfill: false },
    // Nothing is inlined as data: the page's policy stays narrow.
    assetsInlineLimit: 0,
    reportCompressedSize: true,
  },
  // The host stays the page's own: the studio takes changes only from its own origin.
  server: { proxy: { "/api": { target: server, changeOrigin: false } } },
  test: {
    environment: "node",
    include: ["src/**/*.test.{ts,tsx}", "tests/**/*.test.ts"],
    restoreMocks: true,
  },
});
