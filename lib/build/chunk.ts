/**
 * A module of the bundle becomes a function. Modules as such would have to be given to Deno by URL, which
 * reads each of them a second time with a parser of its own and keeps every copy: 40 MB for vigie. A
 * function is read by V8 alone, when it is called for the first time.
 *
 * The bundler's modules use few forms of import and export, and these are all that is understood; whatever
 * else there is fails the build.
 */

/** A module of the bundle that cannot become a function. */
export class ChunkError extends Error {
  override readonly name = "ChunkError";
}

/** Modules of Node whose default import is asked for at the first use: 20 ms and 10 MB at start. */
const LATE_MODULES = ["node:child_process", "node:fs", "node:process"];

const IMPORT = /^import\s*(?:([^"';]*?)\s*from\s*)?"([^"]+)";\n/gm;
const EXPORT = /^export \{([^}]*)\};\n/gm;
const EXPORT_DEFAULT = /^export default /gm;
const IMPORT_LATER = /\bimport\("\.\/([^"]+)"\)/g;

/** How the bundler gives modules of CommonJS the modules of Node; it loads one of them to do so. */
const REQUIRE =
  /^import \{ createRequire as (\w+) \} from "node:module";\nvar (\w+) = \1\(import\.meta\.url\);\n/m;

/** The names of other modules that a module imports, at once or later, in order. */
export function neighboursOf(text: string): string[] {
  const atOnce = [...text.matchAll(IMPORT)].map(([, , from]) => from!)
    .filter((from) => from.startsWith("./")).map((from) => from.slice(2));
  const later = [...text.matchAll(IMPORT_LATER)].map(([, name]) => name!);
  return [...new Set([...atOnce, ...later])];
}

/** The modules of Node that a module loads when it is loaded itself. */
export function loadedAtOnce(text: string): string[] {
  return [...text.matchAll(/^(?:const .* = )?await import\("(node:[^"]+)"\);$/gm)].map(([, name]) =>
    name!
  );
}

/**
 * The source of an async function that does what a module does. It takes `$load(name)`, which answers
 * the exports of another, `$late(name)`, a stand-in for a module of Node, `$require(name)`, and `$url`,
 * the program's own module.
 *
 * @param rename The name by which another module is loaded.
 * @throws {ChunkError} If the module has something that a function cannot do.
 */
export function chunkFunction(text: string, rename: (name: string) => string): string {
  let body = text.replace(REQUIRE, (_, _create, name) => `var ${name} = $require;\n`);
  checkExportsStay(body);
  const imports: string[] = [], exports: string[] = [];
  body = body.replaceAll(IMPORT, (_, what: string | undefined, from: string) => {
    imports.push(importLine(what, from, rename));
    return "";
  });
  body = body.replaceAll(EXPORT, (_, list: string) => {
    exports.push(...namesOf(list).map(([here, there]) => `${there}: ${here}`));
    return "";
  });
  body = body.replaceAll(EXPORT_DEFAULT, () => {
    exports.push("default: $default");
    return "const $default = ";
  });
  body = body.replaceAll(IMPORT_LATER, (_, name: string) => `$load("${rename(name)}")`)
    .replaceAll("import.meta.url", "$url");
  const source = `(async ($load, $late, $require, $url) => {\n"use strict";\n` +
    [...imports, body.trim(), `return { ${exports.join(", ")} };`].join("\n") + "\n})";
  checkSyntax(source);
  return source;
}

function importLine(
  what: string | undefined,
  from: string,
  rename: (name: string) => string,
): string {
  const module = from.startsWith("./")
    ? `await $load("${rename(from.slice(2))}")`
    : `await import("${from}")`;
  if (what === undefined) return `${module};`;
  if (what.startsWith("{")) {
    const names = namesOf(what.slice(1, -1)).map(([there, here]) => `${there}: ${here}`);
    return `const { ${names.join(", ")} } = ${module};`;
  }
  if (what.startsWith("*")) return `const ${what.replace(/^\*\s+as\s+/, "")} = ${module};`;
  if (!/^[\w$]+$/.test(what)) throw new ChunkError(`cannot import ${what} from ${from}`);
  if (LATE_MODULES.includes(from)) return `const ${what} = $late("${from}");`;
  return `const { default: ${what} } = ${module};`;
}

/** The names of a list such as `a, b as c`: what stands before `as` and what behind it. */
function namesOf(list: string): [before: string, behind: string][] {
  return list.split(",").map((item) => item.trim()).filter((item) => item !== "").map((item) => {
    const [before, behind] = item.split(/\s+as\s+/);
    return [before!, behind ?? before!];
  });
}

/** A function gives out values, a module variables: none that is given out may change later. */
function checkExportsStay(text: string): void {
  for (const [, list] of text.matchAll(EXPORT)) {
    for (const [local] of namesOf(list!)) {
      const name = local.replaceAll("$", "\\$");
      const written = new RegExp(
        `(?<![\\w$.])${name}\\s*(?:\\*\\*|<<|>>>?|&&|\\|\\||\\?\\?|[-+*/%&|^])?=(?![=>])|` +
          `(?<![\\w$.])${name}(?:\\+\\+|--)|(?:\\+\\+|--)${name}(?![\\w$])`,
        "g",
      );
      const changes = [...text.matchAll(written)].filter(({ index }) =>
        !/(?:^|\n)(?:var|let|const) $/.test(text.slice(Math.max(0, index - 7), index))
      );
      if (changes.length > 0) throw new ChunkError(`${local} is exported and changes later`);
    }
  }
}

/** An import or export that was not understood is a syntax error inside a function. */
function checkSyntax(source: string): void {
  try {
    new Function(source);
  } catch (error) {
    throw new ChunkError(`cannot be a function: ${error instanceof Error ? error.message : error}`);
  }
}
