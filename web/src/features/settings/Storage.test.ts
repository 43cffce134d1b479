// @vitest-environment jsdom
import { expect, it } from "vitest";
import { storageParts } from "./Storage";

it("counts the files of the database as one part", () => {
  const parts = [
    { name: "files", bytes: 9 },
    { name: "finetuneflow.sqlite-wal", bytes: 8 },
    { name: "finetuneflow.sqlite", bytes: 4 },
  ];
  expect(storageParts(parts)).toEqual([
    { name: "database", bytes: 12 },
    { name: "files", bytes: 9 },
  ]);
});
