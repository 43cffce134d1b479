/** Small choices of this browser (theme, language, an unsent conversation). Works without storage too: nothing is kept then. */
export function readStored(storage: "localStorage" | "sessionStorage", key: string): string | null {
  try {
    return window[storage].getItem(key);
  } catch {
    return null;
  }
}

/** Keeps a value, or forgets it when it is null. */
export function writeStored(storage: "localStorage" | "sessionStorage", key: string, value: string | null): void {
  try {
    if (value === null) window[storage].removeItem(key);
    else window[storage].setItem(key, value);
  } catch {
    // Storage is full or switched off: the choice lasts until the page is closed.
  }
}
