// What the browser test stands on: a Chromium of this machine, and the real program on an empty data folder.
import { spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The browser: the one in CHROMIUM, or the first on PATH; null when there is none. */
export function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram) ?? null;
}

/** Arguments that keep the browser quiet: no window, no sandbox (it runs as root in containers), no calls home. */
export const CHROMIUM_ARGUMENTS = [
  "--no-sandbox",
  "--headless=new",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-domain-reliability",
  "--disable-sync",
  "--no-first-run",
  "--no-pings",
];

/** Starts the program on a data folder; resolves once it listens. */
async function serve(binary, folder, port) {
  const child = spawn(binary, ["serve", "--port", String(port), "--json", "--data-dir", folder], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, FTF_DATA_DIR: folder, FTF_LOG: process.env.FTF_LOG ?? "warn" },
  });
  const said = [];
  createInterface({ input: child.stderr }).on("line", (line) => said.push(line));
  const ended = new Promise((over) => child.once("exit", over));
  const url = await new Promise((found, failed) => {
    createInterface({ input: child.stdout }).once("line", (line) => found(JSON.parse(line).listening));
    child.once("error", failed);
    void ended.then((code) => failed(new Error(`the studio ended at once (${code}):\n${said.join("\n")}`)));
  });
  const end = async (signal) => {
    child.kill(signal);
    await ended;
  };
  return { url, end };
}

/**
 * The program (FTF_BINARY, default the release build) on a data folder of its own: its address, a way to stop it, and
 * one to kill it without warning and start it again at the same address. FTF_STUDIO_URL names a studio that runs
 * already instead, e.g. the development server; it is not killed.
 */
export async function startStudio() {
  if (process.env.FTF_STUDIO_URL) return { url: process.env.FTF_STUDIO_URL, stop: async () => {}, crash: null, restart: null };
  const binary = resolve(process.env.FTF_BINARY ?? join(HERE, "../../target/release/finetuneflow"));
  if (!isProgram(binary)) throw new Error(`${binary} is missing: build it with cargo build --release, or set FTF_BINARY`);
  const folder = mkdtempSync(join(tmpdir(), "finetuneflow-e2e-"));
  let running = await serve(binary, folder, 0);
  const { url } = running;
  return {
    url,
    crash: () => running.end("SIGKILL"),
    restart: async () => {
      running = await serve(binary, folder, new URL(url).port);
    },
    stop: async () => {
      await running.end("SIGTERM");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
