// The whole way through the web app in a real browser, against the real program: from an empty studio to a trained model
// on disk. It waits for what the page shows, never for a time to pass.
//   FTF_BINARY=../target/release/finetuneflow FTF_SCREENSHOTS=/tmp/shots npm run e2e
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { checkFirstLoad } from "./access.mjs";
import { BROWSER_TEST, openStudio, shoot } from "./browser.mjs";

const HANDBOOK = fileURLToPath(new URL("../../samples/handbook-1/handbook.pdf", import.meta.url));
const PROJECT = "Staff handbook";

test("a document becomes a model that can be taken away", BROWSER_TEST, async (t) => {
  const { studio, browser, page, faults, foreign, heading, button, step, part } = await openStudio(t);

  await part("an empty studio says how to begin", async () => {
    await page.goto(studio.url);
    await heading("Projects");
    await page.getByText("Teach a model what your documents say").waitFor();
    await shoot(page, "01-empty");
  });

  await part("the first load is small", async () => {
    const { bytes, files } = await checkFirstLoad(browser, studio.url);
    t.diagnostic(`${Math.round(bytes / 1000)} kB in ${files} files`);
  });

  await part("a project is created", async () => {
    await button("Create your first project").click();
    await page.getByRole("dialog").getByLabel("Name").fill(PROJECT);
    await shoot(page, "02-new-project");
    await button("Create").click();
  });

  const next = (name) => page.getByRole("navigation", { name: "Back and next" }).getByRole("link", { name: `Next: ${name}` });
  const state = (name) => step(name).locator("[data-state]").getAttribute("data-state");
  const reaches = (name, wanted) => step(name).locator(`[data-state="${wanted}"]`).waitFor();

  await part("the bundled model is taken, with what it is and what fits", async () => {
    await heading("Model");
    await page.locator('[data-chosen="base"]').getByText("LoRA", { exact: true }).waitFor();
    await page.locator('[data-model="base"]').getByText("Works at once, without internet").waitFor();
    await page.getByLabel("Path").fill("/nonexistent/model.gguf");
    await button("Add it").click();
    await page.getByText("There is no such folder or file").waitFor();
    await page.getByLabel("Path").fill("");
    assert.equal(await state("Model"), "todo");
    await shoot(page, "02-model");
    await next("Task").click();
    await reaches("Model", "done");
  });

  await part("a kind of task is chosen and kept on the server", async () => {
    await heading("Task");
    const kind = page.getByRole("radio", { name: /^Summarise/ });
    await kind.check();
    await page.getByLabel("Tone of the answers").fill("plain");
    await reaches("Task", "done");
    await page.reload();
    await heading("Task");
    assert.ok(await kind.isChecked(), "it is still chosen");
    assert.equal(await page.getByLabel("Tone of the answers").inputValue(), "plain");
    await shoot(page, "02-task");
    await page.getByRole("radio", { name: /^Answer questions/ }).check();
    await page.getByLabel("Tone of the answers").fill("");
    await next("Data").click();
    await heading("Documents");
    await shoot(page, "03-documents-empty");
  });

  await part("a PDF is added and read", async () => {
    await page.getByTestId("documents-input").setInputFiles(HANDBOOK);
    const row = page.getByRole("listitem").filter({ hasText: "handbook.pdf" }).filter({ hasText: "Show text" });
    await row.getByText("Read", { exact: true }).waitFor();
    await row.getByText(/\d+ pages/).waitFor();
    await shoot(page, "04-documents");
    await row.getByRole("button", { name: "Show text of handbook.pdf" }).click();
    const panel = page.getByRole("dialog");
    await panel.getByRole("heading", { name: "Page 2" }).waitFor();
    await shoot(page, "05-text");
    await panel.getByRole("button", { name: "Passages" }).click();
    await panel.getByText(/\d+ tokens/).first().waitFor();
    await panel.getByRole("button", { name: "Close" }).click();
    await panel.waitFor({ state: "hidden" });
  });

  await part("a file that cannot be read is refused with its reason", async () => {
    const file = { name: "holiday.mp3", mimeType: "audio/mpeg", buffer: Buffer.from("no document") };
    await page.getByTestId("documents-input").setInputFiles(file);
    await page.getByRole("alert").filter({ hasText: "cannot be read" }).waitFor();
    await button("Clear the list").click();
  });

  let total = 0;
  await part("examples are made, looked through and approved", async () => {
    await step("Review").click();
    await heading("Examples");
    await page.getByText("No examples yet").waitFor();
    await button("Make without a language model").first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Questions for each fact").fill("4");
    await shoot(page, "06-generate");
    await dialog.getByRole("button", { name: "Generate", exact: true }).click();
    await page.getByText(/\d+ new examples/).waitFor();
    const approveAll = button(/^Approve all to review/);
    await approveAll.waitFor();
    total = Number((await approveAll.innerText()).match(/\d+/)[0]);
    assert.ok(total > 20, `${total} examples`);

    const first = page.locator("li[data-status]").first();
    await first.getByRole("button", { name: "Edit" }).click();
    await page.getByRole("dialog").getByLabel("Answer").fill("");
    await button("Save").click();
    await page.getByText("Write something here").waitFor();
    await page.getByRole("dialog").getByLabel("Answer").fill("An answer that a person wrote.");
    await button("Save").click();
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    await first.getByText("An answer that a person wrote.").waitFor();
    await first.getByText("edited").waitFor();
    await first.getByRole("button", { name: "Reject" }).click();
    await first.getByText("Rejected").waitFor();
    await approveAll.click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Approve" }).click();
    await button(`Approved ${total - 1}`).waitFor();
    await button("Rejected 1").click();
    await page.waitForURL(/status=rejected/);
    await page.reload();
    await page.getByText("An answer that a person wrote.").waitFor();
    await button(`All ${total}`).click();
    await page.locator('li[data-status="approved"]').first().waitFor();
    await shoot(page, "07-examples");
  });

  const run = (status) => page.locator(`[data-run-status="${status}"]`);
  const points = () => page.locator("[data-points]").first().getAttribute("data-points").then(Number);
  const atLeast = (count) =>
    page.waitForFunction((least) => Number(document.querySelector("[data-points]")?.dataset.points ?? 0) >= least, count);
  const stop = async () => {
    await button("Stop").click();
    await button("Stop the training").click();
    await run("cancelled").waitFor();
  };

  await part("the machine proves itself, and the plan says what fits", async () => {
    await step("Hardware").click();
    await heading("Hardware");
    await page.getByText("Nothing was tried on this machine yet.").waitFor();
    await button("Run the proof").click();
    await page.locator('[data-proof="ok"]').waitFor();
    await reaches("Hardware", "done");
    await page.locator('[data-way="lora"]').getByText("chosen").waitFor();
    await button("Train this way: QLoRA (base in 4 bits)").click();
    await page.locator('[data-way="qlora"]').getByText("chosen").waitFor();
    await shoot(page, "07-hardware");
    await button("Train this way: LoRA").click();
    await page.locator('[data-way="lora"]').getByText("chosen").waitFor();
  });

  await part("an example is shown as the model learns it", async () => {
    await step("Train").click();
    await heading("Train");
    await page.getByText(`${total - 1} approved examples are ready.`).waitFor();
    await page.getByText("What the model learns of an example").click();
    const tokens = page.getByTestId("tokens");
    await tokens.locator('mark[data-part="learned"]').first().waitFor();
    await tokens.getByText(/\d+ of \d+ tokens are learned/).waitFor();
    const before = await tokens.innerText();
    await button("Next example").click();
    await page.getByText(`Example 2 of ${total - 1}`).waitFor();
    await page.waitForFunction((shown) => document.querySelector('[data-testid="tokens"]')?.innerText !== shown, before);
    await shoot(page, "08-tokens");
  });

  await part("a training that does not fit is refused, with settings that do", async () => {
    await page.getByText("Advanced settings").click();
    const rows = page.getByLabel("Examples at a time");
    const usual = await rows.inputValue();
    await rows.fill("1024");
    await page.getByLabel("Longest example in tokens").fill("1024");
    await button("Start training").click();
    await page.getByText("does not fit into the memory").waitFor();
    await page.getByText(/It fits with \d+ examples? at a time/).waitFor();
    await shoot(page, "08-does-not-fit");
    await button("Take these settings").click();
    assert.ok(Number(await rows.inputValue()) < 1024);
    // What was typed is kept on the server.
    await page.reload();
    await page.getByText("Advanced settings").click();
    assert.ok(Number(await rows.inputValue()) < 1024);
    await button("Back to the usual values").click();
    assert.equal(await rows.inputValue(), usual);
    await page.getByText("Advanced settings").click();
  });

  await part("a training shows its course, also after a reload in its middle", async () => {
    await page.getByLabel("Times through the examples").fill("0");
    await page.getByText("Must be between").waitFor();
    // Far longer than the test: it ends when it is stopped.
    await page.getByLabel("Times through the examples").fill("500");
    await page.getByText("Advanced settings").click();
    await shoot(page, "08-train-form");
    await button("Start training").click();
    await atLeast(5);
    await shoot(page, "09-training");
    const before = await points();
    await page.reload();
    await run("running").waitFor();
    await atLeast(before);
  });

  await part("the page lives through the death of the studio, and the training goes on", async () => {
    if (!studio.crash) return;
    await atLeast((await points()) + 20);
    await studio.crash();
    await page.getByText("The connection to the studio is interrupted").waitFor();
    await shoot(page, "10-lost");
    const before = await points();
    await studio.restart();
    await page.getByText("State: Interrupted").waitFor();
    await page.getByText(/Goes on after step/).waitFor();
    await run("running").waitFor();
    await atLeast(before + 1);
  });

  await part("a training is stopped and goes on from its checkpoint", async () => {
    const lines = () => page.getByText(/Goes on after step/).count();
    const resumed = await lines();
    await stop();
    await page.getByText("The training was stopped").waitFor();
    await shoot(page, "11-stopped");
    const before = await points();
    await button("Go on from the checkpoint").click();
    await page.getByText(/Goes on after step/).nth(resumed).waitFor();
    await run("running").waitFor();
    await atLeast(before + 1);
    await stop();
  });

  await part("a short training reaches its end", async () => {
    await page.getByRole("link", { name: "New training" }).click();
    await page.getByLabel("Name", { exact: true }).fill("A short one");
    await page.getByLabel("Times through the examples").fill("4");
    await page.getByText("Advanced settings").click();
    await page.getByLabel("Learning rate", { exact: true }).fill("0,002");
    await button("Start training").click();
    await page.getByRole("heading", { name: "A short one" }).waitFor();
    await run("completed").waitFor();
    const [, done, all] = (await page.getByText(/^\d+ of \d+$/).innerText()).match(/(\d+) of (\d+)/);
    assert.equal(done, all, "every step was done");
    await atLeast(Number(all));
    assert.equal(await points(), Number(all), "every step stands once in the chart");
    await shoot(page, "11-trained");
  });

  await part("the results show before and after", async () => {
    await page.getByRole("link", { name: "See the results" }).click();
    await heading("Results");
    await button("Measure").click();
    const figure = async (name) => Number((await page.getByTestId(`perplexity-${name}`).innerText()).replaceAll(",", ""));
    await page.getByTestId("perplexity-after").waitFor();
    const [before, after] = [await figure("before"), await figure("after")];
    assert.ok(after < before, `perplexity ${before} before, ${after} after`);
    await page.getByTestId("general").waitFor();
    const answers = await page.getByText("After the training", { exact: true }).count();
    assert.ok(answers >= 5 && answers <= 10, `${answers} answers`);
    await button("Show the report").click();
    await page.getByTestId("report").getByRole("img", { name: "Loss by step" }).waitFor();
    await shoot(page, "12-results");
  });

  await part("both models answer in the chat", async () => {
    await step("Playground").click();
    await heading("Playground");
    await shoot(page, "13-chat-empty");
    await page.getByLabel("Your question").fill("How many days of holiday do I have?");
    await page.keyboard.press("Enter");
    for (const side of ["base", "adapter"]) {
      const answer = page.locator(`[data-side="${side}"][data-state="done"]`);
      await answer.waitFor();
      await answer.getByText(/\d+ tokens, /).waitFor();
    }
    await page.reload();
    await page.locator('[data-side="adapter"][data-state="done"]').waitFor();
    await shoot(page, "14-chat");
  });

  await part("everything is exported as a zip and downloaded", async () => {
    await step("Export").click();
    await heading("Export");
    await button("Export").click();
    const link = page.getByRole("listitem").filter({ hasText: "Everything in one zip" }).getByRole("link");
    await link.waitFor();
    const verdict = (file, word) => page.getByRole("listitem").filter({ hasText: file }).getByText(word, { exact: true }).waitFor();
    await verdict("adapter-peft", "Same");
    await verdict("model-q8_0.gguf", "Close");
    await shoot(page, "15-export");
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
    const path = await download.path();
    assert.ok(statSync(path).size > 100_000, "the zip holds models");
    assert.equal(readFileSync(path).subarray(0, 2).toString(), "PK");
  });

  await part("jobs and settings tell what was done and how the studio is", async () => {
    const menu = page.getByRole("navigation", { name: "Main menu" });
    await menu.getByRole("link", { name: "Jobs" }).click();
    await heading("Jobs");
    await page.getByRole("listitem").filter({ hasText: "Export" }).getByText("Done").waitFor();
    await shoot(page, "16-jobs");
    await menu.getByRole("link", { name: "Settings" }).click();
    await heading("Settings");
    await page.getByText("Everything works.").waitFor();
    await shoot(page, "17-settings");
    await page.getByRole("main").getByLabel("Language").selectOption("fr");
    await heading("Réglages");
    await page.getByLabel("Thème").last().selectOption("dark");
    await page.reload();
    await heading("Réglages");
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    assert.equal(await page.evaluate(() => document.documentElement.lang), "fr");
  });

  await part("the keyboard reaches everything, and errors speak the reader's language", async () => {
    await page.goto(`${studio.url}/projects/00000000-0000-7000-8000-000000000000`);
    await page.getByText("Ce projet n'existe pas").waitFor();
    await page.goto(`${studio.url}/projects`);
    await heading("Projets");
    await page.getByRole("link", { name: PROJECT }).waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("href")), "#content");
    await shoot(page, "18-projects-fr");
  });

  await part("a project is deleted after a confirmation", async () => {
    await button(`Supprimer ${PROJECT}`).click();
    const dialog = page.getByRole("alertdialog");
    await dialog.getByRole("button", { name: "Annuler" }).click();
    await dialog.waitFor({ state: "hidden" });
    await button(`Supprimer ${PROJECT}`).click();
    await dialog.getByRole("button", { name: "Supprimer" }).click();
    await page.getByText("Créer votre premier projet").waitFor();
  });

  await part("no request left the machine, and no script failed", () => {
    assert.deepEqual(foreign, []);
    // What the test itself brought about: an address of nothing, a path of nothing, and the studio's death.
    const expected = (text) => (text.includes("422") && text.includes("/train/start")) || text.includes("404") || text.includes("net::ERR_") || text.includes("/api/models/link");
    assert.deepEqual(faults.filter((text) => !expected(text)), []);
  });
});
