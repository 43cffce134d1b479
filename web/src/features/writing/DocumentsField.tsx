import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import { keys } from "../../shared/api/queries";
import { Checkbox } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";

/** Which documents are meant; `null` stands for all. */
export function DocumentsField(props: {
  projectId: string;
  chosen: string[] | null;
  error: string | undefined;
  onChange: (chosen: string[] | null) => void;
}) {
  const { t } = useTranslation();
  const { chosen } = props;
  const files = useQuery({
    queryKey: [...keys.files(props.projectId), { kind: "raw_doc", all: true }],
    queryFn: ({ signal }) => {
      const query = { kind: "raw_doc" as const, per_page: 500 };
      return take(api.GET("/api/projects/{project_id}/files", { params: { path: { project_id: props.projectId }, query }, signal }));
    },
  });
  const items = files.data?.items ?? [];
  const toggle = (id: string) =>
    props.onChange(chosen?.includes(id) ? chosen.filter((one) => one !== id) : [...(chosen ?? []), id]);
  return (
    <fieldset className="mt-5 border-t border-line pt-4">
      <legend className="float-left mb-2 w-full text-sm font-medium">{t("writing.documents")}</legend>
      <div className="clear-both space-y-2">
        <Checkbox
          label={t("writing.allDocuments")}
          checked={chosen === null}
          onChange={(event) => props.onChange(event.target.checked ? null : items.map((file) => file.id))}
        />
        {chosen !== null && (
          <div className="max-h-56 space-y-2 overflow-y-auto rounded-lg border border-line p-3">
            {items.map((file) => (
              <Checkbox
                key={file.id}
                label={<span className="wrap-anywhere">{file.name}</span>}
                checked={chosen.includes(file.id)}
                onChange={() => toggle(file.id)}
              />
            ))}
          </div>
        )}
        {props.error && <p className="text-xs text-bad">{props.error}</p>}
        {files.isError && <ProblemNote problem={files.error} onRetry={() => void files.refetch()} />}
      </div>
    </fieldset>
  );
}
