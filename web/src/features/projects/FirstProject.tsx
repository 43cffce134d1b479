import { BookOpenText, GraduationCap, MessagesSquare, Plus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "../../shared/ui/Button";

const ICONS = [BookOpenText, GraduationCap, MessagesSquare];

/** In place of an empty list: what the studio does in three lines, and the way to begin. */
export function FirstProject({ onStart }: { onStart: () => void }) {
  const { t } = useTranslation();
  const lines = t("dashboard.learn", { returnObjects: true }) as string[];
  return (
    <section className="mx-auto flex max-w-2xl flex-col items-center rounded-2xl border border-line bg-surface px-5 py-10 text-center sm:px-10">
      <h2 className="text-xl font-semibold tracking-tight">{t("dashboard.learnTitle")}</h2>
      <ol className="mt-6 w-full space-y-4 text-left">
        {lines.map((line, index) => {
          const Icon = ICONS[index] ?? MessagesSquare;
          return (
            <li key={line} className="flex items-center gap-4">
              <span className="flex size-10 shrink-0 items-center justify-center rounded-full bg-accent-soft text-accent-strong">
                <Icon className="size-5" aria-hidden />
              </span>
              <span>{line}</span>
            </li>
          );
        })}
      </ol>
      <Button look="primary" className="mt-8 h-12 px-6 text-base" onClick={onStart}>
        <Plus aria-hidden />
        {t("dashboard.start")}
      </Button>
    </section>
  );
}
