// Measures a first visit, in a real browser against the real program:
//   node e2e/first-load-speed.mjs [VISITS]        (default 7; FTF_BINARY as for the tests)
// Prints the first paint with its bar and what was loaded, and ends with 1 when the bar is missed. Nothing else should run beside it.
import { chromium } from "playwright-core";
import { firstLoad } from "./access.mjs";
import { CHROMIUM_ARGUMENTS, findChromium, startStudio } from "./studio.mjs";

const VISITS = Number(process.argv[2] ?? 7);
const PAINT_MS = 1000;

const executablePath = findChromium();
if (!executablePath) throw new Error("no Chromium found (apt-get install chromium)");
const studio = await startStudio();
const browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGUMENTS });
try {
  const visits = [];
  for (let visit = 0; visit < VISITS; visit++) visits.push(await firstLoad(browser, studio.url));
  const paints = visits.map(({ paint }) => paint).sort((one, other) => one - other);
  const middle = paints[Math.floor(VISITS / 2)];
  const isOver = middle > PAINT_MS;
  console.log(`first contentful paint: ${middle.toFixed(0)} ms (${VISITS} visits, largest ${paints.at(-1).toFixed(0)} ms, bar ${PAINT_MS} ms: ${isOver ? "OVER" : "ok"})`);
  const [{ bytes, files }] = visits;
  console.log(`first load: ${(bytes / 1000).toFixed(1)} kB in ${files} files, as they go over the line`);
  process.exitCode = isOver ? 1 : 0;
} finally {
  await browser.close();
  await studio.stop();
}
