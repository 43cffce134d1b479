import { useEffect, useMemo, useRef } from "react";
import UPlot from "uplot";
import { useTheme } from "../../shared/lib/theme";

export interface Series {
  label: string;
  values: readonly (number | null)[];
  /** A colour of the theme, by role. */
  colour: "accent" | "second" | "strong-line";
  look: "line" | "faint" | "points";
}

const HEIGHT = 280;

function colourOf(role: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${role}`).trim();
}

/** Curves over the steps of a training. Draws ten thousands of points; its text for screen readers stands beside it. */
export default function Chart(props: { label: string; steps: readonly number[]; series: readonly Series[]; format: (value: number) => string; stepLabel: string }) {
  const { theme } = useTheme();
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | null>(null);
  const data = useMemo(
    () => [[...props.steps], ...props.series.map((series) => [...series.values])] as UPlot.AlignedData,
    [props.steps, props.series],
  );
  const latest = useRef(data);
  latest.current = data;
  const format = useRef(props.format);
  format.current = props.format;
  // What the drawing is made of: it is made anew when that changes, not when points come in.
  const shape = JSON.stringify([theme, props.stepLabel, props.series.map(({ label, colour, look }) => [label, colour, look])]);

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const [, stepLabel, series] = JSON.parse(shape) as [string, string, [string, Series["colour"], Series["look"]][]];
    const axis = {
      stroke: colourOf("soft"),
      grid: { stroke: colourOf("line"), width: 1 },
      ticks: { stroke: colourOf("line"), width: 1 },
      font: "12px system-ui, sans-serif",
    };
    const made = new UPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        cursor: { drag: { x: true, y: false } },
        scales: { x: { time: false } },
        axes: [
          { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000] },
          { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => format.current(tick)) },
        ],
        series: [
          { label: stepLabel },
          ...series.map(([label, colour, look]) => ({
            label,
            stroke: colourOf(colour),
            width: look === "line" ? 2.25 : 1,
            alpha: look === "faint" ? 0.45 : 1,
            spanGaps: true,
            ...(look === "points" ? { paths: () => null } : {}),
            points: { show: look === "points", size: 8, fill: colourOf(colour) },
            value: (_: UPlot, value: number | null) => (value == null ? "–" : format.current(value)),
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
    chart.current?.setData(data);
  }, [data]);

  return <div ref={host} role="img" aria-label={props.label} data-points={props.steps.length} className="min-w-0" />;
}
