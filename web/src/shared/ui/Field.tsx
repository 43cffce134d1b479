import { type ComponentProps, type ReactNode, useId } from "react";
import { cn } from "../lib/cn";

const control =
  "w-full rounded-lg border border-strong-line bg-surface px-3 text-sm text-ink placeholder:text-soft disabled:opacity-60 aria-invalid:border-bad";

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return <input className={cn(control, "h-10", className)} {...rest} />;
}

export function Select({ className, ...rest }: ComponentProps<"select">) {
  return <select className={cn(control, "h-10 pr-8", className)} {...rest} />;
}

export function Textarea({ className, ...rest }: ComponentProps<"textarea">) {
  return <textarea className={cn(control, "min-h-20 py-2 leading-relaxed", className)} {...rest} />;
}

interface ControlProps {
  id: string;
  "aria-describedby"?: string;
  "aria-invalid"?: true;
}

/** A control with its label, a hint and what is wrong with it. */
export function Field(props: {
  label: string;
  hint?: ReactNode;
  error?: string | null | undefined;
  className?: string;
  children: (control: ControlProps) => ReactNode;
}) {
  const id = useId();
  const noteId = `${id}-note`;
  const note = props.error ?? props.hint;
  const control: ControlProps = { id };
  if (note) control["aria-describedby"] = noteId;
  if (props.error) control["aria-invalid"] = true;
  return (
    <div className={cn("min-w-0", props.className)}>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {props.label}
      </label>
      {props.children(control)}
      {note && (
        <p id={noteId} className={cn("mt-1 text-xs", props.error ? "text-bad" : "text-soft")}>
          {note}
        </p>
      )}
    </div>
  );
}

/** A box to tick, with its label beside it. */
export function Checkbox({ label, hint, className, ...rest }: ComponentProps<"input"> & { label: ReactNode; hint?: ReactNode }) {
  return (
    <label className={cn("flex items-start gap-2.5 text-sm", rest.disabled ? "opacity-60" : "cursor-pointer", className)}>
      <input type="checkbox" className="mt-0.5 size-4 shrink-0 accent-(--accent)" {...rest} />
      <span className="min-w-0">
        {label}
        {hint && <span className="block text-xs text-soft">{hint}</span>}
      </span>
    </label>
  );
}
