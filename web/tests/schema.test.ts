import { readFileSync } from "node:fs";
import openapiTypescript, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { expect, it } from "vitest";

it("has the types of openapi.json (npm run generate writes them)", async () => {
  const description = JSON.parse(readFileSync("openapi.json", "utf8"));
  const generated = COMMENT_HEADER + astToString(await openapiTypescript(description));
  expect(readFileSync("src/shared/api/schema.ts", "utf8") === generated, "src/shared/api/schema.ts is out of date").toBe(true);
});
