/** Modules that become functions: each form that the bundler writes, and what is refused. */

import assert from "node:assert/strict";
import { bootstrapUrl, cargoOf } from "../lib/build/bootstrap.ts";
import { bundle } from "../lib/build/bundle.ts";
import { ChunkError, chunkFunction, loadedAtOnce, neighboursOf } from "../lib/build/chunk.ts";
import { Scratch } from "./build_shared.ts";

const rename = (name: string) => `new ${name}`;

/** Calls a module as the packed program does. */
async function call(
  text: string,
  modules: Readonly<Record<string, unknown>> = {},
): Promise<Record<string, unknown>> {
  const load = (name: string) => Promise.resolve(modules[name]);
  const late = (name: string) => ({ late: name }), require = (name: string) => ({ require: name });
  return await (0, eval)(chunkFunction(text, rename))(load, late, require, "the:url");
}

Deno.test("chunkFunction() gives out what the module exports, under the names outside", async () => {
  const text = `var a = 1;\nfunction f() {\n  return a;\n}\nexport {\n  a,\n  f as g\n};\n`;
  const { a, g } = await call(text) as { a: number; g: () => number };
  assert.equal(a, 1);
  assert.equal(g(), 1);
});

Deno.test("chunkFunction() takes imports from other modules under the names here", async () => {
  const text = `import {\n  a as b,\n  $c\n} from "./x-1.js";\nimport "./y.js";\n` +
    `var sum = b + $c;\nexport {\n  sum\n};\n`;
  assert.deepEqual(await call(text, { "new x-1.js": { a: 1, $c: 2 } }), { sum: 3 });
});

Deno.test("chunkFunction() imports from Node: named, default, all", async () => {
  const text = `import { basename as base } from "node:path";\nimport path from "node:path";\n` +
    `import * as all from "node:path";\nvar same = path.basename === base && all.basename === base;\n` +
    `export {\n  same\n};\n`;
  assert.deepEqual(await call(text), { same: true });
});

Deno.test("chunkFunction() takes large modules of Node late, and lends require()", async () => {
  const text = `import fs from "node:fs";\n` +
    `import { createRequire as make } from "node:module";\nvar __require = make(import.meta.url);\n` +
    `var b = __require("buffer");\nvar url = import.meta.url;\nexport {\n  fs,\n  b,\n  url\n};\n`;
  assert.deepEqual(await call(text), {
    fs: { late: "node:fs" },
    b: { require: "buffer" },
    url: "the:url",
  });
  assert.deepEqual(loadedAtOnce(chunkFunction(text, rename)), []);
});

Deno.test("chunkFunction() keeps imports for later, and a default export", async () => {
  const text = `export default (await import("./z.js")).z + (await import("node:path")).sep;\n`;
  assert.deepEqual(await call(text, { "new z.js": { z: "z" } }), { default: "z/" });
  assert.deepEqual(neighboursOf(text), ["z.js"]);
  assert.deepEqual(loadedAtOnce(chunkFunction(text, rename)), []);
});

Deno.test("chunkFunction() is strict code, as modules are", async () => {
  const text = `var self = (function() {\n  return this;\n})();\nexport {\n  self\n};\n`;
  assert.deepEqual(await call(text), { self: undefined });
});

for (
  const change of [
    "count = 2;",
    "count += 1;",
    "count++;",
    "--count;",
    "count ??= 1;",
    "count >>>= 1;",
  ]
) {
  Deno.test(`chunkFunction() refuses an export that changes later: ${change}`, () => {
    const text = `var count = 1;\nfunction f() {\n  ${change}\n}\nexport {\n  count,\n  f\n};\n`;
    assert.throws(() => chunkFunction(text, rename), /count is exported and changes later/);
  });
}

Deno.test("chunkFunction() does not take a comparison or another's property for a change", () => {
  const text = `var n = 1;\nvar o = { n: 2 };\no.n = 3;\nif (n === 1 || n <= 2) f((n2) => n);\n` +
    `var f = (x) => x, an = n == 1;\nexport {\n  n\n};\n`;
  chunkFunction(text, rename);
});

Deno.test("chunkFunction() refuses what it does not understand", () => {
  for (
    const text of [
      "export var a = 1;\n",
      `export * from "./x.js";\n`,
      'import a, { b } from "x";\n',
    ]
  ) {
    assert.throws(() => chunkFunction(text, rename), ChunkError);
  }
});

Deno.test("cargoOf() lays the texts where its index says", () => {
  const texts = new Map(Array.from({ length: 12 }, (_, n) => [`m${n}`, "x".repeat(n * n)]));
  const cargo = cargoOf(texts), decoder = new TextDecoder();
  const textAt = (at: number) => decoder.decode(cargo.subarray(at, cargo.indexOf(0, at)));
  const places: Record<string, number> = JSON.parse(textAt(0));
  assert.deepEqual(Object.keys(places).map((name) => [name, textAt(places[name]!)]), [...texts]);
});

Deno.test("cargoOf() refuses what is not ASCII or holds a zero", () => {
  assert.throws(() => cargoOf(new Map([["a", "\u00e9"]])), /not ASCII/);
  assert.throws(() => cargoOf(new Map([["a", "b\0"]])), /a zero/);
});

Deno.test("bootstrapUrl() survives a URL parser, and its length does not depend on the distance", () => {
  const url = bootstrapUrl(1, { A: "100%#" });
  assert.equal(url.length, bootstrapUrl(123456789, { A: "100%#" }).length);
  assert.equal(new URL(url).href, url);
  const code = decodeURIComponent(url.slice(url.indexOf(",") + 1));
  assert.match(code, /import\.meta\.url, +1n, \{"A":"100%#"\}\);$/);
});

/** A program whose parts share one module that has a state. */
const PROGRAM: Readonly<Record<string, string>> = {
  "deno.json": "{}",
  "main.ts": `import { next } from "./state.ts";
    next();
    const { answer } = await import("./later.ts");
    (globalThis as any).seen = [answer(), next()];`,
  "later.ts": `import { connect } from "node:net";
    import { next } from "./state.ts";
    export const answer = () => [next(), typeof connect];`,
  "state.ts": `let n = 0;\nexport function next() { return ++n; }`,
};

Deno.test("bundle() keeps what is imported later apart, and what is shared once", async () => {
  using scratch = new Scratch();
  for (const [name, text] of Object.entries(PROGRAM)) scratch.file(name, text);
  const modules = await bundle(scratch.path, "main.ts");
  assert.deepEqual(loadedAtOnce(modules.get("main")!), []);
  const net = [...modules].filter(([, text]) => loadedAtOnce(text).includes("node:net"));
  assert.deepEqual(net.map(([name]) => name.replace(/\d+$/, "N")), ["later-N"]);
  const loaded = new Map<string, Promise<unknown>>();
  const load = (name: string): Promise<unknown> => {
    const module = loaded.get(name) ?? (0, eval)(modules.get(name)!)(load);
    loaded.set(name, module);
    return module;
  };
  await load("main");
  assert.deepEqual((globalThis as { seen?: unknown }).seen, [[2, "function"], 3]);
});
