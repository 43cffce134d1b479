import { useTranslation } from "react-i18next";
import type { ExampleStatus } from "../api/types";
import { Badge, type Tone } from "./Badge";

const TONES: Record<ExampleStatus, Tone> = { pending: "warn", approved: "good", rejected: "bad" };

/** What was decided about an example. */
export function StatusBadge({ status }: { status: ExampleStatus }) {
  const { t } = useTranslation();
  return <Badge tone={TONES[status]}>{t(`examples.badge.${status}`)}</Badge>;
}
