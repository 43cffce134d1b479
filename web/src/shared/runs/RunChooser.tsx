import { GraduationCap } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Run } from "../api/types";
import { useFormat } from "../lib/format";
import { Button } from "../ui/Button";
import { Field, Select } from "../ui/Field";
import { EmptyState } from "../ui/States";

/** Says which training a page is about, and chooses among those that have a result. */
export function RunChooser(props: { runs: Run[]; run: Run; onChoose: (id: string) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const named = (run: Run) => t("runs.option", { name: run.name, date: format.dateTime(run.finished_at ?? run.created_at), status: t(`train.status.${run.status}`) });
  if (props.runs.length < 2) {
    return (
      <p className="mb-5 text-sm text-soft">
        {t("common.labelled", { label: t("runs.choose") })} <span className="font-medium text-ink">{named(props.run)}</span>
      </p>
    );
  }
  return (
    <Field label={t("runs.choose")} className="mb-5 max-w-sm">
      {(control) => (
        <Select {...control} value={props.run.id} onChange={(event) => props.onChoose(event.target.value)}>
          {props.runs.map((run) => (
            <option key={run.id} value={run.id}>
              {named(run)}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

/** In place of a page that needs a trained model. */
export function NoRun(props: { projectId: string; working: Run | null }) {
  const { t } = useTranslation();
  return (
    <EmptyState icon={GraduationCap} title={t("runs.noneTitle")} text={props.working ? t("runs.runningText") : t("runs.noneText")}>
      <Button asChild look="primary">
        <Link to={`/projects/${props.projectId}/train`}>{t("runs.toTrain")}</Link>
      </Button>
    </EmptyState>
  );
}
