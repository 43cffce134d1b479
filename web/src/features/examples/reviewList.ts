import type { Example, ExampleStatus, Outline } from "../../shared/api/types";

/** Loaded windows that are kept; the farthest from what is shown go first. */
const KEPT_WINDOWS = 60;

/** What the list asks of the server. */
export interface ReviewSource {
  /** The examples that fit from `from` (included) to `to` (excluded), in their order. */
  window: (from: string, to: string | null, size: number, signal: AbortSignal) => Promise<Example[]>;
  decide: (id: string, status: ExampleStatus) => Promise<Example>;
  decideMany: (ids: string[], status: ExampleStatus) => Promise<unknown>;
}

/** A place of the list: an example, one that is being read, or one that is gone or fits the filter no longer. */
export type Slot = Example | "loading" | "gone";

export type Counts = Record<ExampleStatus, number>;

/** A decision that the server refused and that was taken back here. */
export interface Refused {
  problem: unknown;
  status: ExampleStatus;
  count: number;
}

interface Window {
  slots: (Example | null)[];
  isStale: boolean;
}

interface Step {
  before: Map<string, ExampleStatus>;
  after: ExampleStatus;
}

/**
 * A filtered list of any length, read in windows, with the decisions about it.
 *
 * The windows are set by the server's outline: the ids at which they begin. What is decided about stays in its place until
 * the list is read anew, though it may fit the filter no longer, so nothing moves under the reader's hand. A decision is
 * shown at once and sent behind the ones before it; one that is refused is taken back.
 */
export class ReviewList {
  private outline: Outline | null = null;
  private windows = new Map<number, Window>();
  private readonly reading = new Map<number, AbortController>();
  private readonly failed = new Map<number, unknown>();
  /** Decided about since the list was read. */
  private readonly kept = new Map<string, Example>();
  /** The latest decision about each example: only it may take itself back. */
  private readonly latest = new Map<string, number>();
  private readonly steps: Step[] = [];
  private counted: Counts = { pending: 0, approved: 0, rejected: 0 };
  private queue: Promise<unknown> = Promise.resolve();
  private decisions = 0;
  private readonly listeners = new Set<() => void>();
  private version = 0;
  /** Counts up when the list is another one than before. */
  generation = 0;
  /** Of the newest decision that failed. */
  refused: Refused | null = null;

  constructor(
    private readonly source: ReviewSource,
    private readonly onSettled: () => void = () => {},
  ) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** A number that is another one after each change. */
  snapshot = (): number => this.version;

  /** The server has said what is in it. */
  get isThere(): boolean {
    return this.outline !== null;
  }

  get total(): number {
    return this.outline?.total ?? 0;
  }

  get counts(): Counts {
    return this.counted;
  }

  /** Decisions that can be taken back, one after the other. */
  get undoable(): number {
    return this.steps.length;
  }

  /** Why what stands here could not be read, if that is so. */
  get problem(): unknown {
    return this.failed.values().next().value ?? null;
  }

  /**
   * Takes the list as the server has it now. Windows that are the same keep what is shown while they are read again; other
   * ones begin anew.
   */
  take(outline: Outline): void {
    const before = this.outline;
    const isSame = before !== null && before.total === outline.total && before.starts.join() === outline.starts.join();
    for (const controller of this.reading.values()) controller.abort();
    this.reading.clear();
    this.failed.clear();
    this.outline = outline;
    this.counted = { ...outline.counts };
    const isKept = (number: number) => [number, number + 1].every((edge) => before?.starts[edge] === outline.starts[edge]);
    this.windows = new Map(
      [...this.windows].filter(([number]) => isKept(number)).map(([number, { slots }]) => [number, { slots, isStale: true }]),
    );
    if (!isSame) {
      this.kept.clear();
      this.generation += 1;
    }
    if (outline.items.length > 0) this.windows.set(0, { slots: this.placed(0, outline.items), isStale: false });
    this.changed();
  }

  at(index: number): Slot {
    if (!this.outline || index < 0 || index >= this.outline.total) return "gone";
    const window = this.windows.get(Math.floor(index / this.outline.window));
    if (!window) return "loading";
    return window.slots[index % this.outline.window] ?? "gone";
  }

  /** Reads what is not there between two places, and stops reading what is far from them. */
  ensure(first: number, last: number): void {
    if (!this.outline || this.outline.total === 0) return;
    const { window, starts } = this.outline;
    const from = Math.max(0, Math.floor(first / window));
    const to = Math.min(starts.length - 1, Math.floor(last / window));
    for (const [number, controller] of this.reading) {
      if (number >= from - 1 && number <= to + 1) continue;
      controller.abort();
      this.reading.delete(number);
    }
    for (let number = from; number <= to; number++) void this.read(number);
    this.evict((from + to) / 2);
  }

  /** Reads again what failed. */
  retry(): void {
    const numbers = [...this.failed.keys()];
    this.failed.clear();
    for (const number of numbers) void this.read(number);
    this.changed();
  }

  /** Where an example stands, or would stand. */
  async place(id: string): Promise<number> {
    if (!this.outline || this.outline.starts.length === 0) return 0;
    const { starts, window, total } = this.outline;
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? "") <= id) low = middle;
      else high = middle - 1;
    }
    await this.read(low);
    const slots = this.windows.get(low)?.slots ?? [];
    const found = slots.findIndex((slot) => slot !== null && slot.id >= id);
    const within = found < 0 ? Math.max(0, slots.length - 1) : found;
    return Math.min(low * window + within, total - 1);
  }

  /** Decides about examples that are loaded. */
  decide(ids: readonly string[], status: ExampleStatus): void {
    const before = new Map<string, ExampleStatus>();
    for (const id of ids) {
      const example = this.find(id);
      if (example && example.status !== status) before.set(id, example.status);
    }
    if (before.size === 0) return;
    const step: Step = { before, after: status };
    this.steps.push(step);
    this.apply([...before.keys()], status, () => {
      const place = this.steps.indexOf(step);
      if (place >= 0) this.steps.splice(place, 1);
    });
  }

  /** Takes the newest decision back; answers whose it was. */
  undo(): string[] {
    const step = this.steps.pop();
    if (!step) return [];
    const byStatus = new Map<ExampleStatus, string[]>();
    for (const [id, status] of step.before) byStatus.set(status, [...(byStatus.get(status) ?? []), id]);
    for (const [status, ids] of byStatus) this.apply(ids, status, () => {});
    return [...step.before.keys()];
  }

  /** An example as it is after it was edited. */
  replace(example: Example): void {
    this.kept.set(example.id, example);
    this.change(example.id, () => example);
    this.changed();
  }

  /** Resolves once every decision so far was sent. */
  settled(): Promise<unknown> {
    return this.queue;
  }

  find(id: string): Example | null {
    for (const { slots } of this.windows.values()) {
      const found = slots.find((slot) => slot?.id === id);
      if (found) return found;
    }
    return this.kept.get(id) ?? null;
  }

  private apply(ids: string[], status: ExampleStatus, onRefused: () => void): void {
    const decision = ++this.decisions;
    const before = new Map<string, ExampleStatus>();
    for (const id of ids) {
      const example = this.find(id);
      if (!example) continue;
      before.set(id, example.status);
      this.latest.set(id, decision);
      this.mark(id, status);
    }
    this.refused = null;
    this.changed();
    this.queue = this.queue.then(async () => {
      try {
        const [only] = ids;
        if (ids.length === 1 && only !== undefined) await this.source.decide(only, status);
        else await this.source.decideMany(ids, status);
      } catch (problem) {
        for (const [id, earlier] of before) if (this.latest.get(id) === decision) this.mark(id, earlier);
        onRefused();
        this.refused = { problem, status, count: before.size };
        this.changed();
      }
      this.onSettled();
    });
  }

  private mark(id: string, status: ExampleStatus): void {
    const example = this.find(id);
    if (!example || example.status === status) return;
    this.counted = { ...this.counted, [example.status]: this.counted[example.status] - 1, [status]: this.counted[status] + 1 };
    const decided = { ...example, status };
    this.kept.set(id, decided);
    this.change(id, () => decided);
  }

  private change(id: string, change: () => Example): void {
    for (const [number, window] of this.windows) {
      const place = window.slots.findIndex((slot) => slot?.id === id);
      if (place < 0) continue;
      const slots = [...window.slots];
      slots[place] = change();
      this.windows.set(number, { ...window, slots });
      return;
    }
  }

  private async read(number: number): Promise<void> {
    const outline = this.outline;
    const start = outline?.starts[number];
    const held = this.windows.get(number);
    if (!outline || start === undefined || (held && !held.isStale) || this.reading.has(number) || this.failed.has(number)) return;
    const controller = new AbortController();
    this.reading.set(number, controller);
    try {
      const items = await this.source.window(start, outline.starts[number + 1] ?? null, outline.window, controller.signal);
      if (controller.signal.aborted) return;
      this.windows.set(number, { slots: this.placed(number, items), isStale: false });
    } catch (problem) {
      if (controller.signal.aborted) return;
      this.failed.set(number, problem);
    }
    this.reading.delete(number);
    this.changed();
  }

  /** The window's examples with those that were decided about here since, each in its place; what is missing is empty. */
  private placed(number: number, items: Example[]): (Example | null)[] {
    const { starts = [], window = 1, total = 0 } = this.outline ?? {};
    const [start = "", next] = [starts[number], starts[number + 1]];
    const there = new Map(items.map((item) => [item.id, item]));
    for (const [id, example] of this.kept) {
      if (id < start || (next !== undefined && id >= next)) continue;
      there.set(id, example);
    }
    const slots: (Example | null)[] = [...there.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
    const size = Math.min(window, total - number * window);
    while (slots.length < size) slots.push(null);
    return slots.slice(0, size);
  }

  private evict(middle: number): void {
    if (this.windows.size <= KEPT_WINDOWS) return;
    const farthest = [...this.windows.keys()].sort((one, other) => Math.abs(other - middle) - Math.abs(one - middle));
    for (const number of farthest.slice(0, this.windows.size - KEPT_WINDOWS)) this.windows.delete(number);
  }

  private changed(): void {
    this.version += 1;
    for (const listener of this.listeners) listener();
  }
}
