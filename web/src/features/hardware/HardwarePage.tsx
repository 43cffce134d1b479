import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useHardware } from "../../shared/api/queries";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { useFormat } from "../../shared/lib/format";
import { Section } from "../../shared/ui/Card";
import { PageHeader } from "../../shared/ui/Page";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton } from "../../shared/ui/States";
import { StepFooter } from "../../shared/ui/StepFooter";
import { Plan } from "./Plan";
import { Proof } from "./Proof";

/** Whether this machine can do it: what it has, that it computes rightly, and what the training takes of its memory. */
export function HardwarePage() {
  const { t } = useTranslation();
  const project = useOpenProject();
  return (
    <>
      <PageHeader title={t("hardware.title")} intro={t("hardware.intro")} windowTitle={project.name} />
      <div className="space-y-5">
        <Machine />
        <Proof projectId={project.id} />
        <Plan project={project} />
      </div>
      <StepFooter step="hardware" />
    </>
  );
}

function Machine() {
  const { t } = useTranslation();
  const format = useFormat();
  const hardware = useHardware();
  const data = hardware.data;
  const amount = (free: number | null | undefined, total: number | null | undefined) =>
    free == null || total == null ? t("settings.unknown") : t("settings.memoryFree", { free: format.bytes(free), total: format.bytes(total) });
  const rows: [string, ReactNode][] = data
    ? [
        [t("settings.processor"), data.device.name ?? t("settings.unknown")],
        [t("settings.threads"), format.number(data.device.threads)],
        [t("settings.instructions"), data.device.isa],
        [t("settings.memory"), amount(data.memory.available_bytes, data.memory.total_bytes)],
        [t("settings.disk"), amount(data.disk.free_bytes, data.disk.total_bytes)],
      ]
    : [];
  return (
    <Section title={t("settings.machine")}>
      {hardware.isPending && <Skeleton rows={2} />}
      {hardware.isError && <ProblemNote problem={hardware.error} onRetry={() => void hardware.refetch()} />}
      <dl className="grid gap-x-6 gap-y-3 text-sm sm:grid-cols-2 md:grid-cols-3">
        {rows.map(([label, value]) => (
          <div key={label} className="min-w-0">
            <dt className="text-xs text-soft">{label}</dt>
            <dd className="font-medium wrap-anywhere">{value}</dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}
