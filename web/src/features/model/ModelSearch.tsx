import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import type { FoundModel } from "../../shared/api/types";
import { JobProblem } from "../../shared/jobs/JobProblem";
import { JobProgress } from "../../shared/jobs/JobProgress";
import { useDownloadJob } from "../../shared/jobs/useDownloadJob";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { Field, Input } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton } from "../../shared/ui/States";
import { ModelFactsCard } from "./ModelFactsCard";

/** Finds a model of the hub by words, its address or Ollama's name, shows what it is, and downloads it. */
export function ModelSearch({ chosen, onChoose }: { chosen: string; onChoose: (id: string) => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [words, setWords] = useState("");
  const [asked, setAsked] = useState("");
  const [picked, setPicked] = useState<string | null>(null);
  const found = useQuery({
    queryKey: ["model-search", asked],
    queryFn: ({ signal }) => take(api.GET("/api/models/search", { params: { query: { q: asked } }, signal })),
    enabled: asked !== "",
    retry: false,
  });
  const facts = useQuery({
    queryKey: ["model-facts", picked],
    queryFn: ({ signal }) => take(api.POST("/api/models/resolve", { body: { model: picked ?? "" }, signal })),
    enabled: picked !== null,
    retry: false,
  });
  const download = useDownloadJob();
  const start = useMutation({
    mutationFn: (model: { id: string; commit: string | null }) =>
      take(api.POST("/api/models/download", { body: { model: model.id, commit: model.commit } })),
    onSuccess: (started) => download.follow(started.job),
  });
  const search = () => {
    setPicked(null);
    start.reset();
    if (words.trim() === asked) void found.refetch();
    else setAsked(words.trim());
  };
  const job = download.job;
  // What is left to download changes with every download that ends or is stopped.
  const { active } = download;
  useEffect(() => {
    if (!active) void client.invalidateQueries({ queryKey: ["model-facts"] });
  }, [active, client]);
  const ended = job?.status === "completed" ? (job.result as { model?: string } | null)?.model : null;
  const isHere = ended != null && ended === picked;
  return (
    <div className="space-y-3">
      <Field label={t("hub.search")} hint={t("hub.searchHint")}>
        {(control) => (
          <div className="flex gap-2">
            <Input
              {...control}
              type="search"
              maxLength={300}
              spellCheck={false}
              value={words}
              onChange={(event) => setWords(event.target.value)}
              onKeyDown={(event) => {
                if (event.key !== "Enter") return;
                event.preventDefault();
                if (words.trim()) search();
              }}
            />
            <Button disabled={words.trim() === ""} busy={found.isFetching} onClick={search}>
              {t("hub.find")}
            </Button>
          </div>
        )}
      </Field>
      {found.isError && <ProblemNote problem={found.error} />}
      {found.data?.offline && <p className="text-xs text-warn">{t("hub.fromCache")}</p>}
      {found.data && found.data.items.length === 0 && <p className="text-sm text-soft">{t("hub.nothing")}</p>}
      {found.data && found.data.items.length > 0 && (
        <ul aria-label={t("hub.found")} className="max-h-56 divide-y divide-line overflow-y-auto rounded-lg border border-line bg-surface">
          {found.data.items.map((model) => (
            <li key={model.id}>
              <FoundRow model={model} isPicked={model.id === picked} onPick={() => setPicked(model.id)} />
            </li>
          ))}
        </ul>
      )}
      {picked !== null && facts.isPending && <Skeleton rows={2} />}
      {facts.isError && <ProblemNote problem={facts.error} onRetry={() => void facts.refetch()} />}
      {facts.data && (
        <ModelFactsCard
          facts={facts.data}
          isChosen={chosen === facts.data.id}
          isHere={isHere}
          busy={start.isPending || download.active}
          onDownload={() => start.mutate({ id: facts.data.id, commit: facts.data.commit ?? null })}
          onChoose={() => onChoose(facts.data.id)}
        />
      )}
      {start.error != null && <ProblemNote problem={start.error} />}
      {job && download.active && (
        <JobProgress
          job={job}
          title={t("jobs.kinds.download_model")}
          lost={download.connection === "lost"}
          onCancel={() => download.cancel.mutate(job.id)}
        />
      )}
      {picked !== null && !download.active && <JobProblem job={job} />}
    </div>
  );
}

function FoundRow(props: { model: FoundModel; isPicked: boolean; onPick: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { model } = props;
  return (
    <button
      type="button"
      aria-pressed={props.isPicked}
      onClick={props.onPick}
      className={cn("flex w-full flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2 text-left text-sm hover:bg-sunken", props.isPicked && "bg-accent-soft")}
    >
      <span className="min-w-0 flex-1 basis-48 wrap-anywhere">
        {model.id}
        {model.ollama && <span className="block text-xs text-soft">{t("hub.ollama", { ollama: model.ollama })}</span>}
      </span>
      <span className="flex flex-wrap items-center gap-1.5 text-xs text-soft">
        {model.parameters != null && format.compact(model.parameters)}
        {model.downloaded && <Badge tone="good">{t("hub.onThisComputer")}</Badge>}
        {model.gated && <Badge tone="warn">{t("hub.gated")}</Badge>}
        {model.supported === false && <Badge tone="bad">{t("hub.unsupported")}</Badge>}
      </span>
    </button>
  );
}
