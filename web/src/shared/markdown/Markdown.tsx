import type { ReactNode } from "react";
import { type Block, blocks, type Inline } from "./parse";

/** A report of the studio's, as elements: nothing in it is taken as HTML. `picture` describes its image. */
export function Markdown({ text, picture }: { text: string; picture: string }) {
  return (
    <div className="space-y-3 text-sm">
      {blocks(text).map((block, index) => (
        <Shown key={index} block={block} picture={picture} />
      ))}
    </div>
  );
}

function Shown({ block, picture }: { block: Block; picture: string }): ReactNode {
  switch (block.kind) {
    case "heading":
      if (block.level === 1) return <h3 className="text-lg font-semibold wrap-anywhere">{words(block.content)}</h3>;
      if (block.level === 2) return <h4 className="pt-3 text-base font-semibold wrap-anywhere">{words(block.content)}</h4>;
      return <h5 className="pt-1 font-semibold wrap-anywhere">{words(block.content)}</h5>;
    case "paragraph":
      return <p className="max-w-prose wrap-anywhere">{words(block.content)}</p>;
    case "list":
      return (
        <ul className="list-disc space-y-1 pl-5">
          {block.items.map((item, index) => (
            <li key={index} className="wrap-anywhere">
              {words(item)}
            </li>
          ))}
        </ul>
      );
    case "code":
      return (
        <pre tabIndex={0} className="max-h-72 overflow-auto rounded-lg bg-sunken p-3 text-xs">
          {block.text}
        </pre>
      );
    case "picture":
      return (
        <img
          alt={picture}
          src={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(block.svg)}`}
          className="w-full max-w-2xl rounded-lg border border-line bg-white"
        />
      );
    case "table":
      return <Table head={block.head} rows={block.rows} />;
  }
}

function Table({ head, rows }: { head: Inline[][]; rows: Inline[][][] }) {
  const hasHead = head.some((cell) => cell.length > 0);
  return (
    <div className="overflow-x-auto" tabIndex={0}>
      <table className="w-full border-collapse text-left">
        {hasHead && (
          <thead>
            <tr className="border-b border-line text-xs text-soft">
              {head.map((cell, index) => (
                <th key={index} scope="col" className="py-1.5 pr-4 font-medium">
                  {words(cell)}
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {rows.map((row, index) => (
            <tr key={index} className="border-b border-line align-top last:border-0">
              {row.map((cell, column) => (
                <td key={column} className="min-w-24 py-1.5 pr-4 wrap-anywhere">
                  {words(cell)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function words(content: Inline[]): ReactNode {
  return content.map((piece, index) =>
    piece.code ? (
      <code key={index} className="break-all">
        {piece.text}
      </code>
    ) : (
      piece.text
    ),
  );
}
