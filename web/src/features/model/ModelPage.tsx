import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { refreshProject, useModels } from "../../shared/api/queries";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { Section } from "../../shared/ui/Card";
import { PageHeader } from "../../shared/ui/Page";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton } from "../../shared/ui/States";
import { StepFooter } from "../../shared/ui/StepFooter";
import { LinkModel } from "./LinkModel";
import { LocalModels } from "./LocalModels";
import { FactsTable, ModelTitle } from "./ModelFactsCard";
import { ModelSearch } from "./ModelSearch";
import { MemoryBars } from "./MemoryBars";

/** Which model the training starts from: one on this computer, one of the hub, or a folder of one's own. */
export function ModelPage() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const project = useOpenProject();
  const models = useModels();
  const choose = useMutation({
    mutationFn: (modelId: string) =>
      take(api.PATCH("/api/projects/{id}", { params: { path: { id: project.id } }, body: { model_id: modelId } })),
    onSuccess: () => refreshProject(client, project.id),
  });
  const isDone = project.steps.some((step) => step.id === "model" && step.state === "done");
  return (
    <>
      <PageHeader title={t("model.title")} intro={t("model.intro")} windowTitle={project.name} />
      <div className="space-y-5">
        <Chosen modelId={project.model_id} />
        {choose.isError && <ProblemNote problem={choose.error} />}
        <Section title={t("model.here")} text={t("model.hereText")}>
          {models.isPending && <Skeleton rows={2} />}
          {models.isError && <ProblemNote problem={models.error} onRetry={() => void models.refetch()} />}
          {models.data && (
            <LocalModels
              models={models.data.items}
              chosen={project.model_id}
              busy={choose.isPending ? choose.variables : null}
              onChoose={choose.mutate}
            />
          )}
        </Section>
        <Section title={t("model.hub")} text={t("model.hubText")}>
          <ModelSearch chosen={project.model_id} onChoose={choose.mutate} />
        </Section>
        <Section title={t("model.own")} text={t("model.ownText")}>
          <LinkModel onLinked={choose.mutate} />
        </Section>
      </div>
      {/* Going on takes the model that a project begins with. */}
      <StepFooter step="model" {...(isDone ? {} : { onNext: () => choose.mutate(project.model_id) })} />
    </>
  );
}

/** The project's model: what it is, and what fits this machine. */
function Chosen({ modelId }: { modelId: string }) {
  const { t } = useTranslation();
  const facts = useQuery({
    queryKey: ["model-facts", modelId],
    queryFn: ({ signal }) => take(api.POST("/api/models/resolve", { body: { model: modelId }, signal })),
    retry: false,
  });
  return (
    <Section title={t("model.chosen")}>
      {facts.isPending && <Skeleton rows={3} />}
      {facts.isError && <ProblemNote problem={facts.error} onRetry={() => void facts.refetch()} />}
      {facts.data && (
        <div data-chosen={modelId} className="grid gap-6 text-sm md:grid-cols-2">
          <div className="min-w-0 space-y-3">
            <ModelTitle facts={facts.data} isHere={facts.data.downloaded} />
            <FactsTable facts={facts.data} isHere={facts.data.downloaded} />
          </div>
          {facts.data.methods.length > 0 && <MemoryBars facts={facts.data} />}
        </div>
      )}
    </Section>
  );
}
