// From documents to examples that a language model wrote, in a real browser against the real program; the model follows
// a script (`model.mjs`).
import assert from "node:assert/strict";
import test from "node:test";
import { BROWSER_TEST, openStudio, shoot } from "./browser.mjs";
import { roomsDocument, startModel } from "./model.mjs";

const ROOMS = 12;

test("a language model writes examples that people can trust", BROWSER_TEST, async (t) => {
  const model = await startModel();
  t.after(() => model.stop());
  const { studio, page, faults, foreign, heading, button, step, part } = await openStudio(t);
  const row = (id) => page.locator(`[data-connection="${id}"]`);
  const dialog = page.getByRole("dialog");
  const closed = () => dialog.waitFor({ state: "hidden" });

  await part("a connection is set up, tested, and its key is never shown", async () => {
    await page.goto(`${studio.url}/settings`);
    await heading("Settings");
    await row("built_in").getByText("Nothing leaves this computer").waitFor();
    await row("ollama_cloud").getByText("Needs a key").waitFor();
    await button("Add a connection").click();
    await dialog.getByLabel("Name").fill("My writer");
    await dialog.getByLabel("Address").fill("127.0.0.1:1");
    await button("Save").click();
    await dialog.getByText("Write 1 to 40 lower-case letters").waitFor();
    await dialog.getByText("Write it as http://").waitFor();
    await dialog.getByLabel("Name").fill("writer");
    await dialog.getByLabel("Address").fill(model.address);
    await dialog.getByLabel("Price of a million tokens sent").fill("2,5");
    await shoot(page, "20-connection-dialog");
    await button("Save").click();
    await closed();
    await row("writer").getByText("It does not leave it").waitFor();
    await button("Test writer").click();
    await row("writer").getByRole("alert").filter({ hasText: "does not accept the key" }).waitFor();
    await button("Edit writer").click();
    await dialog.getByLabel("Key", { exact: true }).fill(model.key);
    await button("Save").click();
    await closed();
    await row("writer").getByText("with a key").waitFor();
    await button("Test writer").click();
    await row("writer").getByText(/offers 2 models/).waitFor();
    await row("writer").getByLabel("Model").selectOption("small-writer");
    await row("writer").getByText("· small-writer").waitFor();
    await button("Ask this model something short").click();
    await row("writer").getByText("does not keep replies to a form").waitFor();
    await shoot(page, "21-connections");
    await page.reload();
    await row("writer").getByText("· small-writer").waitFor();
    assert.ok(!(await page.content()).includes(model.key), "the key does not come out");
  });

  await part("another address asks for the key again", async () => {
    await button("Edit writer").click();
    await dialog.getByText("A key is kept").waitFor();
    await dialog.getByLabel("Address").fill("https://example.org/v1");
    await dialog.getByText("is not sent elsewhere").waitFor();
    await shoot(page, "22-key-again");
    await button("Cancel").click();
    await closed();
  });

  await part("a document is cut into passages", async () => {
    await page.getByRole("link", { name: "Projects" }).click();
    await button("Create your first project").click();
    await dialog.getByLabel("Name").fill("House of rooms");
    await button("Create").click();
    await heading("Model");
    await step("Data").click();
    await heading("Documents");
    await step("Review").click();
    await page.getByText("Examples are made from documents").waitFor();
    await step("Preview").click();
    await heading("Preview the examples");
    await page.getByText("No passages yet").waitFor();
    await page.getByRole("link", { name: "To the documents" }).click();
    const file = { name: "rooms.md", mimeType: "text/markdown", buffer: Buffer.from(roomsDocument(ROOMS)) };
    await page.getByTestId("documents-input").setInputFiles(file);
    await page.getByRole("listitem").filter({ hasText: "rooms.md" }).getByText("Read", { exact: true }).waitFor();
    await button("Show text of rooms.md").click();
    await dialog.getByLabel("Show the passages in the text").check();
    await dialog.getByText(/Passage 2 · \d+ tokens/).waitFor();
    await shoot(page, "22-passages-in-text");
    await button("Close").click();
  });

  await part("a damaged, an unknown and an empty file are explained", async () => {
    const damaged = { name: "broken.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7\n1 0 obj\n<< /Type /Catalog") };
    const unknown = { name: "song.mp3", mimeType: "audio/mpeg", buffer: Buffer.from("la la la") };
    const empty = { name: "empty.txt", mimeType: "text/plain", buffer: Buffer.alloc(0) };
    await page.getByTestId("documents-input").setInputFiles([damaged, unknown, empty]);
    const upload = (name) => page.locator("[data-upload]").filter({ hasText: name });
    await upload("song.mp3").getByText("Files of this type cannot be read").waitFor();
    await upload("empty.txt").getByText("This file is empty").waitFor();
    const row = page.getByRole("listitem").filter({ hasText: "broken.pdf" }).filter({ hasText: "Cannot be read" });
    await row.getByText("This file is damaged or incomplete").waitFor();
    await shoot(page, "22-damaged-file");
    await button("Delete broken.pdf").click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
    await row.waitFor({ state: "detached" });
    await button("Clear the list").click();
  });

  await part("examples that are ready are taken in as such", async () => {
    const line = (number) => JSON.stringify({ prompt: `What is room R${number} for?`, completion: `It is for guest ${number}.` });
    const file = { name: "ready.jsonl", mimeType: "application/jsonl", buffer: Buffer.from([1, 2, 3].map(line).join("\n")) };
    await page.getByTestId("documents-input").setInputFiles(file);
    await page.getByText("This looks like examples that are ready").waitFor();
    await button("Import as examples").click();
    await dialog.getByLabel("Approve them at once").uncheck();
    await shoot(page, "22-import");
    await dialog.getByRole("button", { name: "Import", exact: true }).click();
    await dialog.getByText(/3 imported/).waitFor();
    await dialog.getByRole("link", { name: "Look through the examples" }).click();
    await heading("Examples");
    await page.locator("li[data-status]").nth(2).waitFor();
  });

  const current = () => page.locator("[data-single]");
  await part("examples are decided about by keyboard alone", async () => {
    const line = (place) => page.locator(`li[data-index="${place}"]`);
    await page.keyboard.press("?");
    await dialog.getByText("Approve, and go on").waitFor();
    await shoot(page, "22-shortcuts");
    await page.keyboard.press("Escape");
    await closed();
    await page.keyboard.press("a");
    await line(0).getByText("Approved").waitFor();
    await page.getByTestId("position").getByText("2 of 3").waitFor();
    await page.keyboard.press("r");
    await line(1).getByText("Rejected").waitFor();
    await page.keyboard.press("u");
    await line(1).getByText("To review").waitFor();
    await page.getByTestId("position").getByText("2 of 3").waitFor();
    await page.keyboard.press("e");
    await dialog.getByLabel("Answer").fill("rank and a");
    await button("Save").click();
    await closed();
    await line(1).getByText("rank and a").waitFor();
    assert.equal(await line(1).getAttribute("data-status"), "pending", "letters in a field decide about nothing");
    await page.keyboard.press("Enter");
    await current().getByText("rank and a").waitFor();
    await page.getByTestId("left").getByText("2 to review").waitFor();
    await page.keyboard.press("j");
    await current().getByText("It is for guest 3.").waitFor();
    await page.keyboard.press("r");
    await current().getByText("Rejected").waitFor();
    await shoot(page, "22-single-imported");
    await page.waitForFunction(() => new URL(location.href).searchParams.get("at") === document.querySelector("[data-single]")?.dataset.single);
    await page.reload();
    await current().getByText("It is for guest 3.").waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("position").getByText("3 of 3").waitFor();
    await page.getByLabel("Select all 3").check();
    await page.getByRole("group", { name: "For those selected" }).getByRole("button", { name: "Delete" }).click();
    const confirm = page.getByRole("alertdialog");
    await confirm.getByText("Delete 3 examples?").waitFor();
    await shoot(page, "22-bulk");
    await confirm.getByRole("button", { name: "Delete" }).click();
    await page.getByText("No examples yet").waitFor();
  });

  await part("a language model that is down is named as such", async () => {
    await step("Preview").click();
    await heading("Preview the examples");
    await page.getByLabel("Connection", { exact: true }).selectOption("ollama");
    await page.getByLabel("Model", { exact: true }).fill("qwen3:4b");
    await button("Preview").click();
    await page.getByRole("alert").filter({ hasText: "11434" }).waitFor();
    await shoot(page, "22-model-down");
    await page.getByLabel("Connection", { exact: true }).selectOption("writer");
    await page.waitForFunction(() => document.querySelector("select option[value=small-writer]"));
    await page.getByLabel("Model", { exact: true }).selectOption("small-writer");
  });

  await part("a preview shows examples with their source, and what all of it will take", async () => {
    await step("Review").click();
    await page.getByRole("link", { name: "Write with a language model" }).first().click();
    await heading("Preview the examples");
    await page.getByText(`The documents have ${ROOMS} passages.`).waitFor();
    await page.getByText("It does not leave it").waitFor();
    assert.equal(await page.getByLabel("Model", { exact: true }).inputValue(), "small-writer");
    await page.getByLabel("Examples for each passage").fill("99");
    await button("Preview").click();
    await page.getByText("Must be between 1 and 20").waitFor();
    await page.getByLabel("Examples for each passage").fill("2");
    await page.getByText("Advanced settings").click();
    await page.getByLabel("A prompt of my own").check();
    await page.getByLabel("Prompt", { exact: true }).fill("version: mine 1\n---\nYou write JSON.\n---\nWrite of it.");
    await button("Preview").click();
    await page.getByText("must be in it").waitFor();
    await shoot(page, "23-write-form");
    await page.getByLabel("Prompt", { exact: true }).fill("version: mine 2\n---\nYou write JSON.\n---\nWrite of it: {{text}}");
    await button("Keep it for this project").click();
    await page.getByText("This project uses a prompt of its own").waitFor();
    await button("Back to the stock prompt").click();
    await page.getByText("This project uses a prompt of its own").waitFor({ state: "hidden" });
    await button("Preview").click();
    await page.locator("[data-preview]").first().waitFor();
    const estimate = page.getByTestId("estimate");
    await estimate.getByText(model.address.replace("/v1", "")).waitFor();
    await estimate.getByText("in the currency of your prices").waitFor();
    await shoot(page, "24-preview");
    const tried = page.locator("[data-preview]").first();
    await tried.getByText(/rooms\.md, passage \d+/).waitFor();
    await tried.getByText("This is room number").waitFor();
    await page.getByLabel("Tone").fill("dry");
    await page.getByText("The settings have changed since this preview").waitFor();
    await page.getByLabel("Tone").fill("");
  });

  const writing = (status) => page.locator(`[data-writing="${status}"]`);
  const count = async (name) => Number(await page.locator(`[data-count="${name}"]`).innerText());
  const atLeast = (name, least) =>
    page.waitForFunction(([id, number]) => Number(document.querySelector(`[data-count="${id}"]`)?.textContent) >= number, [name, least]);

  await part("the writing is paused, survives a reload, and goes on", async () => {
    model.holdAfter(2);
    await button("Write examples").click();
    await writing("running").waitFor();
    await atLeast("done", 2);
    await shoot(page, "25-writing");
    await button("Pause").click();
    await writing("cancelled").waitFor();
    await page.getByText(/passages are left/).waitFor();
    const before = await count("done");
    await shoot(page, "26-paused");
    await page.reload();
    await page.getByText(/passages are left/).waitFor();
    assert.equal(await count("done"), before);
    model.release();
    await page.getByLabel("Stop after so many calls").first().fill(String((await count("calls")) + 1));
    await button("Go on").click();
    await page.getByText("A limit is reached").waitFor();
    await button("Go on").click();
    await page.getByText("Everything is written").waitFor();
    assert.equal(await count("done"), ROOMS - 1);
    assert.equal(await count("quarantined"), 1);
    await shoot(page, "27-written");
  });

  await part("what was set aside is listed with its reason, and every call too", async () => {
    const view = (name) => page.getByRole("navigation", { name: "Parts of this page" }).getByRole("button", { name });
    await view("Passages").click();
    const unit = page.locator('[data-unit="quarantined"]');
    await unit.getByText(/asked again/).waitFor();
    await unit.getByRole("button", { name: "Show the passage" }).click();
    await dialog.getByText("This is room number 7").waitFor();
    await button("Close").click();
    await shoot(page, "28-set-aside");
    await page.getByLabel("Show", { exact: true }).selectOption("done");
    await page.getByText("2 examples").first().waitFor();
    await view("Calls").click();
    const repair = page.locator("[data-call]").filter({ hasText: "Ask for a better form" });
    await repair.getByText("What came back").click();
    await repair.getByText("in my own words").waitFor();
    await repair.getByText(model.address.replace("/v1", "")).waitFor();
    // Each passage once, the one that was set aside twice; a call that a pause cut short may be among them.
    const calls = await page.locator('[data-call="replied"]').count();
    assert.equal(calls, ROOMS + 1);
    await shoot(page, "29-calls");
  });

  await part("an example shows its quality, its source and its history", async () => {
    await step("Review").click();
    await heading("Examples");
    const first = page.locator("li[data-status]").first();
    await first.waitFor();
    // “Mrs Invented” stands in every second example, and in no document.
    const doubtful = page.locator("li[data-status]").filter({ hasText: "Mrs Invented" }).first();
    await doubtful.getByText("Its words are not those of the source +1").waitFor();
    await doubtful.getByRole("button", { name: "Open" }).click();
    await current().getByText("A name is not in the source").waitFor();
    await current().getByText("Why").click();
    await current().getByRole("listitem").filter({ hasText: "Invented" }).waitFor();
    await current().getByText("written by small-writer").waitFor();
    const source = page.getByTestId("source");
    await source.getByText(/rooms\.md, passage \d+/).waitFor();
    await source.locator("mark").first().waitFor();
    await shoot(page, "33-single");
    await button("Back to the list").click();
    await first.getByRole("button", { name: "Edit" }).click();
    await dialog.getByLabel("Answer").fill("An answer that a person wrote.");
    await button("Save").click();
    await closed();
    await first.getByRole("button", { name: "Approve" }).click();
    await first.getByText("Approved").waitFor();
    await first.getByRole("button", { name: "Open" }).click();
    await current().getByText("An answer that a person wrote.").waitFor();
    await button("History of this example").click();
    await dialog.locator('[data-change="decided"]').getByText("To review → Approved").waitFor();
    await dialog.locator('[data-change="edited"]').getByText("An answer that a person wrote.").waitFor();
    await dialog.getByText("by hand").first().waitFor();
    await shoot(page, "33-history");
    await button("Close").click();
    await button("Back to the list").click();
    await first.waitFor();
    await shoot(page, "34-examples");
  });

  await part("figures show what is covered and what was found", async () => {
    await page.getByText("Figures", { exact: true }).click();
    const stats = page.getByTestId("stats");
    await stats.locator('[data-coverage="rooms.md"]').getByText(`${ROOMS - 1} of ${ROOMS}`).waitFor();
    await button("Check the examples").click();
    await stats.getByText(`${2 * (ROOMS - 1)} of ${2 * (ROOMS - 1)} examples were checked`).waitFor();
    await stats.getByText("English").waitFor();
    await shoot(page, "35-figures");
    await stats.getByRole("button", { name: "A name is not in the source" }).click();
    await page.waitForURL(/issue=unsupported_names/);
    await page.locator("li[data-status]").filter({ hasText: "What is kept" }).first().waitFor({ state: "hidden" });
    await page.reload();
    await page.locator("li[data-status]").first().getByText(/says Mrs Invented/).waitFor();
    await page.getByLabel("Finding").selectOption("");
    await page.locator("li[data-status]").filter({ hasText: "What is kept" }).first().waitFor();
  });

  await part("French, and by keyboard", async () => {
    await page.getByRole("link", { name: "Write with a language model" }).first().click();
    await page.getByRole("navigation", { name: "Parts of this page" }).getByRole("button", { name: "Calls" }).click();
    await page.getByRole("banner").getByLabel("Language").selectOption("fr");
    await heading("Aperçu des exemples");
    await page.getByText("Tout ce qui a été envoyé").waitFor();
    await shoot(page, "30-calls-fr");
    const view = page.getByRole("navigation", { name: "Parties de cette page" }).getByRole("button", { name: "Écrire" });
    await view.focus();
    await page.keyboard.press("Enter");
    await page.getByText("Tout est écrit").waitFor();
    await shoot(page, "31-write-fr");
    await page.goto(`${studio.url}/settings`);
    await heading("Réglages");
    await row("writer").getByText("ne le quitte pas").waitFor();
    await shoot(page, "32-connections-fr");
    await page.getByRole("banner").getByLabel("Langue").selectOption("en");
  });

  await part("no request left the machine, and no script failed", () => {
    assert.deepEqual(foreign, []);
    // What the test itself brought about: a model that wants a key cannot list its models without one.
    assert.deepEqual(faults.filter((text) => !text.includes("502")), []);
  });
});
