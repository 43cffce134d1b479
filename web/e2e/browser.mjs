// A real browser on the real program, driven part by part; it keeps pictures and watches for faults.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { checkAccess } from "./access.mjs";
import { CHROMIUM_ARGUMENTS, findChromium, startStudio } from "./studio.mjs";

const SHOTS = process.env.FTF_SCREENSHOTS ?? null;
/** Generous: two cores may be shared with other work. */
const PATIENCE_MS = Number(process.env.FTF_PATIENCE_MS ?? 300_000);

const executablePath = findChromium();
if (!executablePath) console.log("skipped: no Chromium found (apt-get install chromium)");

/** What a test that opens a browser is given. */
export const BROWSER_TEST = { skip: !executablePath && "no Chromium", timeout: 1_200_000 };

/** Checks the page, and keeps pictures of it where they are wanted: as it is, in the dark, and at the width of a phone. */
export async function shoot(page, name) {
  if (SHOTS) mkdirSync(SHOTS, { recursive: true });
  const take = async (kind) => {
    await checkAccess(page, `${name}-${kind}`);
    if (SHOTS) await page.screenshot({ path: join(SHOTS, `${name}-${kind}.png`), fullPage: true, animations: "disabled" });
  };
  await take("light");
  await page.emulateMedia({ colorScheme: "dark" });
  await take("dark");
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 390, height: 800 });
  // Charts take their size from what is around them, a frame later.
  await page.evaluate(() => new Promise((settled) => requestAnimationFrame(() => requestAnimationFrame(settled))));
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  await take("phone");
  await page.setViewportSize({ width: 1280, height: 860 });
  assert.ok(overflow <= 0, `${name} is ${overflow} pixels wider than a phone of 390`);
}

/**
 * A studio on an empty folder and a page that shows it. `part` runs the parts of the test one after the other; `faults`
 * are errors of scripts, `foreign` requests to anywhere else.
 */
export async function openStudio(t) {
  const studio = await startStudio();
  const browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGUMENTS });
  t.after(async () => {
    await browser.close();
    await studio.stop();
  });
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 860 }, acceptDownloads: true, reducedMotion: "reduce" });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const faults = [];
  const foreign = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => message.type() === "error" && faults.push(`${message.text()} ${message.location().url}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== new URL(studio.url).origin) foreign.push(request.url());
  });

  const heading = (name) => page.getByRole("heading", { level: 1, name }).waitFor();
  const button = (name) => page.getByRole("button", { name, exact: typeof name === "string" });
  const step = (name) => page.getByRole("navigation", { name: "Steps of this project" }).getByRole("link", { name: new RegExp(`^${name}\\b`) });

  // Each part stands on the ones before it: after a failure the rest would only wait in vain.
  let failed = null;
  const part = (name, run) =>
    t.test(name, async () => {
      if (failed) throw new Error(`not tried: “${failed}” failed`);
      try {
        await run();
      } catch (error) {
        failed = name;
        if (SHOTS) await page.screenshot({ path: join(SHOTS, "failed.png"), fullPage: true });
        t.diagnostic(`${page.url()} shows:\n${(await page.locator("body").innerText()).slice(0, 3000)}`);
        throw error;
      }
    });
  return { studio, browser, page, faults, foreign, heading, button, step, part };
}
