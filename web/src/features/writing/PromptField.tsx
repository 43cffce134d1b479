import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { RotateCcw, Save } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import { Button } from "../../shared/ui/Button";
import { Checkbox, Field, Textarea } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";

/** The tasks with the prompts that the project uses for them: its own, or the stock ones. */
export function usePrompts(projectId: string) {
  return useQuery({
    queryKey: keys.prompts(projectId),
    queryFn: ({ signal }) => take(api.GET("/api/projects/{project_id}/prompts", { params: { path: { project_id: projectId } }, signal })),
  });
}

/** A prompt in one's own words: for this once (`value`), or kept for the project. It begins as the one that is used now. */
export function PromptField(props: {
  projectId: string;
  task: string;
  value: string | null;
  isFaulty: boolean;
  onChange: (prompt: string | null) => void;
}) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { projectId, task, value } = props;
  const prompts = usePrompts(projectId);
  const used = prompts.data?.find((prompt) => prompt.task === task) ?? null;
  const path = { project_id: projectId, task };
  const settle = async () => {
    await client.invalidateQueries({ queryKey: keys.prompts(projectId) });
    props.onChange(null);
  };
  const keep = useMutation({
    mutationFn: (text: string) => take(api.PUT("/api/projects/{project_id}/prompts/{task}", { params: { path }, body: { text } })),
    onSuccess: settle,
  });
  const reset = useMutation({
    mutationFn: () => take(api.DELETE("/api/projects/{project_id}/prompts/{task}", { params: { path } })),
    onSuccess: settle,
  });
  const failed = keep.error ?? reset.error ?? prompts.error;
  // The name of the place in the prompt, which is no value of the sentence around it.
  const text = "{{text}}";
  return (
    <div className="space-y-3">
      <Checkbox
        label={t("writing.ownPrompt")}
        hint={used?.own ? t("writing.ownPromptKept") : t("writing.ownPromptHint", { text })}
        disabled={used === null && value === null}
        checked={value !== null}
        onChange={(event) => props.onChange(event.target.checked ? (used?.text ?? null) : null)}
      />
      {value !== null && (
        <Field label={t("writing.promptLabel")} error={props.isFaulty ? t("writing.promptFault", { text }) : null}>
          {(control) => (
            <Textarea
              {...control}
              rows={16}
              spellCheck={false}
              className="font-mono text-xs"
              value={value}
              onChange={(event) => props.onChange(event.target.value)}
            />
          )}
        </Field>
      )}
      {used && (
        <div className="flex flex-wrap gap-2">
          {value !== null && value !== used.text && (
            <Button size="small" busy={keep.isPending} onClick={() => keep.mutate(value)}>
              <Save aria-hidden />
              {t("writing.promptKeep")}
            </Button>
          )}
          {(used.own || (value !== null && value !== used.text)) && (
            <Button look="quiet" size="small" busy={reset.isPending} onClick={() => (used.own ? reset.mutate() : props.onChange(used.text))}>
              <RotateCcw aria-hidden />
              {t("writing.promptStock")}
            </Button>
          )}
        </div>
      )}
      {failed != null && <ProblemNote problem={failed} />}
    </div>
  );
}
