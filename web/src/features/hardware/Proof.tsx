import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleCheck, CircleX } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { HardwareProof } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton } from "../../shared/ui/States";

/** A tiny training on this machine, and what the last one showed. */
export function Proof({ projectId }: { projectId: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const last = useQuery({
    queryKey: ["hardware-proof"],
    queryFn: ({ signal }) => take(api.GET("/api/hardware/proof", { signal })),
  });
  const run = useMutation({
    mutationFn: () => take(api.POST("/api/hardware/proof")),
    onSuccess: async (proof) => {
      client.setQueryData(["hardware-proof"], { proof });
      await client.invalidateQueries({ queryKey: keys.project(projectId) });
    },
  });
  const proof = last.data?.proof ?? null;
  return (
    <Section
      title={t("hardware.proof")}
      text={t("hardware.proofText")}
      actions={
        <Button look={proof ? "plain" : "primary"} busy={run.isPending} onClick={() => run.mutate()}>
          {run.isPending ? t("hardware.proving") : proof ? t("hardware.proveAgain") : t("hardware.prove")}
        </Button>
      }
    >
      {last.isPending && <Skeleton rows={1} />}
      {(run.error ?? last.error) != null && <ProblemNote problem={run.error ?? last.error} />}
      <div role="status">
        {last.data && !proof && !run.isPending && <p className="text-sm text-soft">{t("hardware.notProven")}</p>}
        {proof && <Verdict proof={proof} />}
      </div>
    </Section>
  );
}

function Verdict({ proof }: { proof: HardwareProof }) {
  const { t } = useTranslation();
  const format = useFormat();
  const Icon = proof.ok ? CircleCheck : CircleX;
  const values = {
    operations: proof.operations,
    first: format.fixed(proof.first_loss, 2),
    last: format.fixed(proof.last_loss, 2),
    steps: proof.steps,
    seconds: format.milliseconds(proof.seconds * 1000),
  };
  return (
    <div data-proof={proof.ok ? "ok" : "wrong"} className="text-sm">
      <p className={`flex items-center gap-2 font-semibold ${proof.ok ? "text-good" : "text-bad"}`}>
        <Icon className="size-5 shrink-0" aria-hidden />
        {proof.ok ? t("hardware.proven") : t("hardware.disproven")}
      </p>
      <p className="mt-1">{proof.ok ? t("hardware.provenText", values) : t("hardware.disprovenText")}</p>
      {proof.problem && (
        <p lang="en" className="mt-1 wrap-anywhere text-bad">
          {proof.problem}
        </p>
      )}
      <p className="mt-1 text-xs text-soft">
        {t("hardware.provenAt", { date: format.dateTime(proof.checked_at), device: proof.device, speed: format.number(proof.tokens_per_second) })}
      </p>
    </div>
  );
}
