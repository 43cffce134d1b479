#!/usr/bin/env node
// Writes THIRD_PARTY_NOTICES.md: every crate and npm package that the binary embeds, with its licence and notice texts.
// `--check` fails where the file does not list exactly what Cargo.lock and web/package-lock.json bring.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const target = path.join(root, "THIRD_PARTY_NOTICES.md");

/** Crates that `finetuneflow` links on any platform: normal dependencies, no build or test ones. */
function crates() {
  const json = execFileSync("cargo", ["metadata", "--format-version", "1", "--locked"], {
    cwd: root,
    maxBuffer: 1 << 28,
  });
  const metadata = JSON.parse(json);
  const packages = new Map(metadata.packages.map((p) => [p.id, p]));
  const nodes = new Map(metadata.resolve.nodes.map((n) => [n.id, n]));
  const start = metadata.packages.find((p) => p.name === "finetuneflow").id;
  const seen = new Set([start]);
  const queue = [start];
  while (queue.length > 0) {
    for (const dependency of nodes.get(queue.pop()).deps) {
      if (dependency.dep_kinds.every((kind) => kind.kind !== null) || seen.has(dependency.pkg)) continue;
      seen.add(dependency.pkg);
      queue.push(dependency.pkg);
    }
  }
  return [...seen]
    .map((id) => packages.get(id))
    .filter((p) => p.source !== null)
    .map((p) => ({ name: p.name, version: p.version, licence: p.license ?? "see its licence file", folder: path.dirname(p.manifest_path) }));
}

/** npm packages that end up in the web app: everything not marked `dev` in the lock file. */
function npmPackages() {
  const lock = path.join(root, "web/package-lock.json");
  if (!existsSync(lock)) return [];
  return Object.entries(JSON.parse(readFileSync(lock, "utf8")).packages)
    .filter(([place, entry]) => place !== "" && !entry.dev && !entry.optional && !entry.devOptional)
    .map(([place, entry]) => ({
      name: place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length),
      version: entry.version,
      licence: entry.license ?? "see its licence file",
      folder: path.join(root, "web", place),
    }));
}

function licenceTexts(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^(licen[cs]e|copying|notice|unlicense)/i.test(name))
    .sort()
    .map((name) => path.join(folder, name))
    .filter((file) => !readdirSyncSafe(file))
    .map((file) => readFileSync(file, "utf8").replace(/\r\n/g, "\n").trim());
}

function readdirSyncSafe(file) {
  try {
    readdirSync(file);
    return true;
  } catch {
    return false;
  }
}

const byName = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1);
const row = (p) => `| ${p.name} | ${p.version} | ${p.licence} |`;
const table = (list) => ["| package | version | licence |", "|---|---|---|", ...list.map(row)].join("\n");

const rust = crates().sort(byName);
const web = npmPackages().sort(byName);
const lists = `# Third-party notices

FineTuneFlow itself is licensed under Apache-2.0 OR MIT. Its binary embeds the packages below, each under its own licence.
Made by \`make notices\`; \`make test\` fails when it is out of date.

## Rust crates

${table(rust)}

## npm packages (the web app)

${table(web)}
`;

if (process.argv.includes("--check")) {
  const found = existsSync(target) ? readFileSync(target, "utf8") : "";
  if (!found.startsWith(lists)) {
    console.error("THIRD_PARTY_NOTICES.md is out of date: run `make notices`");
    process.exit(1);
  }
} else {
  const texts = new Map();
  for (const p of [...rust, ...web]) {
    for (const text of licenceTexts(p.folder)) {
      const users = texts.get(text) ?? [];
      users.push(`${p.name} ${p.version}`);
      texts.set(text, users);
    }
  }
  const notices = [...texts].map(([text, users]) => `### ${[...new Set(users)].join(", ")}\n\n\`\`\`text\n${text.replaceAll("```", "'''")}\n\`\`\``);
  writeFileSync(target, `${lists}\n## Licence texts\n\n${notices.join("\n\n")}\n`);
}
