import { X } from "lucide-react";
import { AlertDialog as Alert, Dialog as Radix } from "radix-ui";
import { type ReactNode, useRef } from "react";
import { useTranslation } from "react-i18next";
import { cn } from "../lib/cn";
import { Button } from "./Button";
import { ProblemNote } from "./ProblemNote";

const overlay = "fixed inset-0 z-40 bg-black/45";
const panel = "fixed z-50 flex flex-col border border-line bg-surface text-ink shadow-xl";
const centred = "inset-x-4 top-[6vh] mx-auto max-h-[88vh] max-w-lg rounded-xl";

/** What had the focus when a dialog was opened has it again when the dialog is closed, also where no trigger of it is known. */
function useFocusGivenBack() {
  const before = useRef<Element | null>(null);
  return {
    remember: () => {
      before.current = document.activeElement;
    },
    giveBack: (event: Event) => {
      if (!(before.current instanceof HTMLElement) || !before.current.isConnected) return;
      event.preventDefault();
      before.current.focus();
    },
  };
}

/** A form begins in its first field, not at the button that closes it. */
function focusFirstField(event: Event): void {
  const content = event.currentTarget instanceof HTMLElement ? event.currentTarget : null;
  const field = content?.querySelector<HTMLElement>("input:not([type=hidden]):not(:disabled), textarea:not(:disabled), select:not(:disabled)");
  if (!field) return;
  event.preventDefault();
  field.focus();
}

/** A dialog in the middle, or with `side` a wide panel at the right. */
export function Dialog(props: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  text?: ReactNode;
  side?: boolean;
  wide?: boolean;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const focus = useFocusGivenBack();
  return (
    <Radix.Root open={props.open} onOpenChange={props.onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={overlay} />
        <Radix.Content
          onOpenAutoFocus={(event) => {
            focus.remember();
            focusFirstField(event);
          }}
          onCloseAutoFocus={focus.giveBack}
          className={cn(panel, props.side ? "inset-y-0 right-0 w-full max-w-3xl" : centred, props.wide && "max-w-2xl")}
          {...(props.text ? {} : { "aria-describedby": undefined })}
        >
          <div className="flex items-start justify-between gap-4 border-b border-line px-5 py-4">
            <div className="min-w-0">
              <Radix.Title className="text-lg font-semibold wrap-anywhere">{props.title}</Radix.Title>
              {props.text && <Radix.Description className="mt-0.5 text-sm text-soft">{props.text}</Radix.Description>}
            </div>
            <Radix.Close asChild>
              <Button look="quiet" size="icon" className="-mt-1 -mr-2" aria-label={t("common.close")}>
                <X aria-hidden />
              </Button>
            </Radix.Close>
          </div>
          <div className="min-h-0 flex-1 overflow-y-auto px-5 py-4">{props.children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** The row of buttons at the end of a dialog. */
export function DialogActions(props: { children: ReactNode }) {
  return <div className="mt-6 flex flex-wrap justify-end gap-2">{props.children}</div>;
}

/** Asks before something that cannot be taken back, or that concerns very much. Stays open while it is done, and shows when it fails. */
export function ConfirmDialog(props: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  text: string;
  action: string;
  /** What the other button says; "Cancel" where that is no riddle. */
  keep?: string;
  look?: "danger" | "primary";
  busy: boolean;
  problem: unknown;
  onConfirm: () => void;
}) {
  const { t } = useTranslation();
  const focus = useFocusGivenBack();
  return (
    <Alert.Root open={props.open} onOpenChange={props.onOpenChange}>
      <Alert.Portal>
        <Alert.Overlay className={overlay} />
        <Alert.Content
          onOpenAutoFocus={focus.remember}
          onCloseAutoFocus={focus.giveBack}
          className={cn(panel, centred, "max-w-md p-5")}
        >
          <Alert.Title className="text-lg font-semibold wrap-anywhere">{props.title}</Alert.Title>
          <Alert.Description className="mt-2 text-sm text-soft">{props.text}</Alert.Description>
          {props.problem != null && <ProblemNote problem={props.problem} className="mt-4" />}
          <DialogActions>
            <Alert.Cancel asChild>
              <Button>{props.keep ?? t("common.cancel")}</Button>
            </Alert.Cancel>
            <Button look={props.look ?? "danger"} busy={props.busy} onClick={props.onConfirm}>
              {props.action}
            </Button>
          </DialogActions>
        </Alert.Content>
      </Alert.Portal>
    </Alert.Root>
  );
}
