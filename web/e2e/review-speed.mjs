// Measures the review with very many examples, in a real browser against the real program:
//   node e2e/review-speed.mjs [EXAMPLES]        (default 100000; FTF_BINARY as for the tests)
// Prints one line a figure, with its bar, and ends with 1 when one is over it. Nothing else should run beside it.
import { chromium } from "playwright-core";
import { CHROMIUM_ARGUMENTS, findChromium, startStudio } from "./studio.mjs";

const EXAMPLES = Number(process.argv[2] ?? 100_000);
const REPEATS = 5;
const KEYS = 100;

const WORDS = "lamp river stone garden window letter morning engine silver bridge paper station harbour winter ladder mirror bottle carpet signal village".split(" ");

/** Rows that differ, about as long as answers are; the same at every run. */
function* rows() {
  let state = 7;
  const next = (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const words = (count) => Array.from({ length: count }, () => WORDS[next(WORDS.length)]).join(" ");
  for (let number = 0; number < EXAMPLES; number++) {
    const rare = number === Math.floor(EXAMPLES * 0.9) ? " quicksilver" : "";
    yield JSON.stringify({ messages: [{ role: "user", content: `Question ${number}: ${words(12)}?` }, { role: "assistant", content: `${words(55)}${rare}.` }] });
  }
}

async function json(url, options) {
  const answer = await fetch(url, options);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}
const post = (url, body) => json(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

/** A project with all of them to review, but every tenth approved. */
async function prepare(api) {
  const project = await post(`${api}/projects`, { name: "Very many" });
  const form = new FormData();
  form.append("kind", "dataset");
  form.append("files", new Blob([[...rows()].join("\n")]), "many.jsonl");
  const [file] = (await json(`${api}/projects/${project.id}/files/upload`, { method: "POST", body: form })).items;
  const begun = performance.now();
  const report = await post(`${api}/projects/${project.id}/dataset/import`, { file_id: file.id, approve: false });
  console.log(`imported ${report.imported} examples in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  await post(`${api}/projects/${project.id}/dataset/examples/bulk`, { action: "approve", filter: { q: "question 1" } });
  return { project, file };
}

const sorted = (values) => [...values].sort((one, other) => one - other);
const at = (values, share) => sorted(values)[Math.min(values.length - 1, Math.floor(values.length * share))];
let over = false;

function report(what, values, bar = null) {
  const middle = at(values, 0.5);
  const isOver = bar !== null && middle > bar;
  over ||= isOver;
  const limit = bar === null ? "" : `, bar ${bar} ms: ${isOver ? "OVER" : "ok"}`;
  console.log(`${what}: ${middle.toFixed(0)} ms (${values.length} times, largest ${Math.max(...values).toFixed(0)} ms${limit})`);
}

/** Runs in the page: waits until `test` holds after a change, and answers when that was painted. */
const WATCH = `window.painted = (test) => new Promise((done) => {
  const paint = () => requestAnimationFrame(() => { const channel = new MessageChannel(); channel.port1.onmessage = () => done(performance.now()); channel.port2.postMessage(0); });
  if (test()) return paint();
  const observer = new MutationObserver(() => { if (test()) { observer.disconnect(); paint(); } });
  observer.observe(document, { subtree: true, childList: true, attributes: true });
});`;

/** The server alone: the outline of a filter, which is what a filter waits for. */
async function measureServer(api, project, file) {
  const base = `${api}/projects/${project.id}/dataset/examples`;
  const queries = { "no filter": "", "status": "status=pending", "document": `file_id=${file.id}`, "finding": "issue=refusal", "a frequent text": "q=river", "a rare text": "q=quicksilver", "a text and a status": "q=lamp&status=pending" };
  for (const [name, query] of Object.entries(queries)) {
    const times = [];
    for (let time = 0; time < REPEATS; time++) {
      const begun = performance.now();
      await json(`${base}/outline?${query}`);
      times.push(performance.now() - begun);
    }
    report(`server, outline, ${name}`, times, 300);
  }
  const { starts } = await json(`${base}/outline?status=pending`);
  const middle = Math.floor(starts.length * 0.8);
  const times = [];
  for (let time = 0; time < REPEATS; time++) {
    const begun = performance.now();
    await json(`${base}?status=pending&from=${starts[middle]}&to=${starts[middle + 1]}&per_page=100`);
    times.push(performance.now() - begun);
  }
  report("server, a window at four fifths", times, 300);
}

async function measureOpening(browser, address) {
  const times = [];
  for (let time = 0; time < REPEATS; time++) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
    const page = await context.newPage();
    await page.addInitScript(WATCH);
    await page.goto(address, { waitUntil: "commit" });
    times.push(await page.evaluate(() => window.painted(() => document.querySelector("li[data-status]") !== null)));
    await context.close();
  }
  report("page opened to rows shown", times, 1000);
}

/** Each filter as it is chosen for the first time: what the page has read before would be shown at once. */
async function measureFilters(page, address) {
  const open = async () => {
    await page.goto(address);
    await page.locator("li[data-status]").first().waitFor();
  };
  const choose = (label, wanted) =>
    page.evaluate(
      async ([text, status]) => {
        const button = [...document.querySelectorAll("[aria-pressed]")].find((one) => one.textContent.startsWith(text));
        const begun = performance.now();
        button.click();
        const isShown = () => {
          const lines = [...document.querySelectorAll("li[data-index]")];
          return button.ariaPressed === "true" && !document.querySelector("[aria-busy=true]") && lines.length > 0 && lines.every((line) => line.dataset.status === status);
        };
        return (await window.painted(isShown)) - begun;
      },
      [label, wanted],
    );
  const times = [];
  for (let time = 0; time < REPEATS; time++) {
    await open();
    times.push(await choose("Approved", "approved"), await choose("To review", "pending"));
  }
  report("filter by state to rows shown", times, 300);

  for (const [name, text] of [["a frequent text", "river"], ["a rare text", "quicksilver"]]) {
    const searches = [];
    for (let time = 0; time < REPEATS; time++) {
      await open();
      const box = page.getByRole("searchbox");
      await box.fill(text);
      const begun = await page.evaluate(() => performance.now());
      await box.press("Enter");
      const shown = await page.evaluate(
        (word) =>
          window.painted(() => {
            const lines = [...document.querySelectorAll("li[data-status]")];
            const isAsked = document.querySelector("[role=search]").textContent.includes("Clear filters");
            return isAsked && !document.querySelector("[aria-busy=true]") && lines.length > 0 && lines.every((line) => line.textContent.includes(word));
          }),
        text,
      );
      searches.push(shown - begun);
    }
    report(`search for ${name} to rows shown`, searches, 300);
  }
}

async function measureKeys(page, name) {
  await page.evaluate(() => {
    window.delays = [];
    const current = () => document.querySelector("[data-testid=position]")?.textContent;
    document.addEventListener(
      "keydown",
      (event) => {
        const before = current();
        void window.painted(() => current() !== before).then((painted) => window.delays.push(painted - event.timeStamp));
      },
      { capture: true },
    );
  });
  for (let key = 0; key < KEYS; key++) {
    await page.keyboard.press(key % 3 === 0 ? "a" : key % 3 === 1 ? "r" : "j");
    await page.waitForFunction((count) => window.delays.length >= count, key + 1);
  }
  report(`key to the next example shown, ${name}`, await page.evaluate(() => window.delays), 50);
}

async function measureJump(page) {
  const times = [];
  for (const share of [0.5, 0.25, 0.75, 0.9, 0.1]) {
    times.push(
      await page.evaluate(async (part) => {
        const list = document.querySelector("[data-testid=example-list]");
        const begun = performance.now();
        list.scrollTop = list.scrollHeight * part;
        await new Promise((over) => requestAnimationFrame(over));
        const isShown = () => {
          const lines = [...document.querySelectorAll("li[data-index]")];
          return lines.length > 0 && lines.every((line) => line.dataset.status) && Math.abs(Number(lines[0].dataset.index) / Number(lines[0].ariaSetSize) - part) < 0.01;
        };
        return (await window.painted(isShown)) - begun;
      }, share),
    );
  }
  report("jump far into the list to rows shown", times, 300);
}

const executablePath = findChromium();
if (!executablePath) throw new Error("no Chromium found (apt-get install chromium)");
const studio = await startStudio();
const browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGUMENTS });
try {
  const { project, file } = await prepare(`${studio.url}/api`);
  const address = `${studio.url}/projects/${project.id}/review`;
  await measureServer(`${studio.url}/api`, project, file);
  await measureOpening(browser, address);
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 860 } });
  const page = await context.newPage();
  await page.addInitScript(WATCH);
  await measureFilters(page, address);
  await page.goto(address);
  await page.locator("li[data-status]").first().waitFor();
  await measureJump(page);
  await page.goto(`${address}?status=pending`);
  await page.locator("li[data-status]").first().waitFor();
  await measureKeys(page, "in the list");
  await page.goto(`${address}?view=one`);
  await page.locator("[data-single]").waitFor();
  await measureKeys(page, "one at a time");
} finally {
  await browser.close();
  await studio.stop();
}
process.exitCode = over ? 1 : 0;
