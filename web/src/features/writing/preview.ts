import type { Job, Message } from "../../shared/api/types";

/** What a `dataset_preview` job answers. */
export interface PreviewResult {
  examples: PreviewExample[];
  set_aside: string[];
  estimate: Estimate;
  leaves_the_machine: boolean;
  address: string;
}

export interface PreviewExample {
  chunk_id: string;
  source: { headings?: string[]; page_start?: number | null; page_end?: number | null };
  messages: Message[];
  mended: boolean;
}

/** What all passages are expected to take; null where the provider does not count, or no price is known. */
export interface Estimate {
  chunks: number;
  calls: number;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  seconds: number;
  cost: number | null;
  sent_bytes: number;
}

export function previewOf(job: Job | null): PreviewResult | null {
  return job?.status === "completed" ? ((job.result as PreviewResult | null) ?? null) : null;
}
