import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, it } from "vitest";

// shared → features → app: a file knows only what stands before it, and a feature knows no other feature.
const ROOT = resolve("src");
const files = readdirSync(ROOT, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name) && !name.includes(".test."));

const place = (path: string): [layer: string, feature: string] => {
  const [layer = "", feature = ""] = path.split(/[\\/]/);
  return [layer, layer === "features" ? feature : ""];
};
const MAY: Record<string, string[]> = {
  shared: ["shared"],
  features: ["shared", "features"],
  app: ["shared", "features", "app"],
  "main.tsx": ["shared", "features", "app"],
};

it.each(files)("%s imports only what it may", (name) => {
  const [layer, feature] = place(name);
  const source = readFileSync(join(ROOT, name), "utf8");
  for (const [, target = ""] of source.matchAll(/from "(\.[^"]+)"|import\("(\.[^"]+)"\)/g)) {
    const path = relative(ROOT, resolve(ROOT, dirname(name), target));
    const [otherLayer, otherFeature] = place(path);
    expect(MAY[layer], `${name} → ${path}`).toContain(otherLayer);
    if (layer === "features") expect(["", feature], `${name} → ${path}`).toContain(otherFeature);
  }
});

it("has no file that only passes others on", () => {
  expect(files.filter((name) => /(^|[\\/])index\.tsx?$/.test(name))).toEqual([join("shared", "i18n", "index.ts")]);
});
