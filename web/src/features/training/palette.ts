/** Colours of trainings that are shown together; each stands out from the page's surface by at least 3 to 1. */
const LIGHT = ["#0f6b66", "#9a4a12", "#5b4bb5", "#a8256b", "#4d6b00", "#1d5fa8"];
const DARK = ["#5fc9bf", "#f0a468", "#b3a6f5", "#f590c2", "#b5d15f", "#7fb8f5"];

/** Strokes that tell them apart without colour. */
export const DASHES: readonly number[][] = [[], [9, 4], [3, 3], [12, 3, 3, 3], [6, 2], [1, 3]];

/** So many trainings can be told apart in one chart. */
export const MOST_RUNS = LIGHT.length;

export function colourOfRun(run: number, theme: string): string {
  const colours = theme === "dark" ? DARK : LIGHT;
  return colours[run % colours.length] ?? "";
}
