// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it } from "vitest";
import { type ShortcutAction, useShortcuts } from "./shortcuts";

const seen: ShortcutAction[] = [];

function Page({ dialog = false }) {
  useShortcuts((action) => {
    seen.push(action);
    return true;
  });
  return (
    <>
      <button type="button">A button</button>
      <input aria-label="A field" />
      <input type="checkbox" aria-label="A box" />
      <select aria-label="A choice" />
      {dialog && <div role="dialog">Something to answer</div>}
    </>
  );
}

afterEach(() => {
  cleanup();
  seen.length = 0;
});

it("knows the keys of every action", async () => {
  render(<Page />);
  await userEvent.keyboard("jk{ArrowDown}{ArrowUp}areuxoz?{Escape}A");
  expect(seen).toEqual(["next", "previous", "next", "previous", "approve", "reject", "edit", "undo", "select", "open", "reset", "help", "close", "approve"]);
});

it.each(["A field", "A choice"])("leaves the keys to %s", async (label) => {
  render(<Page />);
  screen.getByLabelText(label).focus();
  await userEvent.keyboard("aj{ArrowDown}?");
  expect(seen).toEqual([]);
});

it("works from a box to tick and from a button, whose own keys it leaves alone", async () => {
  render(<Page />);
  screen.getByLabelText("A box").focus();
  await userEvent.keyboard("j");
  screen.getByRole("button").focus();
  await userEvent.keyboard("a{Enter}");
  expect(seen).toEqual(["next", "approve"]);
});

it("leaves the keys to a dialog, and to the browser", async () => {
  render(<Page dialog />);
  await userEvent.keyboard("a");
  cleanup();
  render(<Page />);
  await userEvent.keyboard("{Control>}a{/Control}{Meta>}r{/Meta}");
  expect(seen).toEqual([]);
});
