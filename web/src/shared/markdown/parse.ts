/** A stretch of text; `code` stands between backticks. */
export interface Inline {
  text: string;
  code: boolean;
}

export type Block =
  | { kind: "heading"; level: number; content: Inline[] }
  | { kind: "paragraph"; content: Inline[] }
  | { kind: "list"; items: Inline[][] }
  | { kind: "code"; text: string }
  | { kind: "picture"; svg: string }
  | { kind: "table"; head: Inline[][]; rows: Inline[][][] };

const ENTITIES: Record<string, string> = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };

/** Text with its escapes taken back. What is not known as markup stays text. */
export function inline(raw: string): Inline[] {
  const pieces: Inline[] = [];
  let text = "";
  const close = () => {
    if (text !== "") pieces.push({ text, code: false });
    text = "";
  };
  for (let at = 0; at < raw.length; at += 1) {
    const rest = raw.slice(at);
    const escaped = /^\\([\\`*_[\]#~|<>-])/.exec(rest);
    const entity = /^&(?:amp|lt|gt);/.exec(rest);
    const code = /^`([^`]+)`/.exec(rest);
    if (escaped) text += escaped[1];
    else if (entity) text += ENTITIES[entity[0]];
    else if (code) {
      close();
      pieces.push({ text: code[1] ?? "", code: true });
    } else {
      text += raw[at];
      continue;
    }
    at += (escaped ?? entity ?? code)![0].length - 1;
  }
  close();
  return pieces;
}

/** The cells of a line of a table; `\|` is no border. */
function cells(line: string): Inline[][] {
  const inner = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => inline(cell.trim()));
}

const IS_BORDER = /^\|(?:\s*:?-+:?\s*\|)+$/;

/**
 * The blocks of the reports that the studio writes: headings, tables, lists, paragraphs, indented code and one picture. No
 * HTML is ever passed on as such: it becomes text, and the picture an image, in which nothing runs.
 */
export function blocks(markdown: string): Block[] {
  const lines = markdown.split(/\r?\n/);
  const found: Block[] = [];
  let at = 0;
  /** Takes lines as long as they fit. */
  const takeWhile = (fits: (line: string) => boolean): string[] => {
    const from = at;
    while (at < lines.length && fits(lines[at] ?? "")) at += 1;
    return lines.slice(from, at);
  };
  while (at < lines.length) {
    const line = lines[at] ?? "";
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    if (line.trim() === "") at += 1;
    else if (heading) {
      found.push({ kind: "heading", level: heading[1]?.length ?? 1, content: inline(heading[2] ?? "") });
      at += 1;
    } else if (line.startsWith("<svg ")) {
      const inside = takeWhile((next) => !next.includes("</svg>"));
      found.push({ kind: "picture", svg: [...inside, lines[at] ?? ""].join("\n") });
      at += 1;
    } else if (line.startsWith("|") && IS_BORDER.test((lines[at + 1] ?? "").trim())) {
      const [head = "", , ...rows] = takeWhile((next) => next.startsWith("|"));
      found.push({ kind: "table", head: cells(head), rows: rows.map(cells) });
    } else if (line.startsWith("- ")) {
      found.push({ kind: "list", items: takeWhile((next) => next.startsWith("- ")).map((item) => inline(item.slice(2))) });
    } else if (line.startsWith("    ")) {
      found.push({ kind: "code", text: takeWhile((next) => next.startsWith("    ")).map((next) => next.slice(4)).join("\n") });
    } else {
      at += 1;
      const more = takeWhile((next) => next.trim() !== "" && !/^(#{1,6}\s|\||- |<svg )/.test(next));
      found.push({ kind: "paragraph", content: inline([line, ...more].join(" ")) });
    }
  }
  return found;
}
