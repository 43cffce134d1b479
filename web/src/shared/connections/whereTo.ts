import type { Connection } from "../api/types";

/** Where what is sent to a connection goes. Ollama hands models of its cloud on to its own servers. */
export function whereTo(connection: Connection, model: string): "program" | "computer" | "cloud" | "away" {
  if (connection.kind === "built_in") return "program";
  if (connection.leaves_the_machine) return "away";
  return connection.kind === "ollama" && /[:-]cloud$/.test(model.trim()) ? "cloud" : "computer";
}
