import { doesNotMatch, equal, match, ok } from "node:assert/strict";
import fc from "fast-check";
import { formatProblem, parseConfig, type Problem } from "../config/mod.ts";

/** The first problem of an instance that has a line. */
function problemOf(line: string): Problem {
  const text = `vrrp_instance V {\n interface eth0\n virtual_router_id 1\n${line}\n}`;
  return parseConfig(text, "k.conf").problems.find(({ position }) => position.line === 4)!;
}

/** What the caret line points at. */
function pointed(shown: string): string {
  const [, line = "", caret = ""] = shown.split("\n");
  return line.slice(caret.indexOf("^"), caret.lastIndexOf("^") + 1);
}

Deno.test("formatProblem() puts the caret under the word when tabs and long lines precede it", () => {
  equal(
    formatProblem(problemOf("\tpriority\t\t256")).split("\n").slice(0, 3).join("\n"),
    'k.conf:4:12: error: Cannot read "256" in "priority  256": must be a whole number from 1 to 255\n' +
      "  \tpriority\t\t256\n  \t        \t\t^^^",
  );
  const long = formatProblem(
    problemOf(`${" ".repeat(600)}prioritty 100 ${"x".repeat(300)}`),
  );
  ok(long.split("\n")[1]!.length <= 162);
  equal(pointed(long), "prioritty");
  match(long, /remedy: Write "priority"$/);
});

/** Words as given and as shown. */
const UNPRINTABLE: readonly (readonly [what: string, word: string, shown: string])[] = [
  ["an escape sequence", "\x1b[31mred", "\ufffd[31mred"],
  ["a bell and a backspace", "a\x07b\x08", "a\ufffdb\ufffd"],
  ["a carriage return", "a\rb", "a\ufffdb"],
  ["a control sequence introducer of one byte", "\x9b2J", "\ufffd2J"],
  ["a change of direction", "a\u202eb", "a\ufffdb"],
  ["a blank of no width", "a\u200bb", "a\ufffdb"],
  ["a line separator", "a\u2028b", "a\ufffdb"],
  ["half of a pair", "a\ud83db", "a\ufffdb"],
  ["a sign of two columns", "a\u{e0041}b", "a\ufffd\ufffdb"],
  ["letters of all kinds", "zażółć-路由-🚀", "zażółć-路由-🚀"],
];

for (const [what, word, shown] of UNPRINTABLE) {
  Deno.test(`formatProblem() shows no control when a word holds ${what}`, () => {
    const problem = { ...problemOf(" prioritty 1"), message: `Cannot read "${word}"` };
    const text = formatProblem({
      ...problem,
      line: ` ${word} prioritty ${word}`,
      position: { ...problem.position, column: 3 + word.length, length: 9 },
      remedy: `Delete\t"${word}"`,
    });
    const [head, line, , remedy] = text.split("\n");
    equal(head, `k.conf:4:${3 + word.length}: error: Cannot read "${shown}"`);
    equal(line, `   ${shown} prioritty ${shown}`);
    equal(pointed(text), "prioritty");
    equal(remedy, `  remedy: Delete "${shown}"`);
  });
}

Deno.test("formatProblem() shows the controls of a file that parseConfig() refused", () => {
  const binary = new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0x1b, 0x5b, 0x32, 0x4a, 0, 1, 2, 0x9b]);
  const [problem] = parseConfig(binary, "a\x1b[2J.conf").problems;
  equal(
    formatProblem(problem!),
    'a\ufffd[2J.conf:1:1: fatal: Cannot read "a\ufffd[2J.conf" as a configuration: it holds binary data\n' +
      "  \ufffdELF\ufffd[2J\ufffd\ufffd\ufffd\ufffd\n  ^\n" +
      "  remedy: Name a text file in UTF-8, such as /etc/keepalived/keepalived.conf",
  );
});

Deno.test("formatProblem() writes no control to the terminal, whatever the file holds", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
    const inside = `vrrp_instance V {\n interface eth0\n virtual_router_id 1\n${text}\n}`;
    for (const problem of parseConfig(inside, "f").problems) {
      const shown = formatProblem(problem).replaceAll(/[\n\t]/g, "");
      doesNotMatch(shown, /[\p{C}\u2028\u2029]/u);
    }
  }));
});
