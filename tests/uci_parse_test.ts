import assert from "node:assert/strict";
import type { Finding } from "../config/problem.ts";
import { splitLines } from "../config/source.ts";
import { parseUci } from "../config/uci.ts";

/** Sections as plain values, and what was reported. */
function read(text: string) {
  const findings: Finding[] = [];
  const sections = parseUci(splitLines(text, "f"), (finding) => findings.push(finding));
  const plain = sections.map(({ type, id, options }) => ({
    type: type.text,
    id: id?.text ?? null,
    options: Object.fromEntries(
      [...options].map(([name, { isList, values }]) => {
        const texts = values.map(({ text }) => text);
        return [name, isList ? texts : texts[0]];
      }),
    ),
  }));
  return { plain, findings, sections };
}

Deno.test("parseUci() reads quotes, escapes, comments and joined words as uci does", () => {
  const { plain, findings } = read(
    `config t 'n' # comment
	option plain word#comment
	option single 'a "b" \\n'
	option double "a 'b' \\"c\\""
	option joined 'a'"b"c
	option escaped a\\ b
	option empty ''
	option lines 'a
b'
	option one 1; option two 2
	list l a
	list l 'b c'
`,
  );
  assert.deepEqual(findings, []);
  assert.deepEqual(plain, [{
    type: "t",
    id: "n",
    options: {
      plain: "word",
      single: 'a "b" \\n',
      double: `a 'b' "c"`,
      joined: "abc",
      escaped: "a b",
      empty: "",
      lines: "a\nb",
      one: "1",
      two: "2",
      l: ["a", "b c"],
    },
  }]);
});

Deno.test("parseUci() takes the last of two options, and merges sections of one name", () => {
  const { plain } = read(
    "config t a\n option x 1\n option x 2\nconfig t\n option y 1\nconfig t a\n option z 3\n",
  );
  assert.deepEqual(plain, [
    { type: "t", id: "a", options: { x: "2", z: "3" } },
    { type: "t", id: null, options: { y: "1" } },
  ]);
});

Deno.test("parseUci() knows the place of every word, also of one that goes over lines", () => {
  const { sections } = read("config t\n\toption x 'a\nb'\n\toption y  c\n");
  const at = (name: string) => sections[0]!.options.get(name)!.values[0]!.position;
  assert.deepEqual(at("x"), { file: "f", line: 2, column: 11, length: 2 });
  assert.deepEqual(at("y"), { file: "f", line: 4, column: 12, length: 1 });
});

for (
  const [of, text, at, says] of [
    ["a word that is none of its own", "configg t\n", [1, 1], /Unknown word "configg"/],
    ["a missing value", "config t\n option x\n", [2, 9], /a word is missing/],
    ["a word too many", "config t\n option x 1 2\n", [2, 13], /"2" is one word too many/],
    ["an option before any section", "option x 1\n", [1, 1], /before the first "config"/],
    ["an option name", "config t\n option a-b 1\n", [2, 9], /Cannot name an option "a-b"/],
    ["a section name", "config t 'a b'\n", [1, 10], /Cannot name a section "a b"/],
    ["an open quote", "config t\n option x 'a\n", [2, 11], /Unterminated quote/],
  ] as const
) {
  Deno.test(`parseUci() refuses ${of} where it is`, () => {
    const [finding, ...more] = read(text).findings;
    assert.deepEqual(more, []);
    assert.equal(finding?.severity, "fatal");
    assert.match(finding.message, says);
    assert.deepEqual([finding.position.line, finding.position.column], at);
  });
}
