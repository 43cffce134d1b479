import type { Connection } from "../../shared/api/types";

/** The id of the model inside the program. */
const BASE = "base";

/** Whether this is the model inside the program, which is there for trying: it cannot write examples. */
export function isTooSmall(connection: Connection | null, model: string): boolean {
  return connection?.kind === "built_in" && model === BASE;
}
