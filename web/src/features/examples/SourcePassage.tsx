import { useTranslation } from "react-i18next";
import type { Example } from "../../shared/api/types";
import { MarkedPassage } from "../../shared/passages/MarkedPassage";
import { Origin } from "./Origin";

/** The passage that an example comes from, with the sentences behind it marked; what is known where there is none. */
export function SourcePassage({ projectId, example }: { projectId: string; example: Example }) {
  const { t } = useTranslation();
  const { provenance } = example;
  return (
    <section aria-label={t("triage.source")} data-testid="source" className="rounded-xl border border-line bg-surface p-4">
      <h2 className="text-sm font-semibold">{t("triage.source")}</h2>
      {provenance.chunk_id == null ? (
        <p className="mt-2 text-sm text-soft">
          {example.source === "import" ? t("triage.imported") : t("triage.passageGone")} <Origin example={example} />
        </p>
      ) : (
        <MarkedPassage projectId={projectId} chunkId={provenance.chunk_id} example={{ messages: example.messages, sentence: provenance.sentence }} />
      )}
    </section>
  );
}
