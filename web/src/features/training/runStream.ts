import type { Metrics, Run, RunStatus } from "../../shared/api/types";
import type { StreamEvent } from "../../shared/lib/events";

type Fields = Record<string, unknown>;

export interface StepPoint {
  step: number;
  loss: number | null;
  learningRate: number | null;
  tokensPerSecond: number | null;
  secondsLeft: number | null;
  epoch: number | null;
  /** Since the first step, over resumptions. */
  seconds: number | null;
  gradNorm: number | null;
  memoryBytes: number | null;
}

export interface EvaluationPoint {
  step: number;
  loss: number;
}

export interface PlanFacts {
  totalSteps: number | null;
  resumedSteps: number;
  rows: number | null;
  rowTokens: number | null;
  trainable: number | null;
  all: number | null;
  memoryBytes: number | null;
}

export type LogEntry = { key: number; time: string } & (
  | { kind: "log"; level: string; message: string; code: string | null; params: Fields }
  | { kind: "status"; status: RunStatus }
  | { kind: "plan"; plan: PlanFacts }
  | { kind: "checkpoint"; step: number }
  | { kind: "evaluation"; step: number; loss: number }
  | { kind: "stopped_early"; step: number; bestStep: number | null }
);

/** What the events of a run say so far. */
export interface RunState {
  status: RunStatus | null;
  totalSteps: number | null;
  steps: readonly StepPoint[];
  evaluations: readonly EvaluationPoint[];
  /** The most memory that the training took, and what it said that it would take. */
  peakBytes: number | null;
  plannedBytes: number | null;
  log: readonly LogEntry[];
}

export const NOTHING_YET: RunState = {
  status: null,
  totalSteps: null,
  steps: [],
  evaluations: [],
  peakBytes: null,
  plannedBytes: null,
  log: [],
};

/** Older messages are dropped from the page; the server keeps them. */
const LOG_LINES = 500;

const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** The figures of a step, as events and as the list of a run's figures tell them. */
export function pointOf(step: number, data: Fields): StepPoint {
  return {
    step,
    loss: number(data.loss),
    learningRate: number(data.learning_rate),
    tokensPerSecond: number(data.tokens_per_second),
    secondsLeft: null,
    epoch: number(data.epoch),
    seconds: number(data.seconds),
    gradNorm: number(data.grad_norm),
    memoryBytes: number(data.memory_bytes),
  };
}

/** What is behind a step that was done again after a checkpoint does not count any more. */
function upTo<Point extends { step: number }>(points: readonly Point[], step: number): Point[] {
  let end = points.length;
  while (end > 0 && (points[end - 1]?.step ?? 0) >= step) end -= 1;
  return points.slice(0, end);
}

/** The figures of a run that were asked for. */
export function figuresOf(metrics: Metrics): Pick<RunState, "steps" | "evaluations"> {
  return {
    steps: metrics.steps.map((step) => pointOf(step.step, step as unknown as Fields)),
    evaluations: metrics.evaluations.flatMap(({ step, eval_loss }) => (eval_loss == null ? [] : [{ step, loss: eval_loss }])),
  };
}

/** The state after the run was asked for: all but the messages, which the stream brings later. */
export function afterPoll(state: RunState, run: Run, metrics: Metrics): RunState {
  return {
    ...state,
    ...figuresOf(metrics),
    status: run.status,
    totalSteps: run.total_steps ?? state.totalSteps,
    peakBytes: run.peak_memory_bytes ?? state.peakBytes,
    plannedBytes: run.planned_memory_bytes ?? state.plannedBytes,
  };
}

/** The state after some more events. Many at once, because a replay begins with thousands. */
export function afterEvents(state: RunState, events: readonly StreamEvent[]): RunState {
  let { status, totalSteps, peakBytes, plannedBytes } = state;
  let steps = [...state.steps];
  let evaluations = [...state.evaluations];
  const log = [...state.log];
  let key = (log.at(-1)?.key ?? 0) + 1;

  for (const event of events) {
    const data = event.data as Fields;
    const base = { key: key++, time: text(data.time) };
    const step = number(data.step);
    switch (event.type) {
      case "status":
        status = data.status as RunStatus;
        log.push({ ...base, kind: "status", status });
        break;
      case "plan": {
        const plan: PlanFacts = {
          totalSteps: number(data.total_steps),
          resumedSteps: number(data.resumed_steps) ?? 0,
          rows: number(data.rows),
          rowTokens: number(data.row_tokens),
          trainable: number(data.trainable_parameters),
          all: number(data.total_parameters),
          memoryBytes: number((data.plan as Fields | undefined)?.total_bytes),
        };
        plannedBytes = plan.memoryBytes ?? plannedBytes;
        totalSteps = plan.totalSteps ?? totalSteps;
        // The attempt begins behind its checkpoint: what came after it is done again.
        steps = upTo(steps, plan.resumedSteps + 1);
        evaluations = upTo(evaluations, plan.resumedSteps + 1);
        log.push({ ...base, kind: "plan", plan });
        break;
      }
      case "step": {
        if (step === null) break;
        totalSteps = number(data.total_steps) ?? totalSteps;
        if ((steps.at(-1)?.step ?? 0) >= step) steps = upTo(steps, step);
        peakBytes = Math.max(peakBytes ?? 0, number(data.peak_memory_bytes) ?? 0) || null;
        steps.push({ ...pointOf(step, data), secondsLeft: number(data.seconds_left) });
        break;
      }
      case "evaluation": {
        const loss = number(data.eval_loss);
        if (step === null || loss === null) break;
        evaluations = upTo(evaluations, step);
        evaluations.push({ step, loss });
        log.push({ ...base, kind: "evaluation", step, loss });
        break;
      }
      case "checkpoint":
        if (step !== null) log.push({ ...base, kind: "checkpoint", step });
        break;
      case "log":
        log.push({ ...base, kind: "log", level: text(data.level) || "info", message: text(data.message), code: text(data.code) || null, params: (data.params as Fields | null | undefined) ?? {} });
        break;
      case "stopped_early":
        if (step !== null) log.push({ ...base, kind: "stopped_early", step, bestStep: number(data.best_step) });
        break;
      case "end":
        status = (data.status as RunStatus | undefined) ?? status;
        break;
      default:
    }
  }
  return { status, totalSteps, steps, evaluations, peakBytes, plannedBytes, log: log.slice(-LOG_LINES) };
}
