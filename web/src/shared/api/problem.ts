import type { ErrorBody, FieldError } from "./types";

/** An answer that is not the one wanted: the server's own error, or none at all (`network`, `unexpected`). */
export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  readonly hint: string;
  readonly params: Record<string, unknown>;
  readonly fields: FieldError[];
  readonly requestId: string | null;

  constructor(body: Partial<Omit<ErrorBody, "params">> & { code: string; params?: Record<string, unknown> }, status = 0) {
    super(body.message ?? "");
    this.name = "Problem";
    this.code = body.code;
    this.status = status;
    this.hint = body.hint ?? "";
    this.params = body.params ?? {};
    this.fields = body.fields ?? [];
    this.requestId = body.request_id ?? null;
  }

  /** Trying again without a change may help. */
  get mayPass(): boolean {
    return this.code === "network" || this.status >= 500 || this.status === 429;
  }
}

/** The server's error envelope as a problem; anything else is `unexpected`. */
export function problemOf(body: unknown, status: number): Problem {
  const error = typeof body === "object" && body !== null && "error" in body ? body.error : null;
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string") {
    return new Problem(error as ErrorBody, status);
  }
  return new Problem({ code: "unexpected", message: `HTTP ${status}` }, status);
}

/** Whatever was thrown, as a problem. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof TypeError) return new Problem({ code: "network", message: thrown.message });
  return new Problem({ code: "unexpected", message: thrown instanceof Error ? thrown.message : String(thrown) });
}
