import { useSyncExternalStore } from "react";
import { readStored, writeStored } from "./storage";

export type ThemeChoice = "system" | "light" | "dark";
export type Theme = "light" | "dark";

const KEY = "theme";
const listeners = new Set<() => void>();
const systemIsDark = () => window.matchMedia("(prefers-color-scheme: dark)").matches;

export function themeChoice(): ThemeChoice {
  const stored = readStored("localStorage", KEY);
  return stored === "light" || stored === "dark" ? stored : "system";
}

function apply(): void {
  const choice = themeChoice();
  const theme: Theme = choice === "system" ? (systemIsDark() ? "dark" : "light") : choice;
  document.documentElement.dataset.theme = theme;
  for (const listener of listeners) listener();
}

export function chooseTheme(choice: ThemeChoice): void {
  writeStored("localStorage", KEY, choice === "system" ? null : choice);
  apply();
}

/** Follows the system, and other windows of the studio. */
export function followTheme(): void {
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
  window.addEventListener("storage", (event) => {
    if (event.key === KEY) apply();
  });
  apply();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useTheme(): { choice: ThemeChoice; theme: Theme } {
  const choice = useSyncExternalStore(subscribe, themeChoice);
  const theme = useSyncExternalStore(subscribe, () => (document.documentElement.dataset.theme as Theme) ?? "light");
  return { choice, theme };
}
