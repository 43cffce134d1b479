import { Cpu } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Problem } from "../../shared/api/problem";
import { useHardware } from "../../shared/api/queries";
import type { TrainDefaults } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import { WarnNote } from "../../shared/ui/States";
import type { TrainChoices } from "./trainForm";

/** What computes, how much memory the training takes where nothing else was chosen, and how fast the last one was. */
export function HardwareNote({ projectId, defaults, isUsual }: { projectId: string; defaults: TrainDefaults; isUsual: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const hardware = useHardware();
  const device = hardware.data?.device;
  const { config, fits } = defaults;
  const memory = () => {
    const required = format.bytes(defaults.required_bytes);
    if (defaults.available_bytes == null) return t("train.memoryNeeds", { required });
    const available = format.bytes(defaults.available_bytes);
    return fits ? t("train.memoryFits", { required, available }) : t("train.memoryShort", { required, available });
  };
  return (
    <section aria-label={t("train.hardware")} className="flex gap-3 rounded-xl border border-line bg-surface p-4 text-sm">
      <Cpu className="mt-0.5 size-5 shrink-0 text-accent" aria-hidden />
      <div className="min-w-0 space-y-1">
        {device && (
          <p>
            <span className="font-medium">{t("common.labelled", { label: t("train.hardware") })}</span>{" "}
            {t("train.hardwareLine", { device: device.name ?? device.kind, threads: device.threads, isa: device.isa })}
          </p>
        )}
        {isUsual && <p className={fits ? "text-soft" : "font-medium text-bad"}>{memory()}</p>}
        {defaults.tokens_per_second != null && (
          <p className="text-soft">{t("train.speed", { speed: format.number(defaults.tokens_per_second) })}</p>
        )}
        {defaults.made_smaller && <WarnNote>{t("train.smaller", { batch: config.micro_batch_size, length: config.max_seq_len })}</WarnNote>}
        {!fits && <p>{t("train.shortHint")}</p>}
        <Link className="inline-block text-accent-strong underline underline-offset-2" to={`/projects/${projectId}/hardware`}>
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
  const passes = size(params.gradient_accumulation_steps) ?? undefined;
  return (
    <div role="alert">
      <WarnNote title={t("errors.does_not_fit.title")}>
        {required !== null && available !== null && (
          <p>{t("train.memoryShort", { required: format.bytes(required), available: format.bytes(available) })}</p>
        )}
        <p>{batch !== null && length !== null ? t("train.fitsWith", { batch, length: format.number(length) }) : t("train.shortHint")}</p>
        <div className="mt-2 flex flex-wrap items-center gap-3">
          {batch !== null && length !== null && (
            <Button size="small" onClick={() => props.onApply({ micro_batch_size: batch, gradient_accumulation_steps: passes, max_seq_len: length })}>
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
