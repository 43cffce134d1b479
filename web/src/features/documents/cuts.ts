import type { Chunk, FileText } from "../../shared/api/types";

type Page = FileText["pages"][number];
type Cut = Pick<Chunk, "index" | "tokens" | "start" | "end">;

/** A piece of a page; `begins` where its passage begins. Text between passages has none. */
export interface Piece {
  chunk: Cut | null;
  text: string;
  begins: boolean;
}

/**
 * The page in pieces, at the edges of the passages. Places count code points, as the server does; where passages overlap,
 * the later one begins in the earlier.
 */
export function cutPage(page: Page, chunks: readonly Cut[]): Piece[] {
  const points = [...page.text];
  const end = page.start + points.length;
  const placed = chunks
    .flatMap((chunk) => (chunk.start == null || chunk.end == null ? [] : [{ chunk, start: chunk.start, end: chunk.end }]))
    .filter((cut) => cut.start < end && cut.end > page.start)
    .sort((one, other) => one.start - other.start);
  const pieces: Piece[] = [];
  const add = (chunk: Cut | null, from: number, to: number, begins: boolean) => {
    const text = points.slice(from - page.start, to - page.start).join("");
    if (text !== "" && (chunk || text.trim() !== "")) pieces.push({ chunk, text, begins });
  };
  let done = page.start;
  placed.forEach(({ chunk, start, end: ends }, index) => {
    const from = Math.max(start, page.start);
    const to = Math.min(ends, placed[index + 1]?.start ?? ends, end);
    if (from > done) add(null, done, from, false);
    add(chunk, Math.max(from, done), to, start >= page.start);
    done = Math.max(done, to);
  });
  if (done < end) add(null, done, end, false);
  return pieces;
}
