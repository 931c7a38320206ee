import assert from "node:assert/strict";
import fc from "fast-check";
import { formatProblem } from "../config/mod.ts";
import { parseUciConfig } from "../config/uci_config.ts";
import { UCI_TYPES, uciOptions } from "../config/uci_schema.ts";

const FACTS = { interfaces: [{ name: "eth0", loopback: false, mtu: 1500 }] };

/** What holds for the answer to any input: it is one, and every problem is in the file. */
function isSound(text: string | Uint8Array): boolean {
  const { problems, config } = parseUciConfig(text, "f", { facts: FACTS });
  const shown = typeof text === "string" ? text : new TextDecoder().decode(text);
  const lines = shown.split("\n").length;
  for (const problem of problems) {
    const { file, line, column, length } = problem.position;
    assert.equal(file, "f");
    assert.ok(line >= 1 && line <= lines && column >= 1 && length >= 1, problem.message);
    assert.ok(column <= problem.line.length + 1, problem.message);
    assert.ok(formatProblem(problem).includes(`:${line}:${column}: `));
  }
  for (const { position } of config.instances) assert.ok(position.line <= lines);
  return true;
}

const TYPES = Object.entries(UCI_TYPES).map(([type, schema]) => ({
  type,
  options: [...uciOptions(schema).keys()],
}));

const value = fc.oneof(
  fc.constantFrom("a", "b", "eth0", "1", "0", "192.0.2.1/24", "fe80::1", "reverse", "/bin/true"),
  fc.constantFrom("", "$x", "${_A}", "~SEQ(a)", "@x", "include", "{", "}", "#", "!", '"', "a\nb"),
  fc.string({ maxLength: 12 }),
);

const option = (options: readonly string[]) =>
  fc.tuple(
    fc.constantFrom("option", "list"),
    fc.oneof(fc.constantFrom(...options), fc.string({ maxLength: 6 })),
    value,
  ).map(([kind, name, value]) => `\t${kind} ${name} '${value.replaceAll("'", "")}'`);

const section = fc.constantFrom(...TYPES).chain(({ type, options }) =>
  fc.array(option(options), { maxLength: 8 }).map((lines) =>
    [`config ${type}`, "\toption name 'a'", ...lines].join("\n")
  )
);

Deno.test("parseUciConfig() answers for any sections, with every problem in the file", () => {
  const file = fc.array(section, { maxLength: 6 }).map((sections) => sections.join("\n"));
  fc.assert(fc.property(file, isSound), { numRuns: 500 });
});

Deno.test("parseUciConfig() answers for any text and any bytes", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), isSound), { numRuns: 500 });
  const words = fc.constantFrom(
    "config ",
    "option ",
    "list ",
    "'",
    '"',
    "\\",
    "\n",
    ";",
    "#",
    " a",
  );
  const text = fc.array(words, { maxLength: 40 }).map((parts) => parts.join(""));
  fc.assert(fc.property(text, isSound), { numRuns: 500 });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), isSound), { numRuns: 500 });
});
