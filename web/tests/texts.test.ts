import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { en } from "../src/shared/i18n/en";
import { fr } from "../src/shared/i18n/fr";

type Tree = { [key: string]: string | string[] | Tree };

function flat(tree: Tree | string[], prefix = ""): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === "string") texts.set(prefix + key, value);
    else for (const [name, text] of flat(value, `${prefix}${key}.`)) texts.set(name, text);
  }
  return texts;
}

const english = flat(en);
const french = flat(fr);
const holes = (text: string) => [...text.matchAll(/{{(\w+)}}/g)].map((match) => match[1]).sort();

it("has every text in French, with the same values in it", () => {
  expect([...french.keys()]).toEqual([...english.keys()]);
  for (const [key, text] of english) {
    expect(holes(french.get(key) ?? ""), key).toEqual(holes(text));
    expect(french.get(key)?.trim(), key).not.toBe("");
  }
});

it("sets French punctuation apart with unbreakable spaces", () => {
  for (const [key, text] of french) expect(text, key).not.toMatch(/ [:;!?»]|« |[^\s\u00a0{}\d][;!?»]/);
});

/** The codes of a table of the server's words: `Variant { values } "code" "text";` */
function wordsOf(table: string): { code: string; values: string[] }[] {
  const source = readFileSync(`../crates/finetuneflow/src/words/${table}.rs`, "utf8");
  const lines = [...source.matchAll(/^ {8}[A-Z]\w+ {([^}]*)} "([a-z_]+)"/gm)];
  return lines.map(([, values = "", code = ""]) => ({ code, values: [...values.matchAll(/(\w+):/g)].map((value) => value[1] ?? "") }));
}

it("translates all that the server says of jobs at work, with values that it sends", () => {
  const activities = wordsOf("activity");
  expect(activities.length).toBeGreaterThan(25);
  for (const texts of [english, french])
    for (const { code, values } of activities) expect(holes(texts.get(`activities.${code}`) ?? "none"), code).toEqual(values.sort());
});

it("translates every known cause of a failure, with values that it sends", () => {
  const causes = wordsOf("cause");
  expect(causes.length).toBeGreaterThan(40);
  for (const texts of [english, french])
    for (const { code, values } of causes)
      for (const part of ["title", "hint"]) {
        const text = texts.get(`causes.${code}.${part}`);
        expect(text, `${code}.${part}`).toBeTruthy();
        for (const hole of holes(text ?? "")) expect(values, `${code}.${part}`).toContain(hole);
      }
});

it("translates every warning of a training", () => {
  const source = readFileSync("../crates/engine/src/batching/encoded_data.rs", "utf8").match(/pub enum WarningKind {([^]*?)\n}/)?.[1] ?? "";
  const kinds = [...source.matchAll(/^ {4}([A-Z]\w+),/gm)].map(([, kind = ""]) => kind);
  expect(kinds.length).toBeGreaterThan(9);
  for (const texts of [english, french])
    for (const kind of kinds) for (const hole of holes(texts.get(`notes.training.${kind}`) ?? "{{none}}")) expect(["count", "max_seq_len", "pieces"], kind).toContain(hole);
});

it("translates every remark about a document and every note about an export", () => {
  const remarks = readFileSync("../crates/documents/src/remark.rs", "utf8").match(/pub enum Remark {([^]*?)\n}/)?.[1] ?? "";
  const names = [...remarks.matchAll(/^ {4}([A-Z]\w+) {/gm)].map(([, name = ""]) => name.replace(/\B([A-Z])/g, "_$1").toLowerCase());
  expect(names.length).toBeGreaterThan(8);
  const folder = "../crates/export/src";
  const sources = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".rs"));
  const notes = sources.flatMap((name) => {
    const source = readFileSync(join(folder, name), "utf8");
    const list = source.match(/fn notes\([^]*?\n}/)?.[0] ?? "";
    return [...source.matchAll(/Note::new\("([a-z_]+)"/g), ...list.matchAll(/^ {12}"([a-z_]+)",$/gm)].map((found) => found[1] ?? "");
  });
  expect(notes.length).toBeGreaterThan(7);
  for (const texts of [english, french]) {
    for (const name of names) expect(texts.get(`notes.files.${name}`), name).toBeTruthy();
    for (const name of notes) expect(texts.get(`notes.exports.${name}`), name).toBeTruthy();
  }
});

it("translates every error that the server can give", () => {
  const table = readFileSync("../crates/finetuneflow/src/api/error.rs", "utf8");
  const codes = [...table.matchAll(/^ {4}[A-Z]\w+ "([a-z_]+)" \d{3} /gm)].map((match) => match[1]);
  expect(codes.length).toBeGreaterThan(20);
  for (const texts of [english, french])
    for (const code of codes) for (const part of ["title", "hint"]) expect(texts.get(`errors.${code}.${part}`), `${code}.${part}`).toBeTruthy();
});
