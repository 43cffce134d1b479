import { useTranslation } from "react-i18next";
import type { Message } from "../api/types";
import { cn } from "../lib/cn";

/** A conversation as it is read: questions stand out, and screen readers are told who speaks. */
export function Turns({ messages }: { messages: Message[] }) {
  const { t } = useTranslation();
  return messages.map((message, index) => (
    <p
      key={index}
      className={cn(
        "text-sm wrap-anywhere whitespace-pre-wrap",
        message.role === "user" ? "font-medium" : "mt-1",
        message.role === "user" && index > 0 && "mt-3",
        message.role === "system" && "mt-0 text-soft italic",
      )}
    >
      <span className="sr-only">
        {t("common.labelled", { label: message.role === "user" ? t("examples.question") : message.role === "system" ? t("examples.system") : t("examples.answer") })}{" "}
      </span>
      {message.content}
    </p>
  ));
}
