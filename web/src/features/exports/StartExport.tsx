import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { useModels } from "../../shared/api/queries";
import type { Run, Settings } from "../../shared/api/types";
import { JobProblem } from "../../shared/jobs/JobProblem";
import { JobProgress } from "../../shared/jobs/JobProgress";
import { useProjectJob } from "../../shared/jobs/useProjectJob";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { Checkbox } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { estimatedBytes, suggested } from "./sizes";
import { useFormatLabel } from "./useFormatLabel";

/** Formats that hold a GGUF file; the zip does where no other is chosen beside it. */
const WITH_TYPES = ["gguf", "ollama"];
const NEED_AN_ADAPTER = ["peft", "gguf-adapter"];

export function StartExport({ run, settings }: { run: Run; settings: Settings }) {
  const { t, i18n } = useTranslation();
  const label = useFormatLabel();
  const { options } = settings;
  const isFull = run.config.method === "full";
  const offered = options.export_formats.filter((format) => !(isFull && NEED_AN_ADAPTER.includes(format.id)));
  const [formats, toggleFormat] = useChoice(["zip"]);
  const [types, toggleType] = useChoice([suggested(options.quantizations.map((entry) => entry.id)) ?? ""]);
  const withTypes = WITH_TYPES.some((id) => formats.has(id)) || (formats.size === 1 && formats.has("zip"));
  const isComplete = formats.size > 0 && (!withTypes || types.size > 0);
  const job = useProjectJob(run.project_id, "export");
  const start = useMutation({
    mutationFn: () => {
      const params = { path: { project_id: run.project_id } };
      const body = { run_id: run.id, formats: [...formats], quantizations: withTypes ? [...types] : [] };
      return take(api.POST("/api/projects/{project_id}/export", { params, body }));
    },
    onSuccess: (started) => job.follow(started.job),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isComplete) start.mutate();
  };
  const hint = (id: string) => (i18n.exists(`export.hints.${id}`) ? t(`export.hints.${id}` as never) : undefined);
  return (
    <Section title={t("export.what")}>
      <form onSubmit={submit} className="space-y-5">
        <fieldset>
          <legend className="sr-only">{t("export.what")}</legend>
          <div className="grid gap-x-6 gap-y-3 sm:grid-cols-2">
            {offered.map((format) => (
              <Checkbox
                key={format.id}
                label={label(format.id, format.label)}
                hint={hint(format.id)}
                checked={formats.has(format.id)}
                onChange={() => toggleFormat(format.id)}
              />
            ))}
          </div>
        </fieldset>
        {withTypes && <Types run={run} options={options.quantizations} chosen={types} onToggle={toggleType} />}
        {!isComplete && <p className="text-sm text-bad">{t("export.choose")}</p>}
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
          <Button type="submit" look="primary" busy={start.isPending} disabled={!isComplete}>
            {start.isPending ? t("export.starting") : t("export.start")}
          </Button>
        )}
      </form>
    </Section>
  );
}

function useChoice(first: readonly string[]): [ReadonlySet<string>, (id: string) => void] {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(first));
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  return [chosen, toggle];
}

/** The number formats of a GGUF file, each with what it costs. */
function Types(props: {
  run: Run;
  options: Settings["options"]["quantizations"];
  chosen: ReadonlySet<string>;
  onToggle: (id: string) => void;
}) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const models = useModels();
  const parameters = models.data?.items.find((model) => model.id === props.run.model_id)?.parameters;
  const hint = (id: string, bits: number) => {
    const size = estimatedBytes(parameters, bits);
    const words = i18n.exists(`export.types.${id}`) ? t(`export.types.${id}` as never) : null;
    return [size === null ? null : t("export.about", { size: format.bytes(size) }), words].filter(Boolean).join(" · ");
  };
  return (
    <fieldset>
      <legend className="mb-1 text-sm font-medium">{t("export.quantization")}</legend>
      <p className="mb-2.5 max-w-prose text-xs text-soft">{t("export.quantizationHint")}</p>
      <div className="grid gap-x-6 gap-y-2.5 sm:grid-cols-2">
        {props.options.map((entry) => (
          <Checkbox
            key={entry.id}
            label={<code>{entry.id}</code>}
            hint={hint(entry.id, entry.bits_per_weight)}
            checked={props.chosen.has(entry.id)}
            onChange={() => props.onToggle(entry.id)}
          />
        ))}
      </div>
    </fieldset>
  );
}
