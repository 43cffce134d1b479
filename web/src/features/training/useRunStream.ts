import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { refreshProject } from "../../shared/api/queries";
import { type ConnectionState, type StreamEvent, useEvents } from "../../shared/lib/events";
import { afterEvents, afterPoll, NOTHING_YET, type RunState } from "./runStream";
import { useRunPoll } from "./useRunPoll";

const TYPES = ["status", "plan", "log", "step", "evaluation", "checkpoint", "stopped_early"];
/** Events are shown together in this distance: a replay brings thousands at once. */
const BATCH_MS = 100;

/**
 * A run's events from its first one, then live; while they do not come, its state and figures are asked for. `attempt` begins anew: after a resume the ended stream is opened again,
 * and the replay tells everything in order.
 */
export function useRunStream(projectId: string, runId: string, attempt: string): { state: RunState; connection: ConnectionState } {
  const client = useQueryClient();
  const [state, setState] = useState(NOTHING_YET);
  const waiting = useRef<StreamEvent[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const flush = () => {
    timer.current = undefined;
    const events = waiting.current;
    waiting.current = [];
    setState((before) => afterEvents(before, events));
    if (events.some((event) => event.type === "status" || event.type === "end")) void refreshProject(client, projectId);
  };

  useEffect(() => {
    setState(NOTHING_YET);
    waiting.current = [];
    return () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, [runId, attempt]);

  const url = `/api/projects/${projectId}/train/logs/stream?run_id=${runId}#${attempt}`;
  const connection = useEvents(url, TYPES, (event) => {
    waiting.current.push(event);
    if (event.type === "end") {
      clearTimeout(timer.current);
      flush();
    } else {
      timer.current ??= setTimeout(flush, BATCH_MS);
    }
  });
  useRunPoll(projectId, runId, connection, (run, metrics) => setState((before) => afterPoll(before, run, metrics)));
  return { state, connection };
}
