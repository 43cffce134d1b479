import { useEffect, useMemo, useRef } from "react";
import UPlot from "uplot";
import { useTheme } from "../../shared/lib/theme";
import type { Axis } from "./curves";
import { colourOfRun, DASHES } from "./palette";

export interface Series {
  label: string;
  values: readonly (number | null)[];
  /** Which training: it decides the colour and the strokes. */
  run: number;
  look: "line" | "faint" | "points";
}

const HEIGHT = 280;
/** Distances between the marks of an axis that people read easily. */
const INCREMENTS: Record<Axis, number[]> = {
  step: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 1000000],
  epoch: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500],
  time: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400],
};

function role(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** The legend has the last values while nobody points at others. */
function showLast(chart: UPlot): void {
  if ((chart.cursor.left ?? -1) >= 0) return;
  const last = (values: ArrayLike<number | null | undefined>) => {
    let index = values.length - 1;
    while (index >= 0 && values[index] == null) index -= 1;
    return index < 0 ? null : index;
  };
  chart.setLegend({ idxs: chart.data.map(last) }, false);
}

interface Props {
  /** What is drawn, in words. */
  label: string;
  axis: Axis;
  axisLabel: string;
  places: readonly number[];
  series: readonly Series[];
  logarithmic?: boolean;
  format: (value: number) => string;
  formatPlace: (value: number) => string;
}

/** More points than this run into one another: the line alone shows them. */
const MOST_POINTS = 40;

function isSparse(values: ArrayLike<number | null | undefined> | undefined): boolean {
  return Array.from(values ?? []).filter((value) => value != null).length <= MOST_POINTS;
}

/** Curves over a training. Draws ten thousands of points; its text for screen readers stands beside it. */
export default function Chart(props: Props) {
  const { theme } = useTheme();
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | null>(null);
  const data = useMemo(
    () => [[...props.places], ...props.series.map((series) => [...series.values])] as UPlot.AlignedData,
    [props.places, props.series],
  );
  const latest = useRef(data);
  latest.current = data;
  const formats = useRef(props);
  formats.current = props;
  // What the drawing is made of: it is made anew when that changes, not when points come in.
  const looks = props.series.map(({ label, run, look }) => [label, run, look]);
  const shape = JSON.stringify([theme, props.axis, props.axisLabel, props.logarithmic === true, looks]);

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const [theme, axis, axisLabel, logarithmic, looks] = JSON.parse(shape) as [string, Axis, string, boolean, [string, number, Series["look"]][]];
    const line = {
      stroke: role("soft"),
      grid: { stroke: role("line"), width: 1 },
      ticks: { stroke: role("line"), width: 1 },
      font: "12px system-ui, sans-serif",
    };
    const written = (ticks: (number | null)[], format: (value: number) => string) => ticks.map((tick) => (tick === null ? "" : format(tick)));
    const made = new UPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        cursor: { drag: { x: true, y: false } },
        hooks: { ready: [showLast], setLegend: [showLast] },
        scales: { x: { time: false }, y: { distr: logarithmic ? 3 : 1 } },
        axes: [
          { ...line, incrs: INCREMENTS[axis], values: (_, ticks) => written(ticks, formats.current.formatPlace) },
          { ...line, size: 62, values: (_, ticks) => written(ticks, formats.current.format) },
        ],
        series: [
          { label: axisLabel, value: (_: UPlot, value: number | null) => (value == null ? "–" : formats.current.formatPlace(value)) },
          ...looks.map(([label, run, look]) => ({
            label,
            stroke: colourOfRun(run, theme),
            width: look === "line" ? 2.25 : 1,
            alpha: look === "faint" ? 0.4 : 1,
            spanGaps: true,
            dash: look === "points" ? [2, 4] : (DASHES[run % DASHES.length] ?? []),
            points: { show: (plot: UPlot, index: number) => look === "points" && isSparse(plot.data[index]), size: 8, fill: colourOfRun(run, theme) },
            value: (_: UPlot, value: number | null) => (value == null ? "–" : formats.current.format(value)),
          })),
        ],
      },
      latest.current,
      element,
    );
    chart.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [shape]);

  useEffect(() => {
    if (!chart.current) return;
    chart.current.setData(data);
    showLast(chart.current);
  }, [data]);

  return <div ref={host} role="img" aria-label={props.label} className="min-h-[280px] min-w-0" />;
}
