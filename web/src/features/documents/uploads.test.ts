// @vitest-environment jsdom
import { expect, it } from "vitest";
import { Problem } from "../../shared/api/problem";
import type { FileEntry } from "../../shared/api/types";
import { refusal, Uploads } from "./uploads";

const LIMITS = { maxBytes: 10, extensions: ["pdf", "txt"] };
const file = (name: string, text = "text") => new File([text], name);
const entry = (name: string, duplicate = false) => ({ id: name, name, duplicate, status: duplicate ? "parsed" : "stored" }) as FileEntry;

it.each([
  ["a.pdf", 10, null],
  ["A.PDF", 1, null],
  ["a.pdf", 11, "too_large"],
  ["a.mp3", 1, "wrong_type"],
  ["pdf", 1, "wrong_type"],
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
