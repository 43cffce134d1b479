// What everybody must be able to use: each page that the tests look at is checked with axe-core, which nothing serious may
// be wrong for; and what a first visit costs.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FIRST_LOAD_BYTES = 300_000;

/** Nothing serious or critical is wrong with the page as it is shown, and no figure of it is none. */
export async function checkAccess(page, name) {
  const odd = (await page.locator("body").innerText()).match(/.*\b(?:NaN|undefined|Infinity|Invalid Date)\b.*/);
  assert.equal(odd, null, `${name}: ${odd}`);
  // Text of the debugger's own is not subject to the page's policy.
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map((node) => `${node.html}\n${node.failureSummary}`) }));
  });
  const serious = found.filter(({ impact }) => impact === "serious" || impact === "critical");
  const words = serious.map(({ id, impact, nodes }) => `${impact}: ${id}\n${nodes.slice(0, 5).join("\n")}`);
  assert.equal(serious.length, 0, `${name}: ${words.join("\n\n")}`);
}

/** A first visit to the address: when something was painted (ms), and the bytes and files that it took, as they go over the line. */
export async function firstLoad(browser, url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url);
  await page.getByRole("heading", { level: 1 }).waitFor();
  const load = await page.evaluate(async () => {
    const painted = () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
    while (painted() === undefined) await new Promise(requestAnimationFrame);
    const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    const own = loaded.filter((entry) => !new URL(entry.name).pathname.startsWith("/api/"));
    return { paint: painted(), bytes: own.reduce((sum, entry) => sum + entry.encodedBodySize, 0), files: own.length };
  });
  await context.close();
  return load;
}

/** A first visit loads under 300 kB. */
export async function checkFirstLoad(browser, url) {
  const { bytes, files } = await firstLoad(browser, url);
  assert.ok(bytes > 0 && bytes < FIRST_LOAD_BYTES, `${bytes} bytes in ${files} files`);
  return { bytes, files };
}
