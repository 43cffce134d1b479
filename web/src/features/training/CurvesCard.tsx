import { useQueries } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Run } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { useTheme } from "../../shared/lib/theme";
import { isWorking } from "../../shared/runs/useRuns";
import { Section } from "../../shared/ui/Card";
import { Checkbox, Field, Select } from "../../shared/ui/Field";
import { Skeleton } from "../../shared/ui/States";
import type { Series } from "./Chart";
import { type Axis, type Course, curvesOf, type Figure, usualStrength } from "./curves";
import { FigureTable } from "./FigureTable";
import { colourOfRun, DASHES, MOST_RUNS } from "./palette";
import { figuresOf, type RunState } from "./runStream";

const Chart = lazy(() => import("./Chart"));
const AXES: Axis[] = ["step", "epoch", "time"];
const FIGURES: Figure[] = ["loss", "learningRate", "gradNorm", "tokensPerSecond", "memoryBytes"];

/** The figures of a run that is not watched live. */
function useCourses(runs: Run[]): Course[] {
  const found = useQueries({
    queries: runs.map((run) => ({
      queryKey: [...keys.runs(run.project_id), run.id, "metrics", run.status, run.job_id],
      queryFn: async ({ signal }: { signal: AbortSignal }) => {
        const path = { project_id: run.project_id, run_id: run.id };
        return take(api.GET("/api/projects/{project_id}/runs/{run_id}/metrics", { params: { path }, signal }));
      },
      staleTime: isWorking(run) ? 10_000 : Number.POSITIVE_INFINITY,
    })),
    combine: (queries) => queries.map((query) => query.data ?? null),
  });
  return useMemo(
    () =>
      runs.flatMap((run, index): Course[] => {
        const metrics = found[index];
        if (!metrics) return [];
        return [{ id: run.id, name: run.name, ...figuresOf(metrics) }];
      }),
    // The runs are read again with each refresh; what is drawn of them is their names and figures.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [found, runs.map((run) => run.id + run.name).join()],
  );
}

/** The course of a training, alone or with others of the project. */
export function CurvesCard({ run, state, others }: { run: Run; state: RunState; others: Run[] }) {
  const { t } = useTranslation();
  const [search, setSearch] = useSearchParams();
  const [figure, setFigure] = useState<Figure>("loss");
  const [axis, setAxis] = useState<Axis>("step");
  const [isLogarithmic, setLogarithmic] = useState(false);
  const [strength, setStrength] = useState<number | null>(null);
  const wanted = (search.get("with") ?? "").split(",").filter(Boolean);
  const shown = others.filter((other) => wanted.includes(other.id)).slice(0, MOST_RUNS - 1);
  const compared = useCourses(shown);
  const { steps, evaluations } = state;
  const courses = useMemo(
    () => [{ id: run.id, name: run.name, steps, evaluations }, ...compared],
    [run.id, run.name, steps, evaluations, compared],
  );
  const toggle = (id: string, isOn: boolean) =>
    setSearch(
      (before) => {
        const ids = isOn ? [...shown.map((other) => other.id), id] : shown.map((other) => other.id).filter((other) => other !== id);
        if (ids.length > 0) before.set("with", ids.join(","));
        else before.delete("with");
        return before;
      },
      { replace: true, preventScrollReset: true },
    );
  const smoothing = strength ?? Math.round(usualStrength(state.totalSteps ?? run.total_steps ?? steps.length) * 100) / 100;

  return (
    <Section title={t("train.chart")}>
      <div className="mb-4 flex flex-wrap items-end gap-x-4 gap-y-3">
        <Field label={t("train.figure")} className="w-44">
          {(control) => (
            <Select {...control} value={figure} onChange={(event) => setFigure(event.target.value as Figure)}>
              {FIGURES.map((id) => (
                <option key={id} value={id}>
                  {t(`train.figures.${id}`)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label={t("train.axis")} className="w-44">
          {(control) => (
            <Select {...control} value={axis} onChange={(event) => setAxis(event.target.value as Axis)}>
              {AXES.map((id) => (
                <option key={id} value={id}>
                  {t(`train.axes.${id}`)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label={t("train.smoothing", { percent: Math.round(smoothing * 100) })} className="w-44">
          {(control) => (
            <input
              {...control}
              type="range"
              min={0}
              max={0.99}
              step={0.01}
              value={smoothing}
              onChange={(event) => setStrength(Number(event.target.value))}
              className="block h-10 w-full accent-(--accent)"
            />
          )}
        </Field>
        <Checkbox
          className="h-10 items-center"
          label={t("train.logarithmic")}
          checked={isLogarithmic}
          onChange={(event) => setLogarithmic(event.target.checked)}
        />
      </div>
      <Drawing courses={courses} figure={figure} axis={axis} strength={smoothing} logarithmic={isLogarithmic} points={steps.length} />
      {others.length > 0 && <Others runs={others} shown={shown.map((other) => other.id)} onToggle={toggle} />}
      <FigureTable state={state} />
    </Section>
  );
}

function Drawing(props: { courses: Course[]; figure: Figure; axis: Axis; strength: number; logarithmic: boolean; points: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { courses, figure, axis, strength, logarithmic } = props;
  const curves = useMemo(() => curvesOf(courses, figure, axis, strength, logarithmic), [courses, figure, axis, strength, logarithmic]);
  const isAlone = courses.length === 1;
  const names = courses.map((course) => course.name);
  const roles = [t(`train.figures.${figure}`), t("train.smoothed"), t("train.evalLoss")].join("\n");
  const series = useMemo(
    () =>
      curves.lines.map(({ run, role, values }): Series => {
        const [raw, smooth, evaluation] = roles.split("\n") as [string, string, string];
        const word = role === "raw" ? raw : role === "smooth" ? smooth : evaluation;
        const label = isAlone ? word : `${names[run]}: ${word}`;
        return { label, run, values, look: role === "evaluation" ? "points" : role === "raw" && strength > 0 ? "faint" : "line" };
      }),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [curves, roles, isAlone, names.join("\n"), strength > 0],
  );
  const written: Record<Figure, (value: number) => string> = {
    loss: (value) => format.number(value, 3),
    learningRate: (value) => format.small(value),
    gradNorm: (value) => format.number(value, 3),
    tokensPerSecond: (value) => format.number(value),
    memoryBytes: (value) => format.bytes(value),
  };
  const places: Record<Axis, (value: number) => string> = {
    step: (value) => format.number(value),
    epoch: (value) => format.number(value, 2),
    time: (value) => format.duration(value),
  };
  const own = courses[0]?.steps ?? [];
  const first = own.find((point) => point.loss !== null);
  const last = own.findLast((point) => point.loss !== null);
  if (curves.places.length === 0 || !first || !last) {
    return <p className="flex min-h-[280px] items-center justify-center text-sm text-soft">{t("train.chartEmpty")}</p>;
  }
  const values = { first: format.fixed(first.loss ?? 0, 3), firstStep: first.step, last: format.fixed(last.loss ?? 0, 3), lastStep: last.step };
  const label = figure === "loss" ? t("train.chartText", values) : t(`train.figures.${figure}`);
  return (
    <div data-points={props.points} data-runs={courses.length}>
      <Suspense fallback={<Skeleton rows={4} className="min-h-[280px]" />}>
        <Chart
          label={label}
          axis={axis}
          axisLabel={t(`train.axes.${axis}`)}
          places={curves.places}
          series={series}
          logarithmic={logarithmic}
          format={written[figure]}
          formatPlace={places[axis]}
        />
      </Suspense>
    </div>
  );
}

/** The other trainings of the project, to be drawn into the same chart. */
function Others(props: { runs: Run[]; shown: string[]; onToggle: (id: string, isOn: boolean) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { theme } = useTheme();
  return (
    <details className="mt-4 border-t border-line pt-3" open={props.shown.length > 0 || undefined}>
      <summary className="text-sm font-medium text-accent-strong">{t("train.compare", { count: props.runs.length })}</summary>
      <ul className="mt-2 grid gap-2 sm:grid-cols-2">
        {props.runs.map((run) => {
          const at = props.shown.indexOf(run.id);
          return (
            <li key={run.id} className="flex items-center gap-2">
              <Checkbox
                checked={at >= 0}
                disabled={at < 0 && props.shown.length >= MOST_RUNS - 1}
                onChange={(event) => props.onToggle(run.id, event.target.checked)}
                label={
                  <>
                    <span className="font-medium wrap-anywhere">{run.name}</span>{" "}
                    <span className="text-soft">
                      {t(`train.status.${run.status}`)}
                      {run.loss != null && `, ${t("train.loss")} ${format.fixed(run.loss, 3)}`}
                    </span>
                  </>
                }
              />
              {at >= 0 && (
                <svg width="28" height="8" aria-hidden className="shrink-0">
                  <line x1="0" y1="4" x2="28" y2="4" stroke={colourOfRun(at + 1, theme)} strokeWidth="2.5" strokeDasharray={(DASHES[at + 1] ?? []).join(" ")} />
                </svg>
              )}
            </li>
          );
        })}
      </ul>
    </details>
  );
}
