import { expect, it } from "vitest";
import { filterOf } from "./filter";

it.each([
  ["", {}],
  ["status=approved&q=lamp&issue=refusal&file_id=f&task=chat", { status: "approved", q: "lamp", issue: "refusal", file_id: "f", task: "chat" }],
  ["status=unknown&q=%20%20&at=7&view=one&page=2", {}],
  ["q=%20two%20words%20", { q: "two words" }],
])("takes %s", (search, filter) => expect(filterOf(new URLSearchParams(search))).toEqual(filter));
