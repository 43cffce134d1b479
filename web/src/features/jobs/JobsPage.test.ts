// @vitest-environment jsdom
import { expect, it } from "vitest";
import { pageOf } from "./JobsPage";

it("leads to the page of a job's work, and to its training", () => {
  expect(pageOf({ kind: "train", project_id: "p", run_id: "r" })).toBe("/projects/p/train/r");
  expect(pageOf({ kind: "export", project_id: "p", run_id: "r" })).toBe("/projects/p/export?run=r");
  expect(pageOf({ kind: "chunk_documents", project_id: "p", run_id: null })).toBe("/projects/p/data");
  expect(pageOf({ kind: "of_tomorrow", project_id: "p", run_id: null })).toBe("/projects/p/");
});
