import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { refreshProject } from "../../shared/api/queries";
import { useOpenProject } from "../../shared/api/useOpenProject";
import { useStepChoices } from "../../shared/api/useStepChoices";
import { Section } from "../../shared/ui/Card";
import { Field, Input, Select } from "../../shared/ui/Field";
import { PageHeader } from "../../shared/ui/Page";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton } from "../../shared/ui/States";
import { StepFooter } from "../../shared/ui/StepFooter";
import { LANGUAGES, languageName, languageOf, type TaskChoices, USUAL_TASK } from "./taskChoices";
import { TaskKind } from "./TaskKind";

/** What the model shall learn to do, in which language: the writing of examples begins with it. */
export function TaskPage() {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const project = useOpenProject();
  const form = useStepChoices<TaskChoices>(project.id, "task");
  const kinds = useQuery({
    queryKey: ["prompts"],
    queryFn: ({ signal }) => take(api.GET("/api/settings/prompts", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  // What is made without a language model takes the project's own language.
  const setLanguage = useMutation({
    mutationFn: (language: string) =>
      take(api.PATCH("/api/projects/{id}", { params: { path: { id: project.id } }, body: { language } })),
    onSuccess: () => refreshProject(client, project.id),
  });
  const task = typeof form.value.task === "string" ? form.value.task : USUAL_TASK;
  const language = languageOf(form.value.language, project.language);
  const isDone = project.steps.some((step) => step.id === "task" && step.state === "done");
  const choose = (change: Partial<TaskChoices>) => form.update({ task, language: languageName(language, "en"), ...change });
  return (
    <>
      <PageHeader title={t("task.title")} intro={t("task.intro")} windowTitle={project.name} />
      {form.problem != null && <ProblemNote problem={form.problem} onRetry={form.retry} className="mb-5" />}
      <div className="space-y-5">
        {kinds.isPending && <Skeleton rows={4} />}
        {kinds.isError && <ProblemNote problem={kinds.error} onRetry={() => void kinds.refetch()} />}
        {kinds.data && (
          <fieldset>
            <legend className="sr-only">{t("task.kind")}</legend>
            <div className="grid gap-4 md:grid-cols-2">
              {kinds.data.map((kind) => (
                <TaskKind key={kind.task} id={kind.task} label={kind.label} isChosen={task === kind.task} onChoose={() => choose({ task: kind.task })} />
              ))}
            </div>
          </fieldset>
        )}
        <Section title={t("task.language")} text={t("task.languageText")}>
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label={t("task.languageLabel")}>
              {(control) => (
                <Select
                  {...control}
                  value={language}
                  onChange={(event) => {
                    const chosen = event.target.value;
                    choose({ language: languageName(chosen, "en") });
                    if (chosen === "en" || chosen === "fr") setLanguage.mutate(chosen);
                  }}
                >
                  {(LANGUAGES.includes(language) ? LANGUAGES : [...LANGUAGES, language]).map((tag) => (
                    <option key={tag} value={tag}>
                      {languageName(tag, i18n.language)}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
            <Field label={t("task.tone")} hint={t("task.toneHint")}>
              {(control) => (
                <Input
                  {...control}
                  maxLength={100}
                  value={typeof form.value.tone === "string" ? form.value.tone : ""}
                  onChange={(event) => choose({ tone: event.target.value === "" ? undefined : event.target.value })}
                />
              )}
            </Field>
          </div>
          {setLanguage.isError && <ProblemNote problem={setLanguage.error} className="mt-3" />}
        </Section>
      </div>
      <StepFooter step="task" {...(isDone ? {} : { onNext: () => choose({}) })} />
    </>
  );
}
