import { useTranslation } from "react-i18next";
import { Dialog } from "../../shared/ui/Dialog";
import { ACTIONS, KEYS } from "./shortcuts";

const NAMES: Record<string, string> = { ArrowDown: "↓", ArrowUp: "↑", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", Enter: "↵" };

/** Which key does what. */
export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={t("triage.helpTitle")} text={t("triage.helpText")}>
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-5 gap-y-2.5 text-sm">
        {ACTIONS.map((action) => (
          <div key={action} className="contents">
            <dt className="flex gap-1">
              {KEYS[action].map((key) => (
                <kbd key={key} className="inline-flex h-6 min-w-6 items-center justify-center rounded border border-line bg-sunken px-1.5 font-mono text-xs">
                  {NAMES[key] ?? key}
                </kbd>
              ))}
            </dt>
            <dd>{t(`triage.help.${action}`)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
