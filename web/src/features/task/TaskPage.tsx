import { useTranslation } from "react-i18next";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { PageHeader } from "../../shared/ui/Page";
import { StepFooter } from "../../shared/ui/StepFooter";

export function TaskPage() {
  const { t } = useTranslation();
  const project = useOpenProject();
  return (
    <>
      <PageHeader title={t("steps.task")} windowTitle={project.name} />
      <StepFooter step="task" />
    </>
  );
}
