import { Ban, Check, CircleAlert, Clock, RotateCcw, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import { ProgressBar } from "../../shared/ui/ProgressBar";
import { useProblemTexts } from "../../shared/ui/ProblemNote";
import { type Limits, type Upload, uploads } from "./uploads";

interface ListProps {
  projectId: string;
  list: Upload[];
  limits: Limits;
  /** Send it, as a document. */
  onSend: (id: number) => void;
  /** Take its rows in as examples. */
  onImport: (upload: Upload) => void;
}

/** The files that were added just now, each with its own progress, a question about it, or the reason why not. */
export function UploadList(props: ListProps) {
  const { t } = useTranslation();
  if (props.list.length === 0) return null;
  const isOver = props.list.every(({ state }) => state !== "waiting" && state !== "uploading" && state !== "choose");
  return (
    <section aria-label={t("documents.uploads")} className="mt-3 rounded-xl border border-line bg-surface p-3">
      <ul className="max-h-96 space-y-2.5 overflow-y-auto">
        {props.list.map((upload) => (
          <UploadRow key={upload.id} upload={upload} {...props} />
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

function UploadRow(props: ListProps & { upload: Upload }) {
  const { t } = useTranslation();
  const { upload, projectId } = props;
  const { id, name, state } = upload;
  const isOnTheWay = state === "waiting" || state === "uploading";
  const mayBeSentAgain = state === "cancelled" || (state === "failed" && uploads.fileOf(id) !== null);
  return (
    <li data-upload={state} className="text-sm">
      <div className="flex min-h-8 items-center justify-between gap-3">
        <span className="min-w-0 truncate" title={name}>
          {name}
        </span>
        <span className="flex shrink-0 items-center gap-1.5 text-xs text-soft [&_svg]:size-3.5">
          <UploadState upload={upload} />
          {isOnTheWay && (
            <Button look="quiet" size="small" className="h-7 px-1.5" aria-label={t("data.cancelUpload", { name })} onClick={() => uploads.cancel(projectId, id)}>
              <X aria-hidden />
            </Button>
          )}
          {mayBeSentAgain && (
            <Button size="small" className="h-7" aria-label={t("data.retryUpload", { name })} onClick={() => props.onSend(id)}>
              <RotateCcw aria-hidden />
              {t("common.retry")}
            </Button>
          )}
        </span>
      </div>
      {state === "uploading" && <ProgressBar className="mt-1" fraction={upload.fraction} label={t("documents.uploading", { name })} />}
      {state === "failed" && (
        <p role="alert" className="mt-0.5 text-xs text-bad">
          <Reason {...props} />
        </p>
      )}
      {state === "choose" && <Choice {...props} />}
    </li>
  );
}

function UploadState({ upload }: { upload: Upload }) {
  const { t } = useTranslation();
  const format = useFormat();
  switch (upload.state) {
    case "waiting":
      return (
        <>
          <Clock aria-hidden /> {t("documents.waiting")}
        </>
      );
    case "uploading":
      return format.percent(upload.fraction);
    case "done":
      return (
        <>
          <Check className="text-good" aria-hidden /> {upload.duplicate ? t("documents.duplicate") : t("documents.uploaded")}
        </>
      );
    case "cancelled":
      return (
        <>
          <Ban aria-hidden /> {t("data.cancelled")}
        </>
      );
    case "failed":
      return (
        <>
          <CircleAlert className="text-bad" aria-hidden /> {t("documents.uploadFailed")}
        </>
      );
    case "choose":
      return null;
  }
}

/** A table may be a document, or examples that are ready. */
function Choice({ upload, projectId, onSend, onImport }: ListProps & { upload: Upload }) {
  const { t } = useTranslation();
  return (
    <div className="mt-1 rounded-lg bg-sunken p-2.5">
      <p className="text-xs">{upload.canRead ? t("data.whichText") : t("data.datasetText")}</p>
      <div className="mt-2 flex flex-wrap gap-1.5">
        <Button size="small" look="primary" onClick={() => onImport(upload)}>
          {t("data.asExamples")}
        </Button>
        {upload.canRead && (
          <Button size="small" onClick={() => onSend(upload.id)}>
            {t("data.asDocument")}
          </Button>
        )}
        <Button size="small" look="quiet" onClick={() => uploads.dismiss(projectId, upload.id)}>
          {t("data.leaveOut")}
        </Button>
      </div>
    </div>
  );
}

function Reason({ upload, limits }: ListProps & { upload: Upload }) {
  const { t } = useTranslation();
  const format = useFormat();
  const texts = useProblemTexts();
  if (upload.problem === "wrong_type") return t("documents.wrongType", { list: [...new Set([...limits.extensions, ...limits.datasetExtensions])].join(", ") });
  if (upload.problem === "empty") return t("data.emptyFile");
  if (upload.problem === "too_large") {
    return t("documents.tooLarge", { size: format.bytes(upload.size), limit: format.bytes(limits.maxBytes) });
  }
  const { title, message, hint } = texts(upload.problem);
  return [title, message, hint].filter(Boolean).join(" ");
}
