import { Search, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useModels } from "../../shared/api/queries";
import { Button } from "../../shared/ui/Button";
import { Field, Select } from "../../shared/ui/Field";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { ModelSearch } from "./ModelSearch";

/** The base model of a project: one on this computer, or one that is found on the hub and downloaded first. */
export function ModelChoice({ modelId, onChoose }: { modelId: string; onChoose: (id: string) => void }) {
  const { t } = useTranslation();
  const models = useModels();
  const [isSearching, setSearching] = useState(false);
  const items = models.data?.items ?? [];
  return (
    <div className="space-y-3">
      <Field label={t("projects.model")} hint={t("projects.modelHint")}>
        {(control) => (
          <Select {...control} value={modelId} onChange={(event) => onChoose(event.target.value)}>
            {items.map((model) => (
              <option key={model.id} value={model.id} disabled={!model.usable}>
                {model.usable ? model.name : t("projects.modelUnusable", { name: model.name })}
              </option>
            ))}
            {models.data && !items.some((model) => model.id === modelId) && <option value={modelId}>{modelId}</option>}
          </Select>
        )}
      </Field>
      {models.error != null && <ProblemNote problem={models.error} onRetry={() => void models.refetch()} />}
      <Button size="small" aria-expanded={isSearching} onClick={() => setSearching(!isSearching)}>
        {isSearching ? <X aria-hidden /> : <Search aria-hidden />}
        {isSearching ? t("hub.close") : t("hub.add")}
      </Button>
      {isSearching && <ModelSearch chosen={modelId} onChoose={onChoose} />}
    </div>
  );
}
