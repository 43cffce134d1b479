import { GraduationCap } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Run } from "../api/types";
import { Button } from "../ui/Button";
import { Field, Select } from "../ui/Field";
import { EmptyState } from "../ui/States";

/** Chooses among the trainings that have a result; nothing when there is one only. */
export function RunChooser(props: { runs: Run[]; run: Run; onChoose: (id: string) => void }) {
  const { t } = useTranslation();
  if (props.runs.length < 2) return null;
  return (
    <Field label={t("runs.choose")} className="mb-5 max-w-sm">
      {(control) => (
        <Select {...control} value={props.run.id} onChange={(event) => props.onChoose(event.target.value)}>
          {props.runs.map((run) => (
            <option key={run.id} value={run.id}>
              {t("runs.option", { name: run.name, status: t(`train.status.${run.status}`) })}
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
