import { TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Example } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Badge, type Tone } from "../../shared/ui/Badge";
import { useIssueText } from "./useIssueText";

function tone(score: number): Tone {
  if (score >= 0.8) return "good";
  return score >= 0.5 ? "warn" : "bad";
}

/** What the checks say of an example: a score, the findings, and the reasons behind them. */
export function Quality({ example }: { example: Pick<Example, "score" | "issues" | "reasons"> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const issueText = useIssueText();
  return (
    <>
      {example.score != null && (
        <span title={t("review.qualityHint")} data-score={example.score}>
          <Badge tone={tone(example.score)}>{t("review.quality", { score: format.percent(example.score) })}</Badge>
        </span>
      )}
      {example.issues.map((issue) => (
        <Badge key={issue} tone="warn">
          <TriangleAlert aria-hidden />
          {issueText(issue)}
        </Badge>
      ))}
      {example.reasons.length > 0 && (
        <details className="min-w-0 open:w-full">
          <summary className="text-accent-strong">{t("review.reasons")}</summary>
          <ul lang="en" className="mt-1 list-disc pl-5 wrap-anywhere">
            {example.reasons.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
