import { CircleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { asProblem, type Problem } from "../api/problem";
import { cn } from "../lib/cn";
import { Button } from "./Button";

export interface ProblemTexts {
  title: string;
  message: string | null;
  hint: string | null;
}

/**
 * An error in the reader's language. Titles and hints are translated by code; the server's own words (English) say more
 * of the case at hand and are shown to everybody, its hint to readers of English. A code without a translation: the
 * server's message.
 */
export function useProblemTexts(): (thrown: unknown) => ProblemTexts {
  const { t, i18n } = useTranslation();
  return (thrown) => {
    const problem: Problem = asProblem(thrown);
    const known = i18n.exists(`errors.${problem.code}.title`);
    const translated = (part: "title" | "hint") => t(`errors.${problem.code}.${part}` as never) as string;
    if (!known) return { title: problem.message || t("errors.title"), message: null, hint: problem.hint || null };
    const ownHint = i18n.language === "en" && problem.hint ? problem.hint : translated("hint");
    const silent = problem.code === "network";
    return { title: translated("title"), message: silent ? null : problem.message || null, hint: ownHint };
  };
}

/** What went wrong, and what to do. */
export function ProblemNote(props: { problem: unknown; onRetry?: (() => void) | undefined; className?: string }) {
  const { t } = useTranslation();
  const problem = asProblem(props.problem);
  const texts = useProblemTexts()(problem);
  // The message of a single field's fault is that fault.
  const told = (field: Problem["fields"][number]) => texts.message?.startsWith(`${field.field} ${field.message}`);
  const fields = problem.fields.filter((field) => !told(field));
  return (
    <div role="alert" className={cn("rounded-lg border border-bad/40 bg-bad-soft p-3 text-sm", props.className)}>
      <div className="flex gap-2.5">
        <CircleAlert className="mt-0.5 size-4 shrink-0 text-bad" aria-hidden />
        <div className="min-w-0 flex-1">
          <p className="font-semibold text-bad">{texts.title}</p>
          {texts.message && (
            <p lang="en" className="mt-0.5 wrap-anywhere">
              {texts.message}
            </p>
          )}
          {fields.length > 0 && (
            <ul lang="en" className="mt-1 list-disc pl-5">
              {fields.map((field) => (
                <li key={field.field + field.message}>
                  <code className="text-xs">{field.field}</code> {field.message}
                </li>
              ))}
            </ul>
          )}
          {texts.hint && <p className="mt-1">{texts.hint}</p>}
          {problem.requestId && (
            <p className="mt-1 text-xs text-soft">
              {t("common.requestId")}: <code className="break-all">{problem.requestId}</code>
            </p>
          )}
          {props.onRetry && (
            <Button size="small" className="mt-2" onClick={props.onRetry}>
              {t("common.retry")}
            </Button>
          )}
        </div>
      </div>
    </div>
  );
}
