import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { asProblem } from "../../shared/api/problem";
import { keys } from "../../shared/api/queries";
import { Button } from "../../shared/ui/Button";
import { Field, Input } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";

/** A folder or GGUF file of this computer becomes a model to choose. */
export function LinkModel({ onLinked }: { onLinked: (id: string) => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [path, setPath] = useState("");
  const link = useMutation({
    mutationFn: () => take(api.POST("/api/models/link", { body: { path: path.trim() } })),
    onSuccess: async (model) => {
      setPath("");
      await client.invalidateQueries({ queryKey: keys.models });
      onLinked(model.id);
    },
  });
  const isNoPath = link.isError && asProblem(link.error).fields.some((field) => field.field === "path");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (path.trim()) link.mutate();
  };
  return (
    <form onSubmit={submit} className="space-y-3">
      <Field label={t("model.path")} hint={t("model.pathHint")} error={isNoPath ? t("model.pathWrong") : null}>
        {(control) => (
          <div className="flex gap-2">
            <Input {...control} spellCheck={false} maxLength={4000} placeholder="/home/me/models/model.gguf" value={path} onChange={(event) => {
                link.reset();
                setPath(event.target.value);
              }} />
            <Button type="submit" disabled={path.trim() === ""} busy={link.isPending}>
              {t("model.pathAdd")}
            </Button>
          </div>
        )}
      </Field>
      {link.isError && !isNoPath && <ProblemNote problem={link.error} />}
    </form>
  );
}
