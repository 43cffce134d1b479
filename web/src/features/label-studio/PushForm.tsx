import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import type { ExampleStatus, Job, LabelStudioDataset, Project } from "../../shared/api/types";
import { Button } from "../../shared/ui/Button";
import { Section } from "../../shared/ui/Card";
import { Field, Input, Select } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";

const STATUSES: ExampleStatus[] = ["pending", "approved", "rejected"];

/** Sends examples to a project of Label Studio: one that is linked, or a new one. */
export function PushForm(props: { project: Project; address: string; linked: LabelStudioDataset[]; onStarted: (job: Job) => void }) {
  const { t } = useTranslation();
  const { project, linked } = props;
  const [status, setStatus] = useState<ExampleStatus | "">("pending");
  const [target, setTarget] = useState(String(linked[0]?.remote_project ?? ""));
  const [title, setTitle] = useState(project.name.slice(0, 50));
  const length = [...title.trim()].length;
  const isTitleGood = target !== "" || (length >= 3 && length <= 50);
  const push = useMutation({
    mutationFn: () => {
      const body = {
        filter: status === "" ? {} : { status },
        ...(target === "" ? { title: title.trim() } : { remote_project: Number(target) }),
      };
      return take(api.POST("/api/projects/{project_id}/label-studio/push", { params: { path: { project_id: project.id } }, body }));
    },
    onSuccess: (started) => props.onStarted(started.job),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isTitleGood) push.mutate();
  };
  return (
    <Section title={t("labelStudio.pushTitle")} text={t("labelStudio.pushText", { address: props.address })}>
      <form onSubmit={submit} noValidate className="space-y-4">
        <div className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
          <Field label={t("labelStudio.which")}>
            {(control) => (
              <Select {...control} value={status} onChange={(event) => setStatus(event.target.value as ExampleStatus | "")}>
                <option value="">{t("labelStudio.whichAll")}</option>
                {STATUSES.map((one) => (
                  <option key={one} value={one}>
                    {t(`examples.status.${one}`)}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <Field label={t("labelStudio.where")}>
            {(control) => (
              <Select {...control} value={target} onChange={(event) => setTarget(event.target.value)}>
                {linked.map((one) => (
                  <option key={one.remote_project} value={one.remote_project}>
                    {t("labelStudio.whereLinked", { title: one.title, number: one.remote_project })}
                  </option>
                ))}
                <option value="">{t("labelStudio.whereNew")}</option>
              </Select>
            )}
          </Field>
          {target === "" && (
            <Field label={t("labelStudio.newTitle")} error={isTitleGood ? null : t("labelStudio.newTitleFault")}>
              {(control) => <Input {...control} maxLength={50} value={title} onChange={(event) => setTitle(event.target.value)} />}
            </Field>
          )}
        </div>
        {push.isError && <ProblemNote problem={push.error} />}
        <Button type="submit" look="primary" busy={push.isPending}>
          {t("labelStudio.push")}
        </Button>
      </form>
    </Section>
  );
}
