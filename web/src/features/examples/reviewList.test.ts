import { describe, expect, it, vi } from "vitest";
import { Problem } from "../../shared/api/problem";
import type { Example, ExampleStatus, Outline } from "../../shared/api/types";
import { ReviewList, type ReviewSource } from "./reviewList";

const WINDOW = 10;
const idOf = (number: number) => String(number).padStart(6, "0");
const example = (number: number, status: ExampleStatus = "pending") => ({ id: idOf(number), status, messages: [], issues: [] }) as unknown as Example;

/** A server with as many examples as one likes, of which those that are not pending may be filtered out. */
function server(total: number, { pendingOnly = false } = {}) {
  const rows = new Map(Array.from({ length: total }, (_, number) => [idOf(number), example(number)]));
  const fitting = () => [...rows.values()].filter((row) => !pendingOnly || row.status === "pending");
  const outline = (): Outline => {
    const fit = fitting();
    const counts = { pending: 0, approved: 0, rejected: 0 };
    for (const row of rows.values()) counts[row.status] += 1;
    return { total: fit.length, window: WINDOW, starts: fit.filter((_, place) => place % WINDOW === 0).map((row) => row.id), items: fit.slice(0, WINDOW), counts };
  };
  const source = {
    window: vi.fn<ReviewSource["window"]>(async (from, to) => fitting().filter((row) => row.id >= from && (to === null || row.id < to))),
    decide: vi.fn<ReviewSource["decide"]>(async (id, status) => {
      const row = { ...example(Number(id)), status };
      rows.set(id, row);
      return row;
    }),
    decideMany: vi.fn<ReviewSource["decideMany"]>(async (ids, status) => {
      for (const id of ids) rows.set(id, example(Number(id), status));
    }),
  };
  return { rows, source, outline };
}

async function opened(total: number, options = {}) {
  const back = server(total, options);
  const list = new ReviewList(back.source);
  list.take(back.outline());
  return { ...back, list };
}

const statusAt = (list: ReviewList, index: number) => {
  const slot = list.at(index);
  return typeof slot === "object" ? slot.status : slot;
};
const rest = () => new Promise((over) => setTimeout(over));

describe("windows", () => {
  it("shows the first at once, reads the others when they come into sight, each once", async () => {
    const { list, source } = await opened(95);
    expect([list.total, statusAt(list, 0), statusAt(list, 40), list.at(95)]).toEqual([95, "pending", "loading", "gone"]);
    list.ensure(38, 52);
    list.ensure(39, 53);
    await rest();
    expect(source.window.mock.calls.map(([from, to]) => [from, to])).toEqual([
      [idOf(30), idOf(40)],
      [idOf(40), idOf(50)],
      [idOf(50), idOf(60)],
    ]);
    expect(list.at(45)).toMatchObject({ id: idOf(45) });
    list.ensure(90, 94);
    await rest();
    expect(source.window.mock.lastCall?.slice(0, 2)).toEqual([idOf(90), null]);
    expect(list.at(94)).toMatchObject({ id: idOf(94) });
  });

  it("stops reading what was scrolled past", async () => {
    const { list, source } = await opened(1000);
    let aborted = 0;
    source.window.mockImplementation(
      (_from, _to, _size, signal) =>
        new Promise((_, failed) =>
          signal.addEventListener("abort", () => {
            aborted += 1;
            failed(signal.reason);
          }),
        ),
    );
    list.ensure(100, 109);
    list.ensure(500, 509);
    await rest();
    expect(aborted).toBe(1);
    expect(list.problem, "an abort is no fault").toBeNull();
  });

  it("keeps every place while examples leave the filter", async () => {
    const { list, source, rows } = await opened(40, { pendingOnly: true });
    list.decide([idOf(3)], "approved");
    rows.set(idOf(14), example(14, "rejected"));
    await list.settled();
    list.ensure(0, 39);
    await rest();
    expect(statusAt(list, 3)).toBe("approved");
    expect(list.at(20)).toMatchObject({ id: idOf(20) });
    expect(list.at(14)).toMatchObject({ id: idOf(15) });
    expect(list.at(19), "decided elsewhere: its place is left").toBe("gone");
    expect(source.window.mock.calls.length).toBe(3);
  });

  it("finds a place by its example, also one that is gone", async () => {
    const { list } = await opened(95);
    expect(await list.place(idOf(57))).toBe(57);
    expect(await list.place(`${idOf(57)}x`)).toBe(58);
    expect(await list.place("zzz")).toBe(94);
  });

  it("says what could not be read, and reads it again", async () => {
    const { list, source } = await opened(30);
    source.window.mockRejectedValueOnce(new Problem({ code: "network" }));
    list.ensure(10, 12);
    await rest();
    expect(list.problem).toMatchObject({ code: "network" });
    list.retry();
    await rest();
    expect(list.problem).toBeNull();
    expect(statusAt(list, 11)).toBe("pending");
  });

  it("keeps what is shown when more was added behind it, and begins anew when the list is another", async () => {
    const { list, rows, outline } = await opened(40);
    list.ensure(10, 19);
    await rest();
    const { generation } = list;
    for (let number = 40; number < 45; number++) rows.set(idOf(number), example(number));
    list.take(outline());
    expect([list.total, statusAt(list, 11), list.generation]).toEqual([45, "pending", generation + 1]);
    rows.delete(idOf(0));
    list.take(outline());
    expect(statusAt(list, 11)).toBe("loading");
  });
});

describe("decisions", () => {
  it("are shown at once, counted, and sent in their order", async () => {
    const { list, source, rows } = await opened(20);
    list.decide([idOf(2)], "approved");
    list.decide([idOf(3)], "rejected");
    expect([statusAt(list, 2), statusAt(list, 3)]).toEqual(["approved", "rejected"]);
    expect(list.counts).toEqual({ pending: 18, approved: 1, rejected: 1 });
    expect(rows.get(idOf(3))?.status, "not sent yet").toBe("pending");
    await list.settled();
    expect(source.decide.mock.calls).toEqual([
      [idOf(2), "approved"],
      [idOf(3), "rejected"],
    ]);
  });

  it("that change nothing are not sent", async () => {
    const { list, source } = await opened(20);
    list.decide([idOf(2)], "pending");
    await list.settled();
    expect(source.decide).not.toHaveBeenCalled();
    expect(list.undoable).toBe(0);
  });

  it("are taken back when the server refuses them", async () => {
    const { list, source } = await opened(20);
    source.decide.mockRejectedValueOnce(new Problem({ code: "storage_full" }));
    list.decide([idOf(2)], "approved");
    list.decide([idOf(3)], "approved");
    await list.settled();
    expect([statusAt(list, 2), statusAt(list, 3)]).toEqual(["pending", "approved"]);
    expect(list.counts).toEqual({ pending: 19, approved: 1, rejected: 0 });
    expect(list.refused).toMatchObject({ problem: { code: "storage_full" }, status: "approved", count: 1 });
    list.undo();
    await list.settled();
    expect(statusAt(list, 3), "what was refused is not undone once more").toBe("pending");
    expect(list.undoable).toBe(0);
  });

  it("that came later are not taken back with an earlier one", async () => {
    const { list, source } = await opened(20);
    source.decide.mockRejectedValueOnce(new Problem({ code: "network" }));
    list.decide([idOf(2)], "approved");
    list.decide([idOf(2)], "rejected");
    await list.settled();
    expect(statusAt(list, 2)).toBe("rejected");
  });

  it("are undone one by one, each example to what it was", async () => {
    const { list, source, rows } = await opened(20);
    list.decide([idOf(1)], "rejected");
    list.decide([idOf(0), idOf(1), idOf(2)], "approved");
    expect(list.undo()).toEqual([idOf(0), idOf(1), idOf(2)]);
    expect([0, 1, 2].map((index) => statusAt(list, index))).toEqual(["pending", "rejected", "pending"]);
    expect(list.undo()).toEqual([idOf(1)]);
    expect(list.undo()).toEqual([]);
    await list.settled();
    expect([...rows.values()].every((row) => row.status === "pending")).toBe(true);
    expect(source.decideMany.mock.calls.map(([ids, status]) => [ids.length, status])).toEqual([
      [3, "approved"],
      [2, "pending"],
    ]);
  });

  it("stay where they are when the same list is read again, and an edited example too", async () => {
    const { list, source, outline } = await opened(20);
    list.decide([idOf(12)], "approved");
    list.ensure(10, 19);
    await rest();
    list.decide([idOf(12)], "approved");
    list.replace({ ...example(13), edited: true });
    expect(list.at(13)).toMatchObject({ edited: true });
    await list.settled();
    list.take(outline());
    list.ensure(10, 19);
    await rest();
    expect(statusAt(list, 12)).toBe("approved");
    expect(source.window).toHaveBeenCalledTimes(2);
  });
});
