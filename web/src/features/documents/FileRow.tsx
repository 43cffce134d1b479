import { FileText, Trash2, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { FileEntry } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { SaidText } from "../../shared/lib/said";
import { Badge, type Tone } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { Recognise } from "./Recognise";

const TONES: Record<FileEntry["status"], Tone> = { stored: "neutral", parsed: "good", failed: "bad" };

/** One document: what it is, how far it was read, what was noticed. */
export function FileRow(props: {
  file: FileEntry;
  isReading: boolean;
  isRecognising: boolean;
  onShow: () => void;
  onDelete: () => void;
  onRecognise: (languages: string[]) => void;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  const { file } = props;
  const facts = [
    format.bytes(file.size_bytes),
    file.pages != null && t("documents.pages", { count: file.pages }),
    file.characters != null && t("documents.characters", { count: file.characters }),
  ].filter(Boolean);
  return (
    <li className="flex flex-wrap items-start gap-x-3 gap-y-2 py-3 first:pt-0 last:pb-0">
      <FileText className="mt-0.5 size-5 shrink-0 text-soft" aria-hidden />
      <div className="min-w-0 flex-1 basis-52">
        <p className="font-medium wrap-anywhere">{file.name}</p>
        <p className="mt-0.5 flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-soft">
          <Badge tone={TONES[file.status]}>
            {file.status === "stored" && props.isReading ? t("documents.waiting") : t(`documents.status.${file.status}`)}
          </Badge>
          <span>{facts.join(" · ")}</span>
        </p>
        {file.error && <FileProblem error={file.error} reason={file.reason ?? null} />}
        {file.reason === "no_text" && <Recognise file={file} busy={props.isRecognising} onStart={props.onRecognise} />}
        {file.warnings.length > 0 && (
          <details className="mt-1.5 text-sm">
            <summary className="inline-flex items-center gap-1.5 text-warn">
              <TriangleAlert className="size-4" aria-hidden />
              {t("common.warnings", { count: file.warnings.length })}
            </summary>
            <ul className="mt-1 list-disc pl-6 text-soft">
              {file.warnings.map((warning, index) => (
                <li key={index}>
                  <FileWarningText warning={warning} />
                </li>
              ))}
            </ul>
          </details>
        )}
      </div>
      <div className="flex gap-1">
        {file.status === "parsed" && (
          <Button size="small" aria-label={t("documents.showTextOf", { name: file.name })} onClick={props.onShow}>
            {t("documents.showText")}
          </Button>
        )}
        <Button look="quiet" size="small" aria-label={t("documents.remove", { name: file.name })} onClick={props.onDelete}>
          <Trash2 aria-hidden />
        </Button>
      </div>
    </li>
  );
}

/** What was lost of a document, and on which page. */
export function FileWarningText({ warning }: { warning: FileEntry["warnings"][number] }) {
  const { t } = useTranslation();
  return (
    <>
      {warning.page != null && `${t("documents.page", { number: warning.page })}: `}
      <SaidText group="notes.files" said={warning} />
    </>
  );
}

/** Why a document cannot be read and what to do, in the reader's language; what the reading program said, below it. */
function FileProblem({ error, reason }: { error: string; reason: string | null }) {
  const { t, i18n } = useTranslation();
  const key = `reasons.unreadable_document.${reason}`;
  if (!reason || !i18n.exists(key)) {
    return (
      <p role="alert" lang="en" className="mt-1.5 text-sm wrap-anywhere text-bad">
        {error}
      </p>
    );
  }
  return (
    <div className="mt-1.5 text-sm">
      <p role="alert" className="text-bad">
        {t(key as never)}
      </p>
      <details className="mt-0.5 text-xs text-soft">
        <summary>{t("data.details")}</summary>
        <p lang="en" className="mt-1 wrap-anywhere">
          {error}
        </p>
      </details>
    </div>
  );
}
