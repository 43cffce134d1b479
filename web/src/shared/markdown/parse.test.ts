import { expect, it } from "vitest";
import { blocks, inline } from "./parse";

const words = (content: { text: string }[]) => content.map((piece) => piece.text).join("");

it("takes escapes back and keeps everything else as text", () => {
  expect(words(inline("a\\_b \\| \\*c\\* &lt;b&gt; &amp;amp; &copy; *d*"))).toBe("a_b | *c* <b> &amp; &copy; *d*");
  expect(inline("x `ab12` y")).toEqual([
    { text: "x ", code: false },
    { text: "ab12", code: true },
    { text: " y", code: false },
  ]);
  expect(words(inline("one ` alone"))).toBe("one ` alone");
  expect(words(inline("ends with \\"))).toBe("ends with \\");
});

it("reads the blocks of a report", () => {
  const text = [
    "# Title",
    "",
    "First line",
    "second line.",
    "",
    "| a | b \\| c |",
    "|---|---|",
    "| 1 |  |",
    "",
    "- one",
    "- two",
    "",
    '<svg xmlns="http://www.w3.org/2000/svg">',
    "<text>x</text>",
    "</svg>",
    "",
    "    code <b>",
    "    - more",
    "",
    "<script>alert(1)</script>",
  ].join("\n");
  const found = blocks(text);
  expect(found.map((block) => block.kind)).toEqual(["heading", "paragraph", "table", "list", "picture", "code", "paragraph"]);
  const [heading, paragraph, table, list, picture, code, script] = found;
  expect(heading).toEqual({ kind: "heading", level: 1, content: [{ text: "Title", code: false }] });
  expect(paragraph?.kind === "paragraph" && words(paragraph.content)).toBe("First line second line.");
  expect(table?.kind === "table" && [table.head.map(words), table.rows.map((row) => row.map(words))]).toEqual([["a", "b | c"], [["1", ""]]]);
  expect(list?.kind === "list" && list.items.map(words)).toEqual(["one", "two"]);
  expect(picture?.kind === "picture" && picture.svg.endsWith("</svg>")).toBe(true);
  expect(code?.kind === "code" && code.text).toBe("code <b>\n- more");
  expect(script?.kind === "paragraph" && words(script.content)).toBe("<script>alert(1)</script>");
});

it("comes to an end with broken text", () => {
  for (const text of ["", "|", "| a |\n|--", "<svg never closed", "#", "-", "    "]) expect(blocks(text).length).toBeLessThan(3);
});
