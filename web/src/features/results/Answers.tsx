import { FileText } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Evaluation, EvaluationAnswer } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { PassageDialog } from "../../shared/passages/PassageDialog";
import { usePages } from "../../shared/passages/usePages";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { WarnNote } from "../../shared/ui/States";
import { type Group, grouped } from "./answers";

/** What the model answered before and after the training, by document. */
export function Answers({ projectId, evaluation }: { projectId: string; evaluation: Evaluation }) {
  const { t } = useTranslation();
  const [passage, setPassage] = useState<string | null>(null);
  const { answers } = evaluation;
  if (answers.length === 0) return null;
  const trained = answers.some((answer) => answer.set === "training");
  return (
    <Section title={t("results.answers")} text={t("results.answersText")}>
      {trained && <WarnNote className="mb-4">{t("results.answersTraining")}</WarnNote>}
      <div className="space-y-6">
        {grouped(answers).map((group) => (
          <section key={`${group.kind} ${group.name}`}>
            <Heading group={group} />
            <ol className="space-y-4">
              {group.answers.map((answer, index) => (
                <Compared key={index} answer={answer} onPassage={setPassage} />
              ))}
            </ol>
          </section>
        ))}
      </div>
      {passage && <PassageDialog projectId={projectId} chunkId={passage} onClose={() => setPassage(null)} />}
    </Section>
  );
}

function Heading({ group }: { group: Group }) {
  const { t } = useTranslation();
  const name = group.kind === "own" ? t("results.ownQuestions") : (group.name ?? t("results.noDocument"));
  return <h3 className="mb-2 text-sm font-semibold wrap-anywhere">{name}</h3>;
}

function Compared({ answer, onPassage }: { answer: EvaluationAnswer; onPassage: (chunkId: string) => void }) {
  const { t } = useTranslation();
  const pages = usePages();
  const chunkId = answer.chunk_id;
  const place = pages(answer) ?? t("results.passage");
  return (
    <li className="rounded-lg border border-line p-3 text-sm">
      <div className="flex flex-wrap items-start justify-between gap-2">
        <p className="min-w-0 flex-1 basis-48 font-medium wrap-anywhere">{answer.question}</p>
        <div className="flex flex-wrap items-center gap-2">
          {answer.set === "held_out" && <Badge>{t("results.setHeldOut")}</Badge>}
          {chunkId && (
            <Button look="quiet" size="small" onClick={() => onPassage(chunkId)}>
              <FileText aria-hidden />
              {place}
            </Button>
          )}
        </div>
      </div>
      <div className="mt-2 grid gap-2 sm:grid-cols-2">
        <Said label={t("results.base")} answer={answer.base} />
        <Said label={t("results.tuned")} answer={answer.adapter} isTuned />
      </div>
      {answer.expected && (
        <p className="mt-2 text-xs wrap-anywhere text-soft">
          {t("results.expected", { text: answer.expected })}
        </p>
      )}
    </li>
  );
}

function Said({ label, answer, isTuned }: { label: string; answer: EvaluationAnswer["base"]; isTuned?: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const notes = [
    answer.words == null ? null : t("results.words", { share: format.percent(answer.words) }),
    answer.complete || answer.problem ? null : t("results.cut"),
  ].filter((note) => note !== null);
  return (
    <div className={isTuned ? "min-w-0 rounded-md bg-accent-soft p-2.5" : "min-w-0 rounded-md bg-sunken p-2.5"}>
      <p className={isTuned ? "text-xs font-semibold text-accent-strong" : "text-xs font-semibold text-soft"}>{label}</p>
      <p className="mt-0.5 wrap-anywhere whitespace-pre-wrap">{answer.problem ?? (answer.text || t("results.noAnswer"))}</p>
      {notes.length > 0 && <p className="mt-1 text-xs text-soft">{notes.join(" · ")}</p>}
    </div>
  );
}
