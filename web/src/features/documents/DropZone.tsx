import { Upload as UploadIcon } from "lucide-react";
import { type DragEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import { Button } from "../../shared/ui/Button";
import type { Limits } from "./uploads";

/** Takes files by drag and drop, or through the browser's own chooser. */
export function DropZone({ limits, onFiles }: { limits: Limits | null; onFiles: (files: File[]) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const take = (list: FileList | null) => {
    const files = [...(list ?? [])];
    if (files.length > 0) onFiles(files);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files);
  };
  return (
    <div
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      className={cn(
        "rounded-xl border-2 border-dashed px-4 py-8 text-center transition-colors",
        isOver ? "border-accent bg-accent-soft" : "border-line bg-surface",
      )}
    >
      <UploadIcon className="mx-auto mb-2 size-7 text-accent" aria-hidden />
      <p className="font-medium">{isOver ? t("documents.dropNow") : t("documents.drop")}</p>
      <p className="my-1 text-sm text-soft">{t("documents.or")}</p>
      <Button look="primary" disabled={!limits} onClick={() => input.current?.click()}>
        {t("documents.choose")}
      </Button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        data-testid="documents-input"
        accept={[...(limits?.extensions ?? []), ...(limits?.datasetExtensions ?? [])].map((extension) => `.${extension}`).join(",")}
        onChange={(event) => {
          take(event.target.files);
          event.target.value = "";
        }}
      />
      {limits && (
        <p className="mx-auto mt-3 max-w-prose text-xs text-soft">
          {t("documents.formats", { list: limits.extensions.join(", ") })}; {t("documents.limit", { size: format.bytes(limits.maxBytes) })}.{" "}
          {t("data.readyExamples", { list: limits.datasetExtensions.join(", ") })}
        </p>
      )}
    </div>
  );
}
