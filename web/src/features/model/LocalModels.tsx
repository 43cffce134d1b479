import { Check } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Problem } from "../../shared/api/problem";
import type { Model } from "../../shared/api/types";
import { cn } from "../../shared/lib/cn";
import { useFormat } from "../../shared/lib/format";
import { Badge } from "../../shared/ui/Badge";
import { Button } from "../../shared/ui/Button";
import { ProblemLine } from "../../shared/ui/ProblemNote";

/** The models on this computer, to choose one at once. */
export function LocalModels(props: { models: Model[]; chosen: string; busy: string | null; onChoose: (id: string) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <ul className="divide-y divide-line">
      {props.models.map((model) => {
        const isChosen = model.id === props.chosen;
        const isBase = model.source === "bundled";
        const facts = [
          model.parameters != null && t("hub.parameters", { value: format.compact(model.parameters) }),
          model.family,
          model.context_length != null && t("hub.tokens", { value: format.number(model.context_length) }),
          model.size_bytes != null && format.bytes(model.size_bytes),
        ].filter(Boolean);
        return (
          <li key={model.id} data-model={model.id} className={cn("flex flex-wrap items-center gap-3 py-3 first:pt-0 last:pb-0")}>
            <div className="min-w-0 flex-1 basis-60">
              <p className="flex flex-wrap items-center gap-2 text-sm font-medium">
                <span className="min-w-0 wrap-anywhere">{model.name}</span>
                {isBase && <Badge tone="accent">{t("model.atOnce")}</Badge>}
                {isChosen && <Badge tone="good">{t("hub.used")}</Badge>}
                {!model.usable && <Badge tone="bad">{t("model.unusable")}</Badge>}
              </p>
              <p className="mt-0.5 text-xs text-soft">{facts.join(" · ")}</p>
              {isBase && <p className="mt-0.5 text-xs text-soft">{t("model.baseText")}</p>}
              {model.problem && (
                <ProblemLine
                  className="mt-0.5 text-xs text-bad"
                  problem={new Problem({ code: model.cause?.code ?? "invalid_model", params: model.cause?.params ?? {}, message: model.problem })}
                />
              )}
            </div>
            <Button
              size="small"
              disabled={isChosen || !model.usable}
              busy={props.busy === model.id}
              aria-label={t("model.of", { action: isChosen ? t("hub.used") : t("hub.use"), name: model.name })}
              onClick={() => props.onChoose(model.id)}
            >
              {isChosen && <Check aria-hidden />}
              {isChosen ? t("hub.used") : t("hub.use")}
            </Button>
          </li>
        );
      })}
    </ul>
  );
}
