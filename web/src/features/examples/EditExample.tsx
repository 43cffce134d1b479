import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Plus, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { refreshProject } from "../../shared/api/queries";
import type { Example, Message } from "../../shared/api/types";
import { Button } from "../../shared/ui/Button";
import { Dialog, DialogActions } from "../../shared/ui/Dialog";
import { Field, Select, Textarea } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { faults, nextTurn } from "./conversation";

const ROLES = ["system", "user", "assistant"] as const;

const BLANK: Message[] = [
  { role: "user", content: "" },
  { role: "assistant", content: "" },
];

/** Changes the conversation of an example, or writes a new one. */
export function EditExample(props: { projectId: string; example: Example | null; onSaved?: (example: Example) => void; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [messages, setMessages] = useState<Message[]>(props.example?.messages ?? BLANK);
  const [isChecked, setChecked] = useState(false);
  const wrong = faults(messages);
  const save = useMutation({
    mutationFn: () => {
      const path = { project_id: props.projectId };
      if (!props.example) return take(api.POST("/api/projects/{project_id}/dataset/examples", { params: { path }, body: { messages } }));
      const params = { path: { ...path, example_id: props.example.id } };
      return take(api.PATCH("/api/projects/{project_id}/dataset/examples/{example_id}", { params, body: { messages } }));
    },
    onSuccess: (saved) => {
      props.onSaved?.(saved);
      props.onClose();
      void refreshProject(client, props.projectId);
    },
  });
  const change = (index: number, part: Partial<Message>) =>
    setMessages(messages.map((message, place) => (place === index ? { ...message, ...part } : message)));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (wrong.size === 0) save.mutate();
  };
  const whole = wrong.get(-1);

  return (
    <Dialog open wide onOpenChange={(open) => !open && props.onClose()} title={props.example ? t("examples.editTitle") : t("review.writeTitle")} {...(props.example ? {} : { text: t("review.writeText") })}>
      <form onSubmit={submit} noValidate className="space-y-4">
        {messages.map((message, index) => {
          const fault = wrong.get(index);
          return (
            <div key={index} className="rounded-lg border border-line p-3">
              <div className="mb-2 flex items-center justify-between gap-2">
                <Select
                  aria-label={t("examples.role")}
                  className="h-8 w-auto"
                  value={message.role}
                  onChange={(event) => change(index, { role: event.target.value })}
                >
                  {ROLES.map((role) => (
                    <option key={role} value={role}>
                      {t(`examples.roles.${role}`)}
                    </option>
                  ))}
                </Select>
                {messages.length > 2 && (
                  <Button
                    look="quiet"
                    size="small"
                    aria-label={t("examples.removeTurn")}
                    onClick={() => setMessages(messages.filter((_, place) => place !== index))}
                  >
                    <Trash2 aria-hidden />
                  </Button>
                )}
              </div>
              <Field
                label={message.role === "user" ? t("examples.question") : message.role === "system" ? t("examples.system") : t("examples.answer")}
                error={isChecked && fault ? t(`examples.${fault}`) : null}
              >
                {(control) => (
                  <Textarea
                    {...control}
                    rows={3}
                    value={message.content}
                    onChange={(event) => change(index, { content: event.target.value })}
                  />
                )}
              </Field>
            </div>
          );
        })}
        {isChecked && whole && (
          <p role="alert" className="text-sm text-bad">
            {t(`examples.${whole}`)}
          </p>
        )}
        <Button size="small" onClick={() => setMessages([...messages, nextTurn(messages)])}>
          <Plus aria-hidden />
          {t("examples.addTurn")}
        </Button>
        {save.isError && <ProblemNote problem={save.error} />}
        <DialogActions>
          <Button onClick={props.onClose}>{t("common.cancel")}</Button>
          <Button type="submit" look="primary" busy={save.isPending}>
            {save.isPending ? t("common.saving") : t("common.save")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
