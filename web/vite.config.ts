import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The studio's server during development: FTF_SERVER=http://127.0.0.1:8000 npm run dev
const server = process.env.FTF_SERVER ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), tailwindcss()],
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
