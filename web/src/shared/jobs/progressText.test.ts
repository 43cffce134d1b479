// @vitest-environment jsdom
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { chooseLanguage } from "../i18n";
import { isKnownForm, progressText } from "./progressText";

afterEach(() => chooseLanguage("en"));

it("says in the reader's language what a job does, with its values", () => {
  expect(progressText("step 3 of 9, loss 1.25")).toBe("step 3 of 9, loss 1.25");
  chooseLanguage("fr");
  expect(progressText("step 3 of 9, loss 1.25")).toBe("pas 3 sur 9, perte 1.25");
  expect(progressText("reading the examples")).toBe("lecture des exemples");
  expect(progressText("reading the plan.pdf")).toBe("lecture de the plan.pdf");
  expect(progressText("writing the model's file")).toBe("écriture du fichier du modèle");
  expect(progressText("fine-tuned model: question 2 of 8")).toBe("modèle entraîné\u00a0: question 2 sur 8");
  expect(progressText("HuggingFaceTB/SmolLM2-135M")).toBe("HuggingFaceTB/SmolLM2-135M");
});

it("knows every form that the server's jobs have", () => {
  const folder = "../crates/finetuneflow/src/jobs";
  const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".rs"))
    .map((name) => readFileSync(join(folder, name), "utf8"));
  const forms = sources.flatMap((source) =>
    [...source.matchAll(/\.progress\([^;]*?"([^"]+)"/g), ...source.matchAll(/let message =\s*format!\(\s*"([^"]+)"[^;]*;\s*(?:self\.)?work\.progress/g)].map(
      (found) => found[1] ?? "",
    ),
  );
  expect(forms.length).toBeGreaterThan(15);
  for (const form of forms) expect(isKnownForm(form), form).toBe(true);
});
