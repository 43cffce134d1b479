import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { refreshProject } from "../../shared/api/queries";
import type { ExampleStatus } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { ConfirmDialog } from "../../shared/ui/Dialog";
import type { Filter } from "./filter";

/** What shall become of which examples: those named, or all that fit the filter. */
export interface BulkTarget {
  action: ExampleStatus | "delete";
  ids: string[] | null;
  count: number;
  filter: Filter;
}

const ACTIONS = { approved: "approve", rejected: "reject", pending: "reset", delete: "delete" } as const;

/** Asks before many examples are decided about at once, and does it. */
export function BulkDialog(props: {
  projectId: string;
  target: BulkTarget;
  settled: () => Promise<unknown>;
  onClose: () => void;
  onDone: (changed: number, batches: string[]) => void;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const { target } = props;
  const run = useMutation({
    mutationFn: async () => {
      await props.settled();
      const params = { path: { project_id: props.projectId } };
      const action = ACTIONS[target.action];
      const bodies = target.ids === null ? [{ action, filter: target.filter }] : parts(target.ids).map((ids) => ({ action, ids }));
      let changed = 0;
      const batches: string[] = [];
      for (const body of bodies) {
        const answer = await take(api.POST("/api/projects/{project_id}/dataset/examples/bulk", { params, body }));
        changed += answer.changed;
        if (answer.batch_id) batches.push(answer.batch_id);
      }
      return { changed, batches };
    },
    onSuccess: ({ changed, batches }) => {
      props.onDone(changed, batches);
      void refreshProject(client, props.projectId);
    },
  });
  const counted = { count: target.count, shown: format.number(target.count) };
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && !run.isPending && props.onClose()}
      title={t(`triage.confirm.${target.action}`, counted)}
      text={target.action === "delete" ? t("examples.deleteText") : t("triage.confirmText")}
      action={run.isPending ? t("triage.working") : t(`triage.confirmAction.${target.action}`)}
      look={target.action === "delete" ? "danger" : "primary"}
      busy={run.isPending}
      problem={run.error}
      onConfirm={() => run.mutate()}
    />
  );
}

/** The server takes a thousand at a time. */
function parts(ids: string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / 1000) }, (_, part) => ids.slice(part * 1000, (part + 1) * 1000));
}
