import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../shared/lib/format";
import { thinned } from "./curves";
import type { RunState } from "./runStream";

const MOST_ROWS = 60;

/** The figures behind the chart, as a table: all of a short training, evenly chosen steps of a long one. */
export function FigureTable({ state }: { state: RunState }) {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  if (state.steps.length === 0) return null;
  return (
    <details className="mt-4 border-t border-line pt-3" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="text-sm font-medium text-accent-strong">{t("train.table")}</summary>
      {isOpen && <Rows state={state} />}
    </details>
  );
}

function Rows({ state }: { state: RunState }) {
  const { t } = useTranslation();
  const format = useFormat();
  const held = new Map(state.evaluations.map((point) => [point.step, point.loss]));
  const rows = thinned(state.steps, MOST_ROWS);
  const known = (value: number | null | undefined, write: (value: number) => string) => (value == null ? t("common.none") : write(value));
  const heads = [t("train.step"), t("train.axes.epoch"), t("train.axes.time"), t("train.loss"), t("train.evalLoss"), t("train.learningRateShort"), t("train.figures.gradNorm"), t("train.tokensPerSecond"), t("train.figures.memoryBytes")];
  return (
    <div tabIndex={0} role="region" aria-label={t("train.table")} className="mt-2 max-h-80 overflow-auto rounded-lg border border-line">
      <table className="w-full min-w-max text-right text-xs tabular-nums">
        <caption className="sr-only">
          {rows.length < state.steps.length ? t("train.tableThinned", { shown: rows.length, all: state.steps.length }) : t("train.table")}
        </caption>
        <thead className="sticky top-0 bg-sunken">
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col" className="px-3 py-2 font-medium whitespace-nowrap">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {rows.map((point) => (
            <tr key={point.step}>
              <th scope="row" className="px-3 py-1.5 font-medium">
                {format.number(point.step)}
              </th>
              <td className="px-3">{known(point.epoch, (value) => format.number(value, 2))}</td>
              <td className="px-3">{known(point.seconds, format.duration)}</td>
              <td className="px-3">{known(point.loss, (value) => format.fixed(value, 3))}</td>
              <td className="px-3">{known(held.get(point.step), (value) => format.fixed(value, 3))}</td>
              <td className="px-3">{known(point.learningRate, format.small)}</td>
              <td className="px-3">{known(point.gradNorm, (value) => format.number(value, 3))}</td>
              <td className="px-3">{known(point.tokensPerSecond, (value) => format.number(value))}</td>
              <td className="px-3">{known(point.memoryBytes, format.bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
