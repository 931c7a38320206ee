import assert from "node:assert/strict";
import fc from "fast-check";
import type { ProcessMatch } from "../lib/core/probe_spec.ts";
import { isAlive, matches, parseArguments, parseStat } from "../lib/track/process_match.ts";

/** By, configured words, comm and argv of the process, and whether it counts. */
const CASES: readonly [ProcessMatch["by"], string, string, string, boolean][] = [
  ["comm", "nginx", "nginx", "/usr/sbin/nginx -g daemon", true],
  ["comm", "nginx", "nginx-debug", "nginx", false],
  ["comm", "/usr/sbin/nginx", "nginx", "/usr/sbin/nginx", false],
  ["comm", "a-name-longer-than-15", "a-name-longer-t", "a-name-longer-than-15", false],
  ["any", "/usr/sbin/nginx", "nginx", "/usr/sbin/nginx -g x", true],
  ["any", "nginx", "nginx", "/usr/sbin/nginx", false],
  ["exact", "named -u bind", "named", "named -u bind", true],
  ["exact", "named -u bind", "named", "named -u bind -4", false],
  ["exact", "named -u bind", "named", "named -u", false],
  ["exact", "named -u bind", "named", "named -u bin", false],
  ["exact", "named", "named", "named", true],
  ["exact", "named", "named", "named -4", false],
  ["partial", "named -u", "named", "named -u bind", true],
  ["partial", "named -u bind", "named", "named -u bind", true],
  ["partial", "named -u bi", "named", "named -u bind", false],
  ["partial", "named -u bind", "named", "named -u", false],
  ["partial", "named", "named", "named -u", true],
  ["initial", "named -u bi", "named", "named -u bind", true],
  ["initial", "named -u bi", "named", "named -u bind -4", true],
  ["initial", "named -u bi", "named", "named -4 bind", false],
  ["initial", "named -u bi", "named", "named -u", false],
  ["initial", "named", "named", "named -u", true],
];

for (const [by, words, comm, argv, expected] of CASES) {
  const verb = expected ? "counts" : "does not count";
  Deno.test(`matches() by ${by}: "${argv}" (${comm}) ${verb} for "${words}"`, () => {
    assert.equal(matches({ words: words.split(" "), by }, comm, argv.split(" ")), expected);
  });
}

Deno.test("matches() by arguments counts neither threads of the kernel nor what cannot be read", () => {
  for (const by of ["any", "exact", "initial", "partial"] as const) {
    assert.equal(matches({ words: ["kthreadd"], by }, "kthreadd", []), false);
    assert.equal(matches({ words: ["kthreadd"], by }, "kthreadd", null), false);
  }
  assert.equal(matches({ words: ["kthreadd"], by: "comm" }, "kthreadd", null), true);
});

Deno.test("matches() exact implies partial implies initial implies any", () => {
  const word = fc.stringMatching(/^[ab]{0,2}$/), words = fc.array(word, { maxLength: 4 });
  const check = (given: string[], real: string[]) => {
    const by = (by: ProcessMatch["by"]) =>
      matches({ words: ["x", ...given], by }, "x", ["x", ...real]);
    assert.ok(!by("exact") || by("partial"));
    assert.ok(!by("partial") || by("initial"));
    assert.ok(!by("initial") || by("any"));
    assert.equal(by("exact"), given.join("\0") === real.join("\0") && given.length === real.length);
    // keepalived compares the words with their zeros as bytes.
    const bytes = (words: string[]) => words.map((word) => `${word}\0`).join("");
    assert.equal(by("partial"), bytes(real).startsWith(bytes(given)));
    const isLongEnough = bytes(real).length >= bytes(given).length;
    const begins = bytes(real).startsWith(bytes(given).slice(0, -1));
    assert.equal(by("initial"), isLongEnough && begins);
  };
  fc.assert(fc.property(words, words, check));
});

function stat(comm: string, state = "S"): string {
  return `42 (${comm}) ${state} ${"1 ".repeat(18)}98765 0 0\n`;
}

Deno.test("parseStat() reads names with spaces, parentheses and line ends", () => {
  const comm = fc.string({ maxLength: 15 }), letter = fc.constantFrom(..."RSDTtIZX");
  fc.assert(fc.property(comm, letter, (comm, state) => {
    assert.deepEqual(parseStat(stat(comm, state)), { comm, state, startTicks: "98765" });
  }));
  assert.equal(parseStat(stat("a) S 1 (b"))?.comm, "a) S 1 (b");
});

Deno.test("parseStat() refuses what is cut short, and never throws", () => {
  fc.assert(fc.property(fc.string(), (text) => void parseStat(text)));
  assert.equal(parseStat(""), null);
  assert.equal(parseStat("42 (nginx) S 1 2"), null);
});

Deno.test("isAlive() leaves out zombies and the dead", () => {
  const alive = [..."RSDTtIPZXx"].filter((state) => isAlive(parseStat(stat("x", state))!));
  assert.deepEqual(alive, [..."RSDTtIP"]);
});

Deno.test("parseArguments() keeps empty words, and reads its own writing", () => {
  assert.deepEqual(parseArguments(""), []);
  assert.deepEqual(parseArguments("nginx: master process\0"), ["nginx: master process"]);
  assert.deepEqual(parseArguments("a title without its zero"), ["a title without its zero"]);
  const words = fc.array(fc.stringMatching(/^[^\0]*$/), { minLength: 1 });
  fc.assert(fc.property(words, (words) => {
    assert.deepEqual(parseArguments(words.map((word) => `${word}\0`).join("")), words);
  }));
});

Deno.test("parseStat() and parseArguments() read this process", () => {
  const own = parseStat(Deno.readTextFileSync("/proc/self/stat"));
  assert.equal(own?.comm, Deno.readTextFileSync("/proc/self/comm").trimEnd());
  assert.match(own!.startTicks, /^\d+$/);
  assert.ok(parseArguments(Deno.readTextFileSync("/proc/self/cmdline")).includes("test"));
});
