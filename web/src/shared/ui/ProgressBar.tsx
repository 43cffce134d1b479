import { cn } from "../lib/cn";

/** How far something is: 0 to 1, or null when that is not known. */
export function ProgressBar(props: { fraction: number | null; label: string; className?: string }) {
  const { fraction } = props;
  const percent = fraction === null ? null : Math.round(Math.min(1, Math.max(0, fraction)) * 100);
  return (
    <div
      role="progressbar"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(percent === null ? {} : { "aria-valuenow": percent })}
      className={cn("h-2 overflow-hidden rounded-full bg-sunken", props.className)}
    >
      <div
        className={cn("h-full rounded-full bg-accent transition-[width] duration-300", percent === null && "w-1/3 animate-pulse")}
        style={percent === null ? undefined : { width: `${percent}%` }}
      />
    </div>
  );
}
