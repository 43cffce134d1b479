import { cva } from "class-variance-authority";
import type { ReactNode } from "react";
import { cn } from "../lib/cn";

const badge = cva("inline-flex items-center gap-1 rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap [&_svg]:size-3", {
  variants: {
    tone: {
      neutral: "bg-sunken text-soft",
      accent: "bg-accent-soft text-accent-strong",
      good: "bg-good-soft text-good",
      warn: "bg-warn-soft text-warn",
      bad: "bg-bad-soft text-bad",
    },
  },
});

export type Tone = "neutral" | "accent" | "good" | "warn" | "bad";

export function Badge(props: { tone?: Tone; className?: string; children: ReactNode }) {
  return <span className={cn(badge({ tone: props.tone ?? "neutral" }), props.className)}>{props.children}</span>;
}
