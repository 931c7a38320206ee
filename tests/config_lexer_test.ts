import { deepEqual, equal } from "node:assert/strict";
import { commandWords, scriptWords, type Statement, tokenize } from "../config/lexer.ts";
import type { Finding } from "../config/problem.ts";
import { splitLines, usableLines } from "../config/source.ts";

/** Tokens of a text as short strings, and the messages. */
function lex(
  text: string,
): { readonly tokens: readonly string[]; readonly said: readonly string[] } {
  const findings: Finding[] = [];
  const report = (finding: Finding) => void findings.push(finding);
  const tokens = tokenize(usableLines(splitLines(text, "f"), report), report);
  return {
    tokens: tokens.map((token) =>
      token.kind === "statement"
        ? token.words.map((word) => word.text).join("|")
        : token.kind === "open"
        ? "{"
        : "}"
    ),
    said: findings.map(({ position, message }) => `${position.line}:${position.column} ${message}`),
  };
}

/** The command of a script keyword's first argument, and the words behind it. */
function command(line: string): readonly (readonly string[])[] | null {
  const report = () => {};
  const [token] = tokenize(splitLines(line, "f"), report);
  const words = scriptWords(token as Statement, report);
  if (words === null) return null;
  const [first, ...rest] = words;
  return [first ? commandWords(first, report) ?? [] : [], rest.map((word) => word.text)];
}

const LINES: readonly (readonly [string, readonly string[]])[] = [
  ["", []],
  ["  \t ", []],
  ["priority 100", ["priority|100"]],
  ["\t priority\t100  \r\n", ["priority|100"]],
  ["# a comment", []],
  ["! a comment", []],
  ["priority 100 # why", ["priority|100"]],
  ["priority 100#why", ["priority|100"]],
  ["auth_pass a!b", ["auth_pass|a"]],
  ['auth_pass "a!b#c"', ["auth_pass|a!b#c"]],
  ["auth_pass a\\!b\\#c", ["auth_pass|a!b#c"]],
  ['"two words"three', ["two words|three"]],
  ['a"b c"d', ["a|b c|d"]],
  ["a 'b c'", ["a|'b|c'"]],
  ['a "b\\n"', ["a|b\\n"]],
  ['a ""', ["a|"]],
  ["key { a }", ["key", "{", "a", "}"]],
  ["key{a}", ["key", "{", "a", "}"]],
  ["key\n{\na\n}", ["key", "{", "a", "}"]],
  ["} }{ {", ["}", "}", "{", "{"]],
  ['"{" x', ["{|x"]],
  ["key { # }", ["key", "{"]],
  ["\ufeffkey", ["key"]],
];

for (const [text, expected] of LINES) {
  Deno.test(`tokenize() reads ${JSON.stringify(text)} as ${JSON.stringify(expected)}`, () => {
    deepEqual(lex(text), { tokens: expected, said: [] });
  });
}

const COMMANDS: readonly (readonly [string, readonly (readonly string[])[] | null])[] = [
  ["script /bin/true", [["/bin/true"], []]],
  ["script /bin/true nobody nogroup", [["/bin/true"], ["nobody", "nogroup"]]],
  [`script "/p/x 'two words' \\"dq arg\\" y"`, [["/p/x", "two words", "dq arg", "y"], []]],
  [`script '/p/x "two words"' u`, [["/p/x", "two words"], ["u"]]],
  [`script /p/e"ch o"' b'`, [["/p/ech", "o", "b"], []]],
  [`script "/bin/echo a\\x41\\101\\\\tb"`, [["/bin/echo", "aAA\tb"], []]],
  [`script "/bin/sh -c 'a </dev/null 2>&1 | b && exit 0 || exit 1'"`, [
    ["/bin/sh", "-c", "a </dev/null 2>&1 | b && exit 0 || exit 1"],
    [],
  ]],
  [`script "/bin/sh -c '{ a; } # b'"`, [["/bin/sh", "-c", "{ a; } # b"], []]],
  ["script", [[], []]],
  ["script 'a", null],
];

for (const [line, expected] of COMMANDS) {
  Deno.test(`scriptWords() splits ${line}`, () => deepEqual(command(line), expected));
}

Deno.test("tokenize() gives each word its line and column when lines are indented", () => {
  const [, statement] = tokenize(splitLines('a\n\tkey  "two words" x', "f"), () => {});
  equal(statement?.kind, "statement");
  deepEqual(
    (statement as Statement).words.map(({ position }) => [
      position.line,
      position.column,
      position.length,
    ]),
    [[2, 2, 3], [2, 7, 11], [2, 19, 1]],
  );
});

Deno.test("tokenize() keeps the words before a quote that is not closed", () => {
  deepEqual(lex('a b "c d'), {
    tokens: ["a|b"],
    said: [
      '1:5 Unterminated quote: there is no second ", so that what stands behind the quote is ignored',
    ],
  });
});

Deno.test("tokenize() names the comment sign when it cuts a quotation", () => {
  const findings: Finding[] = [];
  const [token] = tokenize(splitLines('script "a \\"b # c\\" d"', "f"), (f) => findings.push(f));
  equal(scriptWords(token as Statement, (f) => findings.push(f)), null);
  deepEqual(findings.map(({ position, message, remedy }) => [position.column, message, remedy]), [[
    8,
    'Unterminated quote: a comment begins at its "#", so that what stands behind the quote is ignored',
    'Write "\\#" for a literal "#"',
  ]]);
});

Deno.test("usableLines() skips a line above 1024 bytes and keeps one of 1024", () => {
  const fits = "a".repeat(1024), tooLong = "é".repeat(513);
  const { tokens, said } = lex(`${fits}\n${tooLong}\nb`);
  deepEqual(tokens, [fits, "b"]);
  deepEqual(said, ["2:1025 Cannot read this line of 1026 bytes: must be at most 1024"]);
});

Deno.test("usableLines() drops the line of a lone NUL byte and keeps the others", () => {
  const rest = "priority 100\n".repeat(20);
  const { tokens, said } = lex(`${rest}ab\0c\n`);
  equal(tokens.length, 20);
  deepEqual(said, ["21:3 Cannot read this line: it holds a NUL byte"]);
});
