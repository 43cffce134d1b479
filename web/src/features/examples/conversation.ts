import type { Message } from "../../shared/api/types";

export type TurnFault = "emptyTurn" | "mustEnd" | "mustAsk";

/** What keeps a conversation from being trained on: by turn, and as a whole (index -1). The server has the same rules. */
export function faults(messages: readonly Message[]): Map<number, TurnFault> {
  const found = new Map<number, TurnFault>();
  messages.forEach((message, index) => {
    if (message.content.trim() === "") found.set(index, "emptyTurn");
  });
  if (messages.at(-1)?.role !== "assistant") found.set(-1, "mustEnd");
  else if (!messages.some((message) => message.role === "user")) found.set(-1, "mustAsk");
  return found;
}

/** A further turn: the other speaker's. */
export function nextTurn(messages: readonly Message[]): Message {
  return { role: messages.at(-1)?.role === "user" ? "assistant" : "user", content: "" };
}
