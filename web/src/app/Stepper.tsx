import { ChartNoAxesCombined, Check, ChevronDown, LoaderCircle, MessagesSquare, TriangleAlert } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { NavLink, useLocation } from "react-router";
import type { Project } from "../shared/api/types";
import { cn } from "../shared/lib/cn";
import { BESIDE_IDS, STEP_IDS, type StepState } from "../shared/lib/steps";

const BESIDE_ICONS = { results: ChartNoAxesCombined, chat: MessagesSquare };
/** The segments of the narrow bar. */
const SEGMENTS: Record<StepState, string> = {
  todo: "bg-line",
  doing: "bg-accent animate-pulse",
  done: "bg-accent",
  attention: "bg-warn",
};

/** The steps with their states, and the pages beside them. On narrow screens a bar that opens into the list. */
export function Stepper({ project }: { project: Project }) {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  const [isOpen, setOpen] = useState(false);
  useEffect(() => setOpen(false), [pathname]);
  const open = pathname.split("/")[3] ?? "";
  const number = STEP_IDS.findIndex((id) => id === open) + 1;
  const isBeside = BESIDE_IDS.find((id) => id === open);
  const name = number > 0 ? t(`steps.${STEP_IDS[number - 1] ?? "model"}`) : isBeside ? t(`steps.${isBeside}`) : project.name;
  return (
    <>
      <button
        type="button"
        aria-expanded={isOpen}
        aria-controls="project-steps"
        onClick={() => setOpen(!isOpen)}
        className="flex w-full flex-col gap-2 rounded-xl border border-line bg-surface px-3 py-2.5 text-left lg:hidden"
      >
        <span className="flex w-full items-center gap-2 text-sm">
          <span className="min-w-0 flex-1 truncate">
            {number > 0 && <span className="text-soft">{t("steps.position", { number, total: STEP_IDS.length })} · </span>}
            <span className="font-semibold">{name}</span>
          </span>
          <span className="text-xs text-soft">{t("steps.all")}</span>
          <ChevronDown className={cn("size-4 shrink-0 text-soft transition-transform", isOpen && "rotate-180")} aria-hidden />
        </span>
        <span aria-hidden className="flex w-full gap-1">
          {project.steps.map((step) => (
            <span key={step.id} className={cn("h-1.5 flex-1 rounded-full", SEGMENTS[step.state], step.id === open && "ring-2 ring-accent/40")} />
          ))}
        </span>
      </button>
      <nav id="project-steps" aria-label={t("steps.label")} className={cn("max-lg:mt-2 max-lg:rounded-xl max-lg:border max-lg:border-line max-lg:bg-surface max-lg:p-2", !isOpen && "max-lg:hidden")}>
        <ol className="flex flex-col gap-0.5">
          {project.steps.map((step, index) => (
            <li key={step.id}>
              <StepLink to={`/projects/${project.id}/${step.id}`}>
                <StateMark state={step.state} number={index + 1} />
                <span className="min-w-0 truncate">{t(`steps.${step.id}`)}</span>
                <span className="sr-only">({t(`steps.states.${step.state}`)})</span>
              </StepLink>
            </li>
          ))}
        </ol>
        <ul aria-label={t("steps.beside")} className="mt-2 flex flex-col gap-0.5 border-t border-line pt-2">
          {BESIDE_IDS.map((id) => {
            const Icon = BESIDE_ICONS[id];
            return (
              <li key={id}>
                <StepLink to={`/projects/${project.id}/${id}`}>
                  <span className="flex size-6 shrink-0 items-center justify-center">
                    <Icon className="size-4" aria-hidden />
                  </span>
                  <span className="min-w-0 truncate">{t(`steps.${id}`)}</span>
                </StepLink>
              </li>
            );
          })}
        </ul>
      </nav>
    </>
  );
}

function StepLink({ to, children }: { to: string; children: React.ReactNode }) {
  return (
    <NavLink
      to={to}
      className={({ isActive }) =>
        cn(
          "flex h-10 items-center gap-2.5 rounded-lg px-2 text-sm font-medium",
          isActive ? "bg-accent-soft text-accent-strong" : "text-soft hover:bg-sunken hover:text-ink",
        )
      }
    >
      {children}
    </NavLink>
  );
}

/** The step's number, or what there is to say of it. */
function StateMark({ state, number }: { state: StepState; number: number }) {
  const looks: Record<StepState, string> = {
    todo: "border border-strong-line text-soft",
    doing: "bg-accent-soft text-accent-strong",
    done: "bg-accent text-on-accent",
    attention: "bg-warn-soft text-warn",
  };
  return (
    <span data-state={state} className={cn("flex size-6 shrink-0 items-center justify-center rounded-full text-xs tabular-nums [&_svg]:size-3.5", looks[state])}>
      {state === "todo" && <span aria-hidden>{number}</span>}
      {state === "doing" && <LoaderCircle className="animate-spin" aria-hidden />}
      {state === "done" && <Check strokeWidth={3} aria-hidden />}
      {state === "attention" && <TriangleAlert aria-hidden />}
    </span>
  );
}
