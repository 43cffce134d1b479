// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { chooseLanguage } from "../i18n";
import { type Said, SaidText } from "./said";

afterEach(() => {
  cleanup();
  chooseLanguage("en");
});

function shown(said: Said) {
  const { container } = render(<SaidText group="activities" said={said} />);
  return container;
}

it("makes the reader's words of a code and its values", () => {
  const said = { code: "step_loss", params: { step: 3, total: 1200, loss: 1.25 }, message: "step 3 of 1200, loss 1.2500" };
  expect(shown(said).textContent).toBe("step 3 of 1,200, loss 1.25");
  chooseLanguage("fr");
  expect(shown(said).textContent).toBe("pas 3 sur 1\u202f200, perte 1,25");
  expect(shown({ code: "reading", params: { name: "the plan.pdf" }, message: "reading the plan.pdf" }).textContent).toBe("lecture de the plan.pdf");
});

it("keeps the server's English words, marked as English, where there is no text for the code", () => {
  chooseLanguage("fr");
  shown({ code: "of_tomorrow", params: {}, message: "doing it" });
  expect(screen.getByText("doing it").lang).toBe("en");
  shown({ message: "stored before there were codes" });
  expect(screen.getByText("stored before there were codes").lang).toBe("en");
});

it("quotes the words of others behind its own", () => {
  chooseLanguage("fr");
  render(<SaidText group="notes.files" said={{ code: "sheet_unreadable", params: { name: "Plan", detail: "cut off" }, message: "…" }} />);
  expect(screen.getByText("cut off").lang).toBe("en");
  expect(document.body.textContent).toContain("la feuille Plan n'a pas pu être lue (cut off)");
});
