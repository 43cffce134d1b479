import createClient from "openapi-fetch";
import { Problem, problemOf } from "./problem";
import type { paths } from "./schema";

/** The studio's API with the types of `openapi.json`. */
export const api = createClient<paths>({
  baseUrl: window.location.origin,
  // Looked up at each call, so that a test can put its own in place.
  fetch: (request) => fetch(request),
});

/** The data of an answer; a `Problem` is thrown when there is none. */
export async function take<Data>(
  answer: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<Data> {
  let taken: { data?: Data; error?: unknown; response: Response };
  try {
    taken = await answer;
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === "AbortError") throw thrown;
    if (thrown instanceof SyntaxError) throw new Problem({ code: "unexpected", message: thrown.message });
    throw new Problem({ code: "network", message: thrown instanceof Error ? thrown.message : String(thrown) });
  }
  if (!taken.response.ok) throw problemOf(taken.error, taken.response.status);
  return taken.data as Data;
}
