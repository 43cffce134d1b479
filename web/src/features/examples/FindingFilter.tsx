import { useTranslation } from "react-i18next";
import type { DatasetStats } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Select } from "../../shared/ui/Field";
import { useIssueText } from "./useIssueText";

/** Shows only the examples with one finding of the checks; nothing while there is none. */
export function FindingFilter(props: { issue: string; findings: DatasetStats["findings"]; onChoose: (issue: string) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const issueText = useIssueText();
  const { issue, findings } = props;
  if (findings.length === 0 && issue === "") return null;
  const isListed = issue === "" || findings.some((finding) => finding.id === issue);
  return (
    <Select aria-label={t("review.finding")} className="h-10 w-auto max-w-full" value={issue} onChange={(event) => props.onChoose(event.target.value)}>
      <option value="">{t("review.allFindings")}</option>
      {!isListed && <option value={issue}>{issueText(issue)}</option>}
      {findings.map((finding) => (
        <option key={finding.id} value={finding.id}>
          {issueText(finding.id)} ({format.number(finding.count)})
        </option>
      ))}
    </Select>
  );
}
