import { CircleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { asProblem, type Problem } from "../api/problem";
import { cn } from "../lib/cn";
import { translated } from "../lib/said";
import { Button } from "./Button";

export interface ProblemTexts {
  title: string;
  message: string | null;
  hint: string | null;
  /** Which of them are the server's own words. */
  english: { title?: boolean; message?: boolean; hint?: boolean };
}

/** Codes of which the server's message says no more than the title does. */
const SAID_BY_TITLE = /^((project|file|chunk|example|run|job|model|connection|dataset)_not_found|already_running|not_finished|not_resumable|rate_limited|queue_full|storage_full|internal)$/;

/**
 * An error in the reader's language, by its code. Of a known cause all is translated, but for the words of others
 * (`params.detail`: the system, a library, another server). Of other errors title and hint are; the server's message, which
 * says more of the case at hand, is too where it names a `reason` that has a text. The hint of the server, the more exact one,
 * is for readers of English. A code without a translation: the server's message.
 */
export function useProblemTexts(): (thrown: unknown) => ProblemTexts {
  const { t, i18n } = useTranslation();
  return (thrown) => {
    const problem: Problem = asProblem(thrown);
    const { code, params } = problem;
    const reason = typeof params.reason === "string" ? translated(i18n, `reasons.${code}`, { code: params.reason, params }) : null;
    const known = { code: typeof params.cause === "string" ? params.cause : code, params };
    const cause = translated(i18n, "causes", known, ".title");
    if (cause !== null) {
      const detail = typeof params.detail === "string" ? params.detail : null;
      // A reason's text says what to do, too.
      return { title: cause, message: reason ?? detail, hint: reason ? null : translated(i18n, "causes", known, ".hint"), english: { message: !reason } };
    }
    const title = translated(i18n, "errors", problem, ".title");
    if (title === null) {
      return { title: problem.message || t("errors.title"), message: null, hint: problem.hint || null, english: { title: problem.message !== "", hint: true } };
    }
    const isEnglish = i18n.language === "en";
    const message = code === "network" || (!isEnglish && SAID_BY_TITLE.test(code)) ? null : problem.message || null;
    if (reason && !(isEnglish && message)) return { title, message: reason, hint: null, english: {} };
    return { title, message, hint: isEnglish && problem.hint ? problem.hint : translated(i18n, "errors", problem, ".hint"), english: { message: true } };
  };
}

/** What went wrong, in one run of text. */
export function ProblemLine(props: { problem: unknown; className?: string }) {
  const { title, message, hint, english } = useProblemTexts()(props.problem);
  const parts = [[title, english.title], [message, english.message], [hint, english.hint]] as const;
  return (
    <p className={cn("wrap-anywhere", props.className)}>
      {parts.map(
        ([text, isEnglish], index) =>
          text && (
            <span key={index} lang={isEnglish ? "en" : undefined}>
              {text.replace(/([^.!?])$/, "$1.")}{" "}
            </span>
          ),
      )}
    </p>
  );
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
          <p lang={texts.english.title ? "en" : undefined} className="font-semibold wrap-anywhere text-bad">
            {texts.title}
          </p>
          {texts.message && (
            <p lang={texts.english.message ? "en" : undefined} className="mt-0.5 wrap-anywhere">
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
          {texts.hint && (
            <p lang={texts.english.hint ? "en" : undefined} className="mt-1">
              {texts.hint}
            </p>
          )}
          {problem.requestId && (
            <p className="mt-1 text-xs text-soft">
              {t("common.labelled", { label: t("common.requestId") })} <code className="break-all">{problem.requestId}</code>
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
