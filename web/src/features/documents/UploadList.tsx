import { Check, CircleAlert, Clock } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import { ProgressBar } from "../../shared/ui/ProgressBar";
import { useProblemTexts } from "../../shared/ui/ProblemNote";
import { type Limits, type Upload, uploads } from "./uploads";

/** The files that were added just now, each with its own progress or the reason why not. */
export function UploadList(props: { projectId: string; list: Upload[]; limits: Limits }) {
  const { t } = useTranslation();
  if (props.list.length === 0) return null;
  const isOver = props.list.every((upload) => upload.state === "done" || upload.state === "failed");
  return (
    <section aria-label={t("documents.uploads")} className="mt-3 rounded-xl border border-line bg-surface p-3">
      <ul className="space-y-2">
        {props.list.map((upload) => (
          <UploadRow key={upload.id} upload={upload} limits={props.limits} />
        ))}
      </ul>
      {isOver && (
        <Button look="quiet" size="small" className="mt-2" onClick={() => uploads.clear(props.projectId)}>
          {t("documents.clear")}
        </Button>
      )}
    </section>
  );
}

function UploadRow({ upload, limits }: { upload: Upload; limits: Limits }) {
  const { t } = useTranslation();
  const format = useFormat();
  const texts = useProblemTexts();
  const reason = () => {
    const list = limits.extensions.join(", ");
    if (upload.problem === "wrong_type") return t("documents.wrongType", { list });
    if (upload.problem === "too_large") {
      return t("documents.tooLarge", { size: format.bytes(upload.size), limit: format.bytes(limits.maxBytes) });
    }
    const { title, message, hint } = texts(upload.problem);
    return [title, message, hint].filter(Boolean).join(" ");
  };
  return (
    <li className="text-sm">
      <div className="flex items-center justify-between gap-3">
        <span className="min-w-0 truncate">{upload.name}</span>
        <span className="flex shrink-0 items-center gap-1.5 text-xs text-soft [&_svg]:size-3.5">
          {upload.state === "waiting" && (
            <>
              <Clock aria-hidden /> {t("documents.waiting")}
            </>
          )}
          {upload.state === "uploading" && format.percent(upload.fraction)}
          {upload.state === "done" && (
            <>
              <Check className="text-good" aria-hidden /> {upload.duplicate ? t("documents.duplicate") : t("documents.uploaded")}
            </>
          )}
          {upload.state === "failed" && (
            <>
              <CircleAlert className="text-bad" aria-hidden /> {t("documents.uploadFailed")}
            </>
          )}
        </span>
      </div>
      {upload.state === "uploading" && (
        <ProgressBar className="mt-1.5" fraction={upload.fraction} label={t("documents.uploading", { name: upload.name })} />
      )}
      {upload.state === "failed" && (
        <p role="alert" className="mt-0.5 text-xs text-bad">
          {reason()}
        </p>
      )}
    </li>
  );
}
