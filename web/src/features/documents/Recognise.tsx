import { useQuery } from "@tanstack/react-query";
import { ScanText } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "../../shared/api/client";
import type { FileEntry } from "../../shared/api/types";
import { Button } from "../../shared/ui/Button";
import { Select } from "../../shared/ui/Field";
import { languageChoices, languageName } from "./languages";

/** For a scan or a picture: recognise its text, where the machine can. What is missing stands in the file's error. */
export function Recognise(props: { file: FileEntry; busy: boolean; onStart: (languages: string[]) => void }) {
  const { t, i18n } = useTranslation();
  const [chosen, setChosen] = useState<string | null>(null);
  const machine = useQuery({
    queryKey: ["settings", "ocr"],
    queryFn: ({ signal }) => take(api.GET("/api/settings/ocr", { signal })),
  });
  const isPdf = props.file.media_type === "application/pdf";
  if (!machine.data?.available || (isPdf && !machine.data.pdf_pages)) return null;
  const choices = languageChoices(machine.data.languages, i18n.language);
  const value = chosen ?? choices[0] ?? "";
  const names = (choice: string) =>
    choice
      .split("+")
      .map((code) => languageName(code, i18n.language))
      .join(" + ");
  return (
    <div className="mt-2 flex flex-wrap items-center gap-2">
      <Select
        className="h-8 w-auto"
        aria-label={t("documents.recogniseLanguage")}
        value={value}
        onChange={(event) => setChosen(event.target.value)}
      >
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {names(choice)}
          </option>
        ))}
      </Select>
      <Button size="small" busy={props.busy} disabled={value === ""} onClick={() => props.onStart(value.split("+"))}>
        <ScanText aria-hidden />
        {t("documents.recognise")}
      </Button>
      <span className="text-xs text-soft">{t("documents.recogniseHint")}</span>
    </div>
  );
}
