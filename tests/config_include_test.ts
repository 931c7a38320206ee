import { deepEqual, equal, match, ok } from "node:assert/strict";
import { expandBraces, matchPaths } from "../config/include_glob.ts";
import { parseConfig, type ParseOptions } from "../config/mod.ts";
import { firstWords, INCLUDE_CASES, INCLUDED_FILES } from "./preprocess_cases.ts";

/** A file system of a few texts, without a disk. Null for a file that is executable. */
function folderOf(files: Readonly<Record<string, string | null>>): ParseOptions {
  const paths = Object.keys(files);
  const folders = (at: string) => at === "." ? "" : `${at}/`;
  return {
    id: "lb1",
    read: (path) => {
      const content = files[path];
      if (typeof content === "string") return new TextEncoder().encode(content);
      const isFolder = paths.some((known) => known.startsWith(`${path}/`));
      if (isFolder || content === null) return { absent: false, reason: "It is not for reading" };
      return { absent: true, reason: "No such file or directory" };
    },
    list: (at) => {
      const inside = paths.filter((path) => path.startsWith(folders(at)));
      return [...new Set(inside.map((path) => path.slice(folders(at).length).split("/")[0]!))];
    },
  };
}

const FILES = { ...INCLUDED_FILES, "run.conf": null, "d/x": "x" };

for (const { text, words, fatal, strict } of INCLUDE_CASES) {
  const lines = text.replaceAll("\n", "; "), how = strict ? " with -e" : "";
  Deno.test(`parseConfig() includes as "${lines}"${how} says${fatal ? ", which is fatal" : ""}`, () => {
    const options = { ...folderOf(FILES), ...strict ? { checkIncludes: true } : {} };
    const found = firstWords(text, options).filter((word) =>
      !/^(global_defs|include_check)$/.test(word)
    );
    deepEqual(found, words);
    const { problems } = parseConfig(text, "k.conf", options);
    equal(problems.some(({ severity }) => severity === "fatal"), fatal === true);
  });
}

const PATTERNS: readonly (readonly [string, readonly string[]])[] = [
  ["a", ["a"]],
  ["{a,b}", ["a", "b"]],
  ["x{a,b}y{c,}", ["xayc", "xay", "xbyc", "xby"]],
  ["{foo/{,cat,dog},bar}", ["foo/", "foo/cat", "foo/dog", "bar"]],
  ["{a", ["{a"]],
  ["a}{b", ["a}{b"]],
  ["\\{a,b}", ["\\{a,b}"]],
  ["{a}", ["a"]],
];

for (const [pattern, expected] of PATTERNS) {
  Deno.test(`expandBraces() writes out ${pattern}`, () =>
    deepEqual(expandBraces(pattern), expected));
}

Deno.test("expandBraces() takes time as the length of a pattern, however many braces stay open", () => {
  const pattern = "{".repeat(300_000);
  deepEqual(expandBraces(pattern), [pattern]);
});

Deno.test("expandBraces() ends when there are very many alternatives", () => {
  ok(expandBraces("{a,b}".repeat(60)).length <= 1000);
});

const NAMES = ["a.conf", "b.conf", "ab.conf", "a-b", "].conf", ".a.conf", "A.conf"];
const GLOBS: readonly (readonly [string, readonly string[]])[] = [
  ["*.conf", ["A.conf", "].conf", "a.conf", "ab.conf", "b.conf"]],
  ["?.conf", ["A.conf", "].conf", "a.conf", "b.conf"]],
  ["[ab].conf", ["a.conf", "b.conf"]],
  ["[a-z]*.conf", ["a.conf", "ab.conf", "b.conf"]],
  ["[!a]*.conf", ["A.conf", "].conf", "b.conf"]],
  ["[]].conf", ["].conf"]],
  ["a[-]b", ["a-b"]],
  ["[a-]*b", ["a-b"]],
  [".*", [".a.conf"]],
  ["*b*.c*f", ["ab.conf", "b.conf"]],
  ["[a", ["[a"]],
  ["a\\*", ["a*"]],
  ["*\\.conf", ["A.conf", "].conf", "a.conf", "ab.conf", "b.conf"]],
];

for (const [pattern, expected] of GLOBS) {
  // A pattern without a match to an end, such as "[a", is one that matches nothing.
  const wanted = pattern === "[a" ? [] : expected;
  Deno.test(`matchPaths() finds what ${pattern} matches`, () => {
    deepEqual(matchPaths(pattern, () => NAMES), wanted);
  });
}

Deno.test("matchPaths() ends in good time when a pattern is hard to match", () => {
  const start = performance.now();
  matchPaths(`${"*a".repeat(300)}b`, () => Array(20).fill("a".repeat(250)));
  ok(performance.now() - start < 10_000);
});

Deno.test("parseConfig() names the file of a problem, and quotes its line", () => {
  const files = folderOf({ "conf.d/a.conf": "\n  vrrp_instanze X {\n  }\n" });
  const { problems } = parseConfig("include conf.d/*.conf\n", "/etc/k.conf".slice(5), files);
  const problem = problems.find(({ message }) => /vrrp_instanze/.test(message))!;
  deepEqual([problem.position.file, problem.position.line, problem.position.column], [
    "conf.d/a.conf",
    2,
    3,
  ]);
  equal(problem.line, "  vrrp_instanze X {");
});

Deno.test("parseConfig() reads relative to the folder of the file that includes", () => {
  const files = folderOf({
    "a/b.conf": "include c/d.conf\ninclude ../e.conf",
    "a/c/d.conf": "d",
    "a/../e.conf": "e",
  });
  deepEqual([...firstWords("include a/b.conf", files)].toSorted(), ["d", "e"]);
});

Deno.test("parseConfig() knows the folder of each file as ${_PWD}", () => {
  const files = folderOf({ "a/b.conf": '"b${_PWD}"' });
  const found = firstWords('"1${_PWD}"\ninclude a/b.conf\n"2${_PWD}"', {
    ...files,
    folder: "/etc",
  });
  deepEqual([...found].toSorted(), ["1/etc", "2/etc", "b/etc/a"]);
});

Deno.test("parseConfig() puts included lines where the include stands", () => {
  const files = folderOf({ "vips": "10.0.0.1\n10.0.0.2\n" });
  const { config, problems } = parseConfig(
    "vrrp_instance A {\ninterface e\nvirtual_router_id 1\nvirtual_ipaddress {\ninclude vips\n}\n}\n",
    "k.conf",
    files,
  );
  deepEqual(problems, []);
  equal(config.instances[0]!.virtualAddresses.length, 2);
  equal(config.instances[0]!.position.file, "k.conf");
});

Deno.test("parseConfig() gives include_check back when the file that set it ends", () => {
  const files = folderOf({ "strict.conf": "global_defs {\ninclude_check\n}\n" });
  const { problems } = parseConfig("include strict.conf\ninclude nope.conf", "k.conf", files);
  ok(problems.every(({ severity }) => severity !== "fatal"));
  ok(problems.some(({ message }) => message === 'Cannot find "nope.conf" to include it'));
});

Deno.test("parseConfig() says which word of include_check is none", () => {
  const { problems } = parseConfig("global_defs {\ninclude_check readable\n}\n", "k.conf");
  match(
    problems[0]!.message,
    /^Cannot read "readable" in "include_check readable": must be read, match/,
  );
});

Deno.test("parseConfig() includes no file in itself, and none a thousand deep", () => {
  const self = parseConfig('"k"\ninclude a', "k", folderOf({ "a": "include k", "k": "include a" }));
  deepEqual(
    self.problems.filter(({ message }) => /in itself/.test(message)).map(({ position, message }) =>
      `${position.file}:${position.line} ${message}`
    ),
    ['a:1 Cannot include "k" in itself (k includes a): it is skipped'],
  );
  const chain = Object.fromEntries(
    Array.from({ length: 1000 }, (_, n) => [`f${n}`, `include f${n + 1}`]),
  );
  const deep = parseConfig("include f0", "k", folderOf(chain)).problems;
  ok(deep.some(({ message }) => /32 files include each other already/.test(message)));
});

Deno.test("parseConfig() ends when files include each other twice each", () => {
  const files = Object.fromEntries(
    Array.from({ length: 30 }, (_, n) => [`f${n}`, `include f${n + 1}\ninclude f${n + 1}\n`]),
  );
  const { problems } = parseConfig("include f0", "k", folderOf({ ...files, "f30": "x" }));
  ok(
    problems.some(({ severity, message }) =>
      severity === "fatal" && /more than \d+ files/.test(message)
    ),
  );
});

Deno.test("parseConfig() warns of an include that keepalived 2.4 does not see", () => {
  const { problems } = parseConfig("@lb1 include sub/one.conf", "k.conf", folderOf(FILES));
  ok(
    problems.some(({ severity, message }) =>
      severity === "warning" && /2\.4 does not see/.test(message)
    ),
  );
  const built =
    parseConfig("$F=sub\ninclude $F/one.conf\ninclude ${F}/one.conf", "k.conf", folderOf(FILES))
      .problems;
  deepEqual(
    built.filter(({ message }) => /2\.4 does not see/.test(message)).map(({ position }) =>
      position.line
    ),
    [3],
  );
});

Deno.test("parseConfig() skips an included file that is binary, and goes on", () => {
  const files = folderOf({ "b": "\u0001\u0002\u0003\u0004", "ok": "ok" });
  const { problems } = parseConfig("include b\ninclude ok", "k", files);
  equal(problems.find(({ message }) => /binary/.test(message))?.severity, "error");
  deepEqual(firstWords("include b\ninclude ok", files), ["ok"]);
});

Deno.test("parseConfig() includes nothing without a way to read", () => {
  const { problems } = parseConfig("include a", "k");
  equal(problems[0]?.message, 'Cannot include "a": other files are not read here');
});
