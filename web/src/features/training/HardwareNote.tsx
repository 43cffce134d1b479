import { Cpu } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Problem } from "../../shared/api/problem";
import type { Hardware } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import { WarnNote } from "../../shared/ui/States";
import type { TrainChoices } from "./trainForm";

/** What computes, how much memory the usual training takes, and how fast the last one was. */
export function HardwareNote(props: { projectId: string; hardware: Hardware; usualBatch: number; usualLength: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { device, plan } = props.hardware;
  const memory = () => {
    if (!plan) return null;
    const required = format.bytes(plan.required_bytes);
    if (plan.available_bytes == null) return t("train.memoryNeeds", { required });
    const available = format.bytes(plan.available_bytes);
    return plan.fits ? t("train.memoryFits", { required, available }) : t("train.memoryShort", { required, available });
  };
  const isSmaller = plan?.fits && (plan.micro_batch_size < props.usualBatch || plan.max_seq_len < props.usualLength);
  return (
    <section aria-label={t("train.hardware")} className="flex gap-3 rounded-xl border border-line bg-surface p-4 text-sm">
      <Cpu className="mt-0.5 size-5 shrink-0 text-accent" aria-hidden />
      <div className="min-w-0 space-y-1">
        <p>
          <span className="font-medium">{t("train.hardware")}:</span>{" "}
          {t("train.hardwareLine", { device: device.name ?? device.kind, threads: device.threads, isa: device.isa })}
        </p>
        {plan && <p className={plan.fits ? "text-soft" : "font-medium text-bad"}>{memory()}</p>}
        {plan?.tokens_per_second != null && <p className="text-soft">{t("train.speed", { speed: format.number(plan.tokens_per_second) })}</p>}
        {plan && isSmaller && <WarnNote>{t("train.smaller", { batch: plan.micro_batch_size, length: plan.max_seq_len })}</WarnNote>}
        {plan && !plan.fits && <p>{t("train.shortHint")}</p>}
        <Link className="inline-block text-accent-strong underline underline-offset-2" to={`/projects/${props.projectId}/hardware`}>
          {t("train.toHardware")}
        </Link>
      </div>
    </section>
  );
}

const size = (value: unknown): number | null => (typeof value === "number" ? value : null);

/** A training that was refused because it does not fit: what it needs, and the settings that fit, one click away. */
export function DoesNotFit(props: { problem: Problem; projectId: string; onApply: (change: TrainChoices) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { params } = props.problem;
  const [required, available] = [size(params.required_bytes), size(params.available_bytes)];
  const [batch, length] = [size(params.micro_batch_size), size(params.max_seq_len)];
  return (
    <div role="alert">
      <WarnNote title={t("errors.does_not_fit.title")}>
        {required !== null && available !== null && (
          <p>{t("train.memoryShort", { required: format.bytes(required), available: format.bytes(available) })}</p>
        )}
        <p>{batch !== null && length !== null ? t("train.fitsWith", { batch, length: format.number(length) }) : t("train.shortHint")}</p>
        <div className="mt-2 flex flex-wrap items-center gap-3">
          {batch !== null && length !== null && (
            <Button size="small" onClick={() => props.onApply({ micro_batch_size: batch, max_seq_len: length })}>
              {t("train.takeSmaller")}
            </Button>
          )}
          <Link className="text-accent-strong underline underline-offset-2" to={`/projects/${props.projectId}/hardware`}>
            {t("train.toHardware")}
          </Link>
        </div>
      </WarnNote>
    </div>
  );
}
