import { i18n } from "../i18n";

/**
 * What jobs say of their progress, by its form: the server speaks English, and its values (names, numbers) go into the
 * reader's language. A test holds the list against the server's sources.
 */
const FORMS: [RegExp, string, ...string[]][] = [
  [/^preparing the data$/, "preparing"],
  [/^step (\d+) of (\d+)$/, "step", "step", "total"],
  [/^step (\d+) of (\d+), loss ([\d.]+)$/, "stepLoss", "step", "total", "loss"],
  [/^reading (?!the examples$|project )(.+)$/, "reading", "name"],
  [/^reading the examples$/, "readingExamples"],
  [/^reading project (\d+) of Label Studio$/, "readingLabelStudio", "number"],
  [/^recognising (.+)$/, "recognising", "name"],
  [/^making examples of (.+)$/, "makingExamples", "name"],
  [/^checking$/, "checking"],
  [/^trying a chunk$/, "tryingChunk"],
  [/^(\d+) chunks written, (\d+) set aside$/, "chunksWritten", "done", "aside"],
  [/^(\d+) examples pushed, (\d+) there before$/, "examplesPushed", "pushed", "before"],
  [/^taking over verdicts and texts$/, "takingOver"],
  [/^choosing questions$/, "choosingQuestions"],
  [/^base model: question (\d+) of (\d+)$/, "baseQuestion", "number", "total"],
  [/^base model: [a-z -]+$/, "baseMeasured"],
  [/^fine-tuned model: question (\d+) of (\d+)$/, "tunedQuestion", "number", "total"],
  [/^fine-tuned model: [a-z -]+$/, "tunedMeasured"],
  [/^writing (?!the model's file$)(.+)$/, "writing", "name"],
  [/^comparing with the trained model$/, "comparing"],
  [/^packing$/, "packing"],
  [/^writing the model's file$/, "writingModel"],
  [/^computing its checksum$/, "checksum"],
  [/^sending the weights, (\d+) of (\d+) MiB$/, "sending", "done", "total"],
  [/^Ollama makes the model$/, "ollamaMakes"],
  [/^comparing prompts, (\d+) of (\d+)$/, "comparingPrompts", "done", "total"],
  [/^comparing answers, (\d+) of (\d+)$/, "comparingAnswers", "done", "total"],
  [/^done$/, "done"],
];

/** A job's progress in the reader's language; what has no known form stays as it is (names of models do). */
export function progressText(message: string): string {
  if (i18n.language === "en") return message;
  for (const [form, key, ...names] of FORMS) {
    const found = form.exec(message);
    if (!found) continue;
    const values = Object.fromEntries(names.map((name, index) => [name, found[index + 1] ?? ""]));
    return i18n.t(`jobs.progress.${key}` as never, values) as string;
  }
  return message;
}

/** Whether a message has a known form; `{}` in it stands for a value. */
export function isKnownForm(message: string): boolean {
  const [text, number] = ["name.pdf", "7"].map((value) => message.replace(/\{[^}]*\}/g, value)) as [string, string];
  return FORMS.some(([form]) => form.test(text) || form.test(number));
}
