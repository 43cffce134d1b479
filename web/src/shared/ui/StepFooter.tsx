import { ArrowLeft, ArrowRight } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useOpenProject } from "../api/useOpenProject";
import { neighbours, type StepId } from "../lib/steps";
import { Button } from "./Button";

/**
 * The end of a step's page: back and next, named after the steps that they lead to. Nothing forbids going on; `note`
 * says what is still missing. `onNext` runs as the person goes on.
 */
export function StepFooter(props: { step: StepId; note?: ReactNode; onNext?: () => void }) {
  const { t } = useTranslation();
  const project = useOpenProject();
  const { before, after } = neighbours(props.step);
  const isDone = project.steps.find((step) => step.id === props.step)?.state === "done";
  const onward = after ?? "chat";
  return (
    <nav aria-label={t("steps.footer")} className="mt-8 flex flex-wrap items-center gap-x-4 gap-y-3 border-t border-line pt-5">
      <Button asChild>
        {before ? (
          <Link to={`/projects/${project.id}/${before}`}>
            <ArrowLeft aria-hidden />
            {t("steps.back", { step: t(`steps.${before}`) })}
          </Link>
        ) : (
          <Link to="/projects">
            <ArrowLeft aria-hidden />
            {t("app.projects")}
          </Link>
        )}
      </Button>
      <p className="min-w-0 flex-1 text-right text-sm text-soft max-sm:order-first max-sm:basis-full max-sm:text-left">{props.note}</p>
      <Button asChild className="max-sm:ml-auto" look={isDone || props.onNext ? "primary" : "plain"}>
        <Link to={`/projects/${project.id}/${onward}`} onClick={props.onNext}>
          {t("steps.next", { step: t(`steps.${onward}`) })}
          <ArrowRight aria-hidden />
        </Link>
      </Button>
    </nav>
  );
}
