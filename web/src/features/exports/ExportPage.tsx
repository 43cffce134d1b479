import { useMutation, useQuery } from "@tanstack/react-query";
import { Download, PackageOpen } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys, useSettings } from "../../shared/api/queries";
import type { ExportFile, Run, Settings } from "../../shared/api/types";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { JobProblem } from "../../shared/jobs/JobProblem";
import { JobProgress } from "../../shared/jobs/JobProgress";
import { useProjectJob } from "../../shared/jobs/useProjectJob";
import { useFormat } from "../../shared/lib/format";
import { NoRun, RunChooser } from "../../shared/runs/RunChooser";
import { useChosenRun } from "../../shared/runs/useRuns";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { Checkbox, Field, Select } from "../../shared/ui/Field";
import { PageHeader } from "../../shared/ui/Page";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { EmptyState, Skeleton } from "../../shared/ui/States";

export function ExportPage() {
  const { t } = useTranslation();
  const project = useOpenProject();
  const settings = useSettings();
  const { runs, usable, run, choose, working } = useChosenRun(project.id);
  const failed = [runs, settings].find((query) => query.isError);
  return (
    <>
      <PageHeader title={t("export.title")} intro={t("export.intro")} windowTitle={project.name} />
      {(runs.isPending || settings.isPending) && <Skeleton rows={4} />}
      {failed && <ProblemNote problem={failed.error} onRetry={() => void failed.refetch()} />}
      {runs.data && !run && <NoRun projectId={project.id} working={working} />}
      {run && settings.data && (
        <div className="space-y-5">
          <RunChooser runs={usable} run={run} onChoose={choose} />
          <Start key={run.id} run={run} settings={settings.data} />
          <Files run={run} />
        </div>
      )}
    </>
  );
}

function useFormatLabel(): (id: string, own: string) => string {
  const { t, i18n } = useTranslation();
  return (id, own) => (i18n.exists(`export.formats.${id}`) ? t(`export.formats.${id}` as never) : own);
}

function Start({ run, settings }: { run: Run; settings: Settings }) {
  const { t } = useTranslation();
  const label = useFormatLabel();
  const { options } = settings;
  const isFull = run.config.method === "full";
  const offered = options.export_formats.filter((format) => !(isFull && format.id === "peft"));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(["zip"]));
  const types = options.quantizations.map((entry) => entry.id);
  const [quantization, setQuantization] = useState(types.includes("q8_0") ? "q8_0" : (types[0] ?? ""));
  const job = useProjectJob(run.project_id, "export");
  const start = useMutation({
    mutationFn: () => {
      const params = { path: { project_id: run.project_id } };
      const body = { run_id: run.id, formats: [...chosen], quantization };
      return take(api.POST("/api/projects/{project_id}/export", { params, body }));
    },
    onSuccess: (started) => job.follow(started.job),
  });
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (chosen.size > 0) start.mutate();
  };
  return (
    <Section title={t("export.what")}>
      <form onSubmit={submit} className="space-y-4">
        <fieldset className="space-y-2.5">
          <legend className="sr-only">{t("export.what")}</legend>
          {offered.map((format) => (
            <Checkbox key={format.id} label={label(format.id, format.label)} checked={chosen.has(format.id)} onChange={() => toggle(format.id)} />
          ))}
        </fieldset>
        {(chosen.has("gguf") || chosen.has("zip")) && (
          <Field label={t("export.quantization")} hint={t("export.quantizationHint")} className="max-w-xs">
            {(control) => (
              <Select {...control} value={quantization} onChange={(event) => setQuantization(event.target.value)}>
                {options.quantizations.map((entry) => (
                  <option key={entry.id} value={entry.id}>
                    {entry.label}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        )}
        {chosen.size === 0 && <p className="text-sm text-bad">{t("export.choose")}</p>}
        {start.isError && <ProblemNote problem={start.error} />}
        {job.job?.run_id === run.id && <JobProblem job={job.job} />}
        {job.active && job.job ? (
          <JobProgress
            className="rounded-lg bg-sunken p-3"
            job={job.job}
            title={t("export.running")}
            lost={job.connection === "lost"}
            onCancel={() => job.job && job.cancel.mutate(job.job.id)}
          />
        ) : (
          <Button type="submit" look="primary" busy={start.isPending} disabled={chosen.size === 0}>
            {start.isPending ? t("export.starting") : t("export.start")}
          </Button>
        )}
      </form>
    </Section>
  );
}

function Files({ run }: { run: Run }) {
  const { t } = useTranslation();
  const files = useQuery({
    queryKey: [...keys.exports(run.project_id), run.id],
    queryFn: ({ signal }) => {
      const path = { project_id: run.project_id };
      const query = { run_id: run.id, per_page: 200 };
      return take(api.GET("/api/projects/{project_id}/export/files", { params: { path, query }, signal }));
    },
  });
  return (
    <Section title={t("export.files")}>
      {files.isPending && <Skeleton rows={2} />}
      {files.isError && <ProblemNote problem={files.error} onRetry={() => void files.refetch()} />}
      {files.data?.items.length === 0 && (
        <EmptyState icon={PackageOpen} title={t("export.emptyTitle")} text={t("export.emptyText")} className="py-8" />
      )}
      <ul className="divide-y divide-line">
        {[...(files.data?.items ?? [])].sort(bundleFirst).map((file) => (
          <FileLine key={file.name} file={file} />
        ))}
      </ul>
    </Section>
  );
}

/** What most people want stands first: the file with everything in it. */
function bundleFirst(one: ExportFile, other: ExportFile): number {
  return Number(other.format === "zip") - Number(one.format === "zip");
}

function FileLine({ file }: { file: ExportFile }) {
  const { t } = useTranslation();
  const format = useFormat();
  const label = useFormatLabel();
  const facts = [label(file.format, file.format), file.quantization, format.bytes(file.size_bytes), format.dateTime(file.created_at)];
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 py-3 first:pt-0 last:pb-0">
      <div className="min-w-0 flex-1 basis-56">
        <p className="font-medium wrap-anywhere">{file.name}</p>
        <p className="text-xs text-soft">{facts.filter(Boolean).join(" · ")}</p>
        <p className="text-xs text-soft">
          {t("export.checksum")}: <code className="break-all">{file.sha256}</code>
        </p>
      </div>
      <Button asChild look={file.format === "zip" ? "primary" : "plain"}>
        <a href={file.download_url} download aria-label={t("export.downloadOf", { name: file.name })}>
          <Download aria-hidden />
          {t("export.download")}
        </a>
      </Button>
    </li>
  );
}
