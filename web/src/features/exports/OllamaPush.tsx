import { useMutation, useQuery } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys, useSettings } from "../../shared/api/queries";
import type { OllamaState } from "../../shared/api/types";
import { JobProblem } from "../../shared/jobs/JobProblem";
import { JobProgress } from "../../shared/jobs/JobProgress";
import { useProjectJob } from "../../shared/jobs/useProjectJob";
import { type Said, SaidText } from "../../shared/lib/said";
import { Badge, type Tone } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { Checkbox, Field, Input, Select } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton, WarnNote } from "../../shared/ui/States";

type Verdict = "equal" | "different" | "unknown";

interface Comparison {
  verdict: Verdict;
  compared: number;
  equal: number;
  differences: string[];
  note: string | null;
}

/** What the job answers. */
interface Pushed {
  run_id: string;
  name: string;
  address: string;
  /** Older results have the words alone. */
  warnings: (Said | string)[];
  prompts: Comparison;
  answers: Comparison;
}

const TONES: Record<Verdict, Tone> = { equal: "good", different: "bad", unknown: "warn" };

/** Puts a trained model into Ollama and shows whether it is asked there as it was trained. */
export function OllamaPush({ projectId, runId }: { projectId: string; runId: string }) {
  const { t } = useTranslation();
  const job = useProjectJob(projectId, "ollama_push");
  const state = useQuery({
    queryKey: [...keys.exports(projectId), "ollama"],
    queryFn: ({ signal }) => take(api.GET("/api/projects/{project_id}/export/ollama", { params: { path: { project_id: projectId } }, signal })),
  });
  const pushed = job.job?.status === "completed" ? (job.job.result as unknown as Pushed) : null;
  return (
    <Section
      title={t("ollama.title")}
      actions={
        <Button look="quiet" busy={state.isFetching} onClick={() => void state.refetch()}>
          <RotateCw aria-hidden />
          {t("ollama.look")}
        </Button>
      }
    >
      <div className="space-y-4">
        <p className="text-sm text-soft">{t("ollama.intro")}</p>
        {state.isPending && <Skeleton rows={1} />}
        {state.isError && <ProblemNote problem={state.error} onRetry={() => void state.refetch()} />}
        {state.data && <Server state={state.data} />}
        {job.active && job.job && (
          <JobProgress
            className="rounded-lg bg-sunken p-3"
            job={job.job}
            title={t("ollama.running")}
            lost={job.connection === "lost"}
            onCancel={() => job.job && job.cancel.mutate(job.job.id)}
          />
        )}
        <JobProblem job={job.job} />
        {state.data?.reachable && !job.active && <Start projectId={projectId} runId={runId} state={state.data} onStarted={job.follow} />}
        {pushed?.run_id === runId && <Outcome pushed={pushed} />}
      </div>
    </Section>
  );
}

function Server({ state }: { state: OllamaState }) {
  const { t } = useTranslation();
  if (state.reachable) {
    return (
      <p className="flex flex-wrap items-center gap-2 text-sm">
        <Badge tone="good">{t("ollama.reachable")}</Badge>
        <span className="text-soft">{t("ollama.version", { version: state.version ?? "?", address: state.address })}</span>
      </p>
    );
  }
  return (
    <WarnNote title={t("ollama.notReachable", { address: state.address })}>
      <p>{t("ollama.notReachableText")}</p>
      <p className="mt-1 text-xs text-soft wrap-anywhere" lang="en">
        {state.problem}
      </p>
    </WarnNote>
  );
}

function Start(props: { projectId: string; runId: string; state: OllamaState; onStarted: ReturnType<typeof useProjectJob>["follow"] }) {
  const { t } = useTranslation();
  const settings = useSettings();
  const types = settings.data?.options.quantizations ?? [];
  const [name, setName] = useState(props.state.suggested_name);
  const [quantization, setQuantization] = useState("f16");
  const [replace, setReplace] = useState(false);
  const start = useMutation({
    mutationFn: () => {
      const params = { path: { project_id: props.projectId } };
      const body = { run_id: props.runId, name: name.trim(), quantization, replace };
      return take(api.POST("/api/projects/{project_id}/export/ollama", { params, body }));
    },
    onSuccess: (started) => props.onStarted(started.job),
  });
  const wanted = name.trim();
  const isThere = props.state.models.some((model) => model === wanted || model === `${wanted}:latest`);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    start.mutate();
  };
  return (
    <form onSubmit={submit} className="space-y-3">
      <div className="flex flex-wrap gap-3">
        <Field label={t("ollama.name")} hint={t("ollama.nameHint")} className="flex-1 basis-56">
          {(control) => <Input {...control} value={name} spellCheck={false} autoCapitalize="none" onChange={(event) => setName(event.target.value)} />}
        </Field>
        <Field label={t("export.quantization")} hint={t("ollama.quantizationHint")} className="flex-1 basis-56">
          {(control) => (
            <Select {...control} value={quantization} onChange={(event) => setQuantization(event.target.value)}>
              {types.map((entry) => (
                <option key={entry.id} value={entry.id}>
                  {entry.id}
                </option>
              ))}
            </Select>
          )}
        </Field>
      </div>
      {isThere && <Checkbox label={t("ollama.replace")} checked={replace} onChange={(event) => setReplace(event.target.checked)} />}
      {start.isError && <ProblemNote problem={start.error} />}
      <Button type="submit" look="primary" busy={start.isPending} disabled={wanted === "" || (isThere && !replace)}>
        {start.isPending ? t("export.starting") : t("ollama.start")}
      </Button>
    </form>
  );
}

function Outcome({ pushed }: { pushed: Pushed }) {
  const { t } = useTranslation();
  return (
    <div role="status" className="space-y-3 rounded-lg border border-line p-3 text-sm">
      <p className="font-medium wrap-anywhere">{t("ollama.pushed", { name: pushed.name, address: pushed.address })}</p>
      <p>
        {t("ollama.run")} <code className="rounded bg-sunken px-1.5 py-0.5 break-all">ollama run {pushed.name}</code>
      </p>
      <Compared what="prompts" comparison={pushed.prompts} tone={TONES[pushed.prompts.verdict]} />
      {/* Other answers can be rounding; other prompts are an error. */}
      <Compared what="answers" comparison={pushed.answers} tone={pushed.answers.verdict === "equal" ? "good" : "warn"} />
      {pushed.warnings.length > 0 && (
        <ul className="list-disc space-y-1 pl-5 text-xs text-soft">
          {pushed.warnings.map((warning, index) => (
            <li key={index}>
              <SaidText group="notes.exports" said={typeof warning === "string" ? { message: warning } : warning} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Compared({ what, comparison, tone }: { what: "prompts" | "answers"; comparison: Comparison; tone: Tone }) {
  const { t } = useTranslation();
  const { verdict, equal, compared, differences, note } = comparison;
  return (
    <div data-compared={what} data-verdict={verdict}>
      <p className="flex flex-wrap items-center gap-2">
        <Badge tone={tone}>{t(`ollama.verdicts.${verdict}`)}</Badge>
        {verdict === "unknown" ? t(`ollama.${what}Unknown`) : t(`ollama.${what}`, { equal, compared })}
      </p>
      {(differences.length > 0 || note) && (
        <details className="mt-1 text-xs text-soft">
          <summary className="cursor-pointer">{t("ollama.details")}</summary>
          <ul className="mt-1 list-disc space-y-1 pl-5" lang="en">
            {[...differences, ...(note ? [note] : [])].map((line) => (
              <li key={line} className="wrap-anywhere">
                {line}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
