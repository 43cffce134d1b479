// The whole way of somebody who has read nothing: from a PDF to a GGUF file on disk, by the buttons that lead on. The pictures
// of docs/USER_GUIDE.md are taken here, in both languages, where FTF_GUIDE names a folder for them:
//   FTF_GUIDE=../docs/guide node --test e2e/guide.test.mjs
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { BROWSER_TEST, openStudio } from "./browser.mjs";

const HANDBOOK = fileURLToPath(new URL("../../samples/handbook-1/handbook.pdf", import.meta.url));
const GUIDE = process.env.FTF_GUIDE ?? null;

/** Pages that look the same whenever they are opened: address within the studio, name of the picture. */
const PAGES = [
  ["/projects", "01-projects"],
  ["{project}/model", "02-model"],
  ["{project}/task", "03-task"],
  ["{project}/data", "04-data"],
  ["{project}/preview", "05-preview"],
  ["{project}/review", "06-review"],
  ["{project}/hardware", "08-hardware"],
  ["{project}/train/new", "09-train"],
  ["{project}/train", "10-training"],
  ["{project}/results", "11-results"],
  ["{project}/chat", "12-playground"],
  ["{project}/export", "13-export"],
  ["/settings", "14-settings"],
];

test("a person who has read nothing takes a GGUF file home", BROWSER_TEST, async (t) => {
  const { studio, page, faults, foreign, heading, button, part } = await openStudio(t);
  const next = (name) => page.getByRole("navigation", { name: "Back and next" }).getByRole("link", { name: `Next: ${name}` });
  const picture = async (language, name) => {
    if (!GUIDE) return;
    mkdirSync(join(GUIDE, language), { recursive: true });
    await page.waitForLoadState("networkidle");
    await page.screenshot({ path: join(GUIDE, language, `${name}.jpg`), type: "jpeg", quality: 72, animations: "disabled" });
  };
  let project = "";

  await part("a project, the model that is there, a task", async () => {
    await page.goto(studio.url);
    await button("Create your first project").click();
    await page.getByRole("dialog").getByLabel("Name").fill("Staff handbook");
    await button("Create").click();
    await heading("Model");
    project = new URL(page.url()).pathname.replace(/\/model$/, "");
    await next("Task").click();
    await heading("Task");
    await next("Data").click();
  });

  await part("a PDF", async () => {
    await page.getByTestId("documents-input").setInputFiles(HANDBOOK);
    await page.getByRole("listitem").filter({ hasText: "handbook.pdf" }).getByText("Read", { exact: true }).waitFor();
    await next("Preview").click();
    await page.getByRole("heading", { level: 1 }).waitFor();
    await next("Review").click();
  });

  await part("examples, made and approved", async () => {
    const dialog = page.getByRole("dialog");
    await button("Make without a language model").first().click();
    // Fewer than is usual: the test shall not wait for the training longer than it must.
    await dialog.getByLabel("Questions for each fact").fill("4");
    await dialog.getByRole("button", { name: "Generate", exact: true }).click();
    await page.getByText(/\d+ new examples/).waitFor();
    await button("One at a time").click();
    for (const shown of ["1 of", "2 of"]) {
      await page.getByText(new RegExp(`^${shown} \\d`)).waitFor();
      await page.keyboard.press("a");
    }
    await page.getByText(/^3 of \d/).waitFor();
    await page.keyboard.press("Escape");
    await button(/^Approve all to review/).click();
    await page.getByRole("alertdialog").or(dialog).getByRole("button", { name: "Approve", exact: true }).click();
    await button(/^Approved \d\d/).waitFor();
    await next("Hardware").click();
  });

  await part("the machine proves itself", async () => {
    await button("Run the proof").click();
    await page.getByText("This machine trains as it should").waitFor();
    await next("Train").click();
  });

  await part("a training", async () => {
    await button("Start training").click();
    await page.locator('[data-run-status="completed"]').waitFor();
    await page.getByRole("link", { name: "See the results" }).click();
    await heading("Results");
    await button("Measure").click();
    await page.getByTestId("perplexity-after").waitFor();
  });

  await part("a question to the model", async () => {
    await page.goto(`${studio.url}${project}/chat`);
    await page.getByLabel("Your question").fill("How many days of holiday do I have?");
    await page.keyboard.press("Enter");
    for (const side of ["base", "adapter"]) await page.locator(`[data-side="${side}"][data-state="done"]`).waitFor();
  });

  await part("a GGUF file", async () => {
    await page.goto(`${studio.url}${project}/export`);
    await button("Export").click();
    const items = page.getByRole("listitem").filter({ hasText: "model-q8_0.gguf" });
    await items.getByText(/^(Same|Close)$/).waitFor();
    const [download] = await Promise.all([page.waitForEvent("download"), items.getByRole("link", { name: /Download/ }).click()]);
    assert.equal(readFileSync(await download.path()).subarray(0, 4).toString(), "GGUF");
  });

  for (const language of ["en", "fr"]) {
    await part(`every page in ${language}`, async () => {
      await page.goto(`${studio.url}/settings`);
      await page.getByRole("banner").getByRole("combobox").selectOption(language);
      assert.equal(await page.evaluate(() => document.documentElement.lang), language);
      for (const [address, name] of PAGES) {
        await page.goto(studio.url + address.replace("{project}", project));
        await page.getByRole("heading", { level: 1 }).waitFor();
        await picture(language, name);
      }
      await page.goto(`${studio.url}${project}/review`);
      await page.locator("li[data-status]").first().waitFor();
      await page.keyboard.press("o");
      await page.locator("li[data-status]").first().waitFor({ state: "hidden" });
      await picture(language, "07-triage");
    });
  }

  await part("no request left the machine, and no script failed", () => {
    assert.deepEqual(foreign, []);
    assert.deepEqual(faults, []);
  });
});
