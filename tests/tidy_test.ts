/** What a machine can keep in order about the sources themselves. */

import assert from "node:assert/strict";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Which folders a folder may import from, besides itself; imports go downwards only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "ffi": [],
  "lib/core": [],
  "config": ["lib/core"],
  "lib/vrrp": ["lib/core"],
  "lib/net": ["lib/core", "lib/vrrp", "ffi"],
  "lib/engine": ["lib/core", "lib/vrrp", "lib/net", "ffi"],
  "lib/track": ["lib/core"],
  "lib/daemon": ["lib/core", "lib/vrrp", "lib/net", "lib/engine", "lib/track", "config"],
  "lib/cli": ["lib/core", "lib/vrrp", "lib/net", "lib/engine", "lib/daemon", "config"],
  "lib/build": ["lib/core", "lib/daemon"],
  "main.ts": ["lib/cli", "lib/engine"],
};

/** Folders whose files are pure: no clock, no randomness, no IO. */
const PURE = ["lib/vrrp", "lib/core", "config"];
const IMPURE = /\bDeno\.|\bDate\b|Math\.random|performance\.|crypto\.|setTimeout|fetch\(/;

interface Source {
  readonly path: string;
  readonly folder: string;
  readonly text: string;
}

function* sources(folder: string): Generator<Source> {
  const top = join(ROOT, folder);
  if (Deno.statSync(top).isFile) {
    yield { path: folder, folder, text: Deno.readTextFileSync(top) };
    return;
  }
  for (const entry of Deno.readDirSync(top)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) {
      for (const source of sources(path)) yield { ...source, folder };
    } else if (entry.name.endsWith(".ts")) {
      yield { path, folder, text: Deno.readTextFileSync(join(ROOT, path)) };
    }
  }
}

function product(): Source[] {
  return Object.keys(MAY_IMPORT).flatMap((folder) => [...sources(folder)]);
}

/** The relative imports of a file, static and dynamic, as paths from the root. */
function importsOf({ path, text }: Source): string[] {
  const found = text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g);
  return [...found].map(([, specifier]) => normalize(join(dirname(path), specifier!)));
}

function folderOf(path: string): string {
  return Object.keys(MAY_IMPORT).find((folder) =>
    path === folder || path.startsWith(`${folder}/`)
  ) ??
    path;
}

Deno.test("imports go downwards only", () => {
  for (const source of product()) {
    const allowed = [source.folder, ...MAY_IMPORT[source.folder]!, "deno.json"];
    for (const path of importsOf(source)) {
      assert.ok(allowed.includes(folderOf(path)), `${source.path} imports ${path}`);
    }
  }
});

Deno.test("lib/vrrp, lib/core and config are pure", () => {
  for (const source of product().filter(({ folder }) => PURE.includes(folder))) {
    const code = source.text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*|"(?:[^"\\]|\\.)*"/g, "");
    assert.doesNotMatch(code, IMPURE, source.path);
  }
});

/** The text that reads the program out of the packed file, before there is any other code. */
const WITH_DLOPEN = ["lib/build/bootstrap.ts"];

/** Folders that may use libraries of others, and how those are imported: by a bare name. */
const WITH_LIBRARIES = ["lib/cli", "lib/track", "lib/daemon"];
const LIBRARY = /(?:\bfrom\s|\bimport\()\s*"(?!\.|node:)/;

Deno.test("only ffi calls Deno.dlopen, and libraries stay out of the lower layers", () => {
  for (const { path, folder, text } of product()) {
    if (!WITH_DLOPEN.includes(path) && folder !== "ffi") {
      assert.doesNotMatch(text, /Deno\.dlopen/, path);
    }
    const mayUse = WITH_LIBRARIES.includes(folder) || folder === "lib/build";
    if (!mayUse) assert.doesNotMatch(text, LIBRARY, path);
  }
});

/** What is started by name: the program, those that build it, and what `deno task docs` writes with. */
const ENTRIES = ["main.ts", "lib/build/main.ts", "lib/build/portable.ts", "config/manual.ts"];

Deno.test("every file of the product is imported by another or is the entry", () => {
  const all = product();
  const imported = new Set([...all.flatMap(importsOf), ...ENTRIES]);
  assert.deepEqual(all.map(({ path }) => path).filter((path) => !imported.has(path)), []);
});

Deno.test("every export has a doc comment", () => {
  const bare: string[] = [];
  for (const { path, text } of product()) {
    const lines = text.split("\n");
    for (const [at, line] of lines.entries()) {
      if (!/^export (async )?(function|class|interface|const|type \w+ =|type \w+<)/.test(line)) {
        continue;
      }
      const above = lines.slice(0, at).findLast((text) => !text.startsWith("// deno-"));
      if (!above?.trimEnd().endsWith("*/")) bare.push(`${path}:${at + 1}: ${line}`);
    }
  }
  assert.deepEqual(bare, []);
});

Deno.test("sources have no leftover reminders, no absolute paths of a machine", () => {
  const banned = new RegExp(
    ["TO" + "DO", "FIX" + "ME", "X" + "XX", "/ho" + "me/", "/wo" + "rk/"].join("|"),
  );
  for (const { path, text } of [...product(), ...sources("tests")]) {
    assert.doesNotMatch(text, banned, path);
  }
});

Deno.test("the documents name one Deno version, and it is the one that runs this", () => {
  const named = [
    "README.md",
    ...[...Deno.readDirSync(join(ROOT, "docs"))].map(({ name }) => `docs/${name}`),
  ]
    .flatMap((file) => [...Deno.readTextFileSync(join(ROOT, file)).matchAll(/deno@([\d.]*\d)/g)])
    .map(([, version]) => version);
  assert.deepEqual([...new Set(named)], [Deno.version.deno]);
});
