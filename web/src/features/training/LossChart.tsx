import { lazy, Suspense, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../shared/lib/format";
import { Skeleton } from "../../shared/ui/States";
import type { Series } from "./Chart";
import { type RunState, smoothed } from "./runStream";

const Chart = lazy(() => import("./Chart"));

/** The course of the loss: every step, the smoothed course, and the held-back examples. */
export function LossChart({ state }: { state: RunState }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { steps, evaluations } = state;
  const [labelLoss, labelSmooth, labelEval] = [t("train.loss"), t("train.lossSmooth"), t("train.evalLoss")];
  const numbers = useMemo(() => steps.map((point) => point.step), [steps]);
  const series = useMemo((): Series[] => {
    const losses = steps.map((point) => point.loss);
    const held = new Map(evaluations.map((point) => [point.step, point.loss]));
    const curves: Series[] = [
      { label: labelLoss, values: losses, colour: "accent", look: "faint" },
      { label: labelSmooth, values: smoothed(losses), colour: "accent", look: "line" },
    ];
    if (held.size === 0) return curves;
    return [...curves, { label: labelEval, values: numbers.map((step) => held.get(step) ?? null), colour: "second", look: "points" }];
  }, [steps, evaluations, numbers, labelLoss, labelSmooth, labelEval]);
  const first = steps.find((point) => point.loss !== null);
  const last = steps.findLast((point) => point.loss !== null);
  if (!first || !last) return <p className="py-8 text-center text-sm text-soft">{t("train.chartEmpty")}</p>;
  const summary = t("train.chartText", {
    first: format.fixed(first.loss ?? 0, 3),
    firstStep: first.step,
    last: format.fixed(last.loss ?? 0, 3),
    lastStep: last.step,
  });
  return (
    <Suspense fallback={<Skeleton rows={4} />}>
      <Chart label={summary} steps={numbers} series={series} stepLabel={t("train.step")} format={(value) => format.number(value, 3)} />
    </Suspense>
  );
}

/** The course of the learning rate. */
export function LearningRateChart({ state }: { state: RunState }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { steps } = state;
  const label = t("train.learningRateShort");
  const numbers = useMemo(() => steps.map((point) => point.step), [steps]);
  const series = useMemo(
    (): Series[] => [{ label, values: steps.map((point) => point.learningRate), colour: "second", look: "line" }],
    [steps, label],
  );
  if (steps.length === 0) return null;
  return (
    <Suspense fallback={<Skeleton rows={4} />}>
      <Chart label={label} steps={numbers} series={series} stepLabel={t("train.step")} format={(value) => format.small(value)} />
    </Suspense>
  );
}
