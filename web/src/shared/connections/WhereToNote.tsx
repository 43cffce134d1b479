import { Globe, House } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Connection } from "../api/types";
import { cn } from "../lib/cn";
import { whereTo } from "./whereTo";

/** In plain words: whether what is sent to a connection leaves this computer. */
export function WhereToNote({ connection, model, className }: { connection: Connection; model: string; className?: string }) {
  const { t } = useTranslation();
  const place = whereTo(connection, model);
  const isHere = place === "program" || place === "computer";
  const Icon = isHere ? House : Globe;
  return (
    <p data-leaves={!isHere} className={cn("flex items-start gap-2 text-sm", isHere ? "text-good" : "text-warn", className)}>
      <Icon className="mt-0.5 size-4 shrink-0" aria-hidden />
      <span className="min-w-0 wrap-anywhere">{t(`connections.where.${place}`, { address: connection.address })}</span>
    </p>
  );
}
