// @vitest-environment jsdom
import { expect, it } from "vitest";
import { Problem } from "../../shared/api/problem";
import type { FileEntry } from "../../shared/api/types";
import { refusal, Uploads } from "./uploads";

const LIMITS = { maxBytes: 10, extensions: ["pdf", "txt", "csv"], datasetExtensions: ["csv", "jsonl"] };
const file = (name: string, text = "text") => new File([text], name);
const entry = (name: string, duplicate = false) => ({ id: name, name, duplicate, status: duplicate ? "parsed" : "stored" }) as FileEntry;

it.each([
  ["a.pdf", 10, null],
  ["A.PDF", 1, null],
  ["a.pdf", 11, "too_large"],
  ["a.mp3", 1, "wrong_type"],
  ["pdf", 1, "wrong_type"],
  ["a.jsonl", 1, null],
  ["a.txt", 0, "empty"],
])("%s of %d bytes: %s", (name, size, reason) => expect(refusal({ name, size }, LIMITS)).toBe(reason));

it("sends one file at a time, goes on after a failure, and tells which are new", async () => {
  let atOnce = 0;
  const order: string[] = [];
  const uploads = new Uploads(async (_project, _kind, sent, onProgress) => {
    atOnce += 1;
    expect(atOnce).toBe(1);
    order.push(sent.name);
    onProgress(0.5);
    await Promise.resolve();
    atOnce -= 1;
    if (sent.name === "b.txt") throw new Problem({ code: "storage_full" });
    return entry(sent.name, sent.name === "c.txt");
  });
  const first = uploads.add("p", [file("a.txt"), file("b.txt"), file("x.mp3"), file("c.txt")], LIMITS);
  const more = await uploads.add("p", [file("d.txt")], LIMITS);
  expect(more).toEqual([]);
  expect((await first).map((fresh) => fresh.name)).toEqual(["a.txt", "d.txt"]);
  expect(order).toEqual(["a.txt", "b.txt", "c.txt", "d.txt"]);
  expect(uploads.list("p").map(({ name, state, duplicate }) => [name, state, duplicate])).toEqual([
    ["a.txt", "done", false],
    ["b.txt", "failed", false],
    ["x.mp3", "failed", false],
    ["c.txt", "done", true],
    ["d.txt", "done", false],
  ]);
  expect(uploads.isBusy()).toBe(false);
  uploads.clear("p");
  expect(uploads.list("p")).toEqual([]);
});

it("asks what a table is, and sends it when it is a document", async () => {
  const uploads = new Uploads(async (_project, _kind, sent) => entry(sent.name));
  expect(await uploads.add("p", [file("t.csv"), file("r.jsonl")], LIMITS)).toEqual([]);
  const [table, records] = uploads.list("p");
  expect([table?.state, table?.canRead, records?.state, records?.canRead]).toEqual(["choose", true, "choose", false]);
  expect(uploads.fileOf(records?.id ?? 0)?.name).toBe("r.jsonl");
  expect((await uploads.resend("p", table?.id ?? 0)).map((fresh) => fresh.name)).toEqual(["t.csv"]);
  uploads.dismiss("p", records?.id ?? 0);
  expect(uploads.list("p").map(({ name, state }) => [name, state])).toEqual([["t.csv", "done"]]);
});

it("stops one that is on its way or waits, and sends it again", async () => {
  let tries = 0;
  const uploads = new Uploads((_project, _kind, sent, _onProgress, signal) => {
    tries += 1;
    if (tries > 1) return Promise.resolve(entry(sent.name));
    return new Promise((_, failed) => signal?.addEventListener("abort", () => failed(new Problem({ code: "cancelled" }))));
  });
  const over = uploads.add("p", [file("a.txt"), file("b.txt")], LIMITS);
  const [first, second] = uploads.list("p");
  uploads.cancel("p", second?.id ?? 0);
  uploads.cancel("p", first?.id ?? 0);
  expect(await over).toEqual([]);
  expect(uploads.list("p").map(({ state }) => state)).toEqual(["cancelled", "cancelled"]);
  expect((await uploads.resend("p", first?.id ?? 0)).map((fresh) => fresh.name)).toEqual(["a.txt"]);
  expect(uploads.list("p").map(({ state }) => state)).toEqual(["done", "cancelled"]);
});

it("sends one that failed again", async () => {
  let tries = 0;
  const uploads = new Uploads(async (_project, _kind, sent) => {
    tries += 1;
    if (tries === 1) throw new Problem({ code: "network" });
    return entry(sent.name);
  });
  await uploads.add("p", [file("a.txt")], LIMITS);
  const [failed] = uploads.list("p");
  expect(failed?.state).toBe("failed");
  expect(await uploads.resend("p", failed?.id ?? 0)).toHaveLength(1);
});
