import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import type { Project, TrainTokens } from "../../shared/api/types";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton, WarnNote } from "../../shared/ui/States";
import { type Part, runsOf, type TokenRun, visible } from "./tokens";

const LOOKS: Record<Part, string> = {
  learned: "bg-accent-soft text-ink underline decoration-accent decoration-2 underline-offset-4",
  given: "bg-transparent text-soft",
  cut: "bg-transparent text-soft line-through opacity-70",
};

/** What a training sees of an example: every token, and whether the model learns to say it. */
export function TokensCard(props: { project: Project; approved: number; maxSeqLen: number | null }) {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="rounded-xl border border-line bg-surface p-4 sm:p-5" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="text-base font-semibold">{t("train.tokens.title")}</summary>
      <p className="mt-1 max-w-prose text-sm text-soft">{t("train.tokens.text")}</p>
      {isOpen && <Browser {...props} />}
    </details>
  );
}

function Browser({ project, approved, maxSeqLen }: { project: Project; approved: number; maxSeqLen: number | null }) {
  const { t } = useTranslation();
  const [number, setNumber] = useState(1);
  const example = useQuery({
    queryKey: [...keys.examples(project.id), "approved", number],
    queryFn: async ({ signal }) => {
      const params = { path: { project_id: project.id }, query: { status: "approved" as const, page: number, per_page: 1 } };
      return (await take(api.GET("/api/projects/{project_id}/dataset/examples", { params, signal }))).items[0] ?? null;
    },
    placeholderData: keepPreviousData,
  });
  const id = example.data?.id ?? null;
  const tokens = useQuery({
    queryKey: [...keys.examples(project.id), "tokens", project.model_id, id, maxSeqLen],
    queryFn: ({ signal }) => {
      const query = { example_id: id ?? "", ...(maxSeqLen === null ? {} : { max_seq_len: maxSeqLen }) };
      return take(api.GET("/api/projects/{project_id}/train/tokens", { params: { path: { project_id: project.id }, query }, signal }));
    },
    enabled: id !== null,
    placeholderData: keepPreviousData,
  });
  const failed = [example, tokens].find((query) => query.isError);
  return (
    <div className="mt-4 space-y-3">
      <div className="flex items-center gap-2">
        <Button size="icon" aria-label={t("train.tokens.before")} disabled={number <= 1} onClick={() => setNumber(number - 1)}>
          <ChevronLeft aria-hidden />
        </Button>
        <p className="text-sm tabular-nums" aria-live="polite">
          {t("train.tokens.which", { number, total: approved })}
        </p>
        <Button size="icon" aria-label={t("train.tokens.after")} disabled={number >= approved} onClick={() => setNumber(number + 1)}>
          <ChevronRight aria-hidden />
        </Button>
      </div>
      {failed && <ProblemNote problem={failed.error} onRetry={() => void failed.refetch()} />}
      {!failed && !tokens.data && <Skeleton rows={2} />}
      {!failed && tokens.data && <TokensView tokens={tokens.data} />}
    </div>
  );
}

/** The tokens in colour, with underlines and strokes for those who do not see it, and what they add up to. */
export function TokensView({ tokens }: { tokens: TrainTokens }) {
  const { t } = useTranslation();
  const format = useFormat();
  const parts = runsOf(tokens.tokens, tokens.max_seq_len);
  const hidden = tokens.total - tokens.tokens.length;
  const used = tokens.learned - tokens.cut_learned;
  return (
    <div data-testid="tokens">
      <p className="text-sm">
        {t("train.tokens.counts", {
          learned: format.number(used),
          total: format.number(tokens.total - tokens.cut),
          share: format.percent(used / Math.max(1, tokens.total - tokens.cut)),
        })}
      </p>
      {tokens.cut > 0 && (
        <WarnNote className="mt-2">
          {t("train.tokens.cut", { cut: format.number(tokens.cut), learned: format.number(tokens.cut_learned), length: format.number(tokens.max_seq_len) })}
        </WarnNote>
      )}
      {used === 0 && <WarnNote className="mt-2">{t("train.tokens.nothing")}</WarnNote>}
      <div
        tabIndex={0}
        role="region"
        aria-label={t("train.tokens.region")}
        className="mt-3 max-h-96 overflow-auto rounded-lg bg-sunken p-3 font-mono text-[13px] leading-7 wrap-anywhere whitespace-pre-wrap"
      >
        {parts.map((run, index) => (
          <Run key={index} run={run} />
        ))}
        {hidden > 0 && <span className="text-soft"> {t("train.tokens.more", { count: hidden })}</span>}
      </div>
      <ul className="mt-2 flex flex-wrap gap-x-5 gap-y-1 text-xs" aria-label={t("train.tokens.legend")}>
        <li>
          <span className={cn("rounded-sm px-1 font-mono", LOOKS.learned)}>abc</span> {t("train.tokens.learned")}
        </li>
        <li>
          <span className={cn("rounded-sm px-1 font-mono", LOOKS.given)}>abc</span> {t("train.tokens.given")}
        </li>
        <li>
          <Special text="<…>" /> {t("train.tokens.special")}
        </li>
        {tokens.cut > 0 && (
          <li>
            <span className={cn("px-1 font-mono", LOOKS.cut)}>abc</span> {t("train.tokens.cutOff")}
          </li>
        )}
      </ul>
    </div>
  );
}

function Run({ run }: { run: TokenRun }) {
  const { t } = useTranslation();
  const Tag = run.part === "learned" ? "mark" : run.part === "cut" ? "del" : "span";
  return (
    <Tag className={cn("rounded-sm", LOOKS[run.part])} data-part={run.part}>
      <span className="sr-only">{t(`train.tokens.spoken.${run.part}`)} </span>
      {run.tokens.map((token, index) =>
        token.special ? (
          <Special key={index} text={token.text} title={`#${token.id}`} />
        ) : (
          <span key={index} title={`#${token.id}`} className="border-l border-strong-line/30">
            {visible(token.text)}
          </span>
        ),
      )}
    </Tag>
  );
}

/** A mark of the template: a box, not text. */
function Special({ text, title }: { text: string; title?: string }) {
  return (
    <span title={title} className="mx-0.5 rounded border border-dashed border-strong-line px-1 font-mono text-[11px] no-underline">
      {text}
    </span>
  );
}
