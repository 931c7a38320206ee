/** From results to good and bad. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { micros } from "../lib/core/time.ts";
import { couldNotRun, failed, GOOD, type Verdict } from "../lib/track/checker.ts";
import { firstState, judge, type JudgeSpec, type JudgeState } from "../lib/track/judge.ts";

const LATENCY = micros(1500);

/** The states after each of "+" (success) and "-" (failure), one a second. */
function run(spec: JudgeSpec, results: string): JudgeState[] {
  let state = firstState(spec, 0);
  return [...results].map((result, index) => {
    const verdict = result === "+" ? GOOD : failed(`failure ${index}`);
    state = judge(state, verdict, LATENCY, spec, (index + 1) * 1000);
    return state;
  });
}

/** G, B or P for each. */
function letters(states: readonly JudgeState[]): string {
  return states.map(({ state }) => state[0]!.toUpperCase()).join("");
}

const SEQUENCES: readonly (readonly [string, JudgeSpec, string, string])[] = [
  ["the first success decides at once", { rise: 3, fall: 3, initial: "wait" }, "+", "G"],
  ["the first failure decides at once", { rise: 3, fall: 3, initial: "wait" }, "-", "B"],
  ["fall counts in a row", { rise: 1, fall: 3, initial: "wait" }, "+--+---", "GGGGGGB"],
  ["rise counts in a row", { rise: 3, fall: 1, initial: "wait" }, "-++-+++", "BBBBBBG"],
  [
    "after a turn the count begins anew",
    { rise: 2, fall: 2, initial: "wait" },
    "+--++--",
    "GGBBGGB",
  ],
  ["up needs fall failures from the start", { rise: 1, fall: 2, initial: "up" }, "--", "GB"],
  ["down needs rise successes from the start", { rise: 2, fall: 1, initial: "down" }, "++", "BG"],
  ["up with a success stays", { rise: 1, fall: 2, initial: "up" }, "-+-+--", "GGGGGB"],
  ["fall 1 and rise 1 follow every result", { rise: 1, fall: 1, initial: "wait" }, "+-+-", "GBGB"],
];

for (const [name, spec, results, expected] of SEQUENCES) {
  Deno.test(`judge(): ${name}`, () => assert.equal(letters(run(spec, results)), expected));
}

Deno.test("firstState() is pending, good or bad as configured, and says why it is bad", () => {
  const state = (initial: JudgeSpec["initial"]) => firstState({ rise: 1, fall: 1, initial }, 7);
  assert.deepEqual(["wait", "up", "down"].map((one) => state(one as "up").state), [
    "pending",
    "good",
    "bad",
  ]);
  assert.equal(state("down").why, "no result yet");
  assert.equal(state("up").why, null);
  assert.equal(state("up").sinceMs, 7);
});

Deno.test("judge() keeps since when the state holds, and the latest reason while it is bad", () => {
  const [first, second, third] = run({ rise: 2, fall: 1, initial: "wait" }, "--+");
  assert.deepEqual([first!.sinceMs, first!.why], [1000, "failure 0"]);
  assert.deepEqual([second!.sinceMs, second!.why], [1000, "failure 1"]);
  assert.deepEqual([third!.sinceMs, third!.why], [1000, "failure 1"]);
  const good = judge(third!, GOOD, LATENCY, { rise: 2, fall: 1, initial: "wait" }, 9000);
  assert.deepEqual([good.state, good.sinceMs, good.why], ["good", 9000, null]);
});

Deno.test("judge() remembers a failure that did not count, and counts runs and failures", () => {
  const last = run({ rise: 1, fall: 3, initial: "wait" }, "+-+").at(-1)!;
  assert.deepEqual(last.lastError, { why: "failure 1", atMs: 2000, couldNotRun: false });
  assert.deepEqual([last.state, last.why, last.runs, last.failures], ["good", null, 3, 1]);
  assert.equal(last.latencyUs, 1500);
});

Deno.test("judge() tells a check that could not run from a service that is down", () => {
  const spec: JudgeSpec = { rise: 1, fall: 1, initial: "wait" };
  const broken = judge(firstState(spec, 0), couldNotRun("no such file"), LATENCY, spec, 5);
  assert.equal(broken.lastError?.couldNotRun, true);
  assert.equal(judge(broken, failed("x"), LATENCY, spec, 6).lastError?.couldNotRun, false);
});

Deno.test("judge() keeps the warning of the latest result only", () => {
  const spec: JudgeSpec = { rise: 1, fall: 1, initial: "wait" };
  const verdict: Verdict = { good: true, warning: "certificate expires in 5 days" };
  const warned = judge(firstState(spec, 0), verdict, LATENCY, spec, 1);
  assert.equal(warned.warning, "certificate expires in 5 days");
  assert.equal(judge(warned, GOOD, LATENCY, spec, 2).warning, null);
});

Deno.test("judge(): after any results the state is what the last run of equal ones says", () => {
  const results = fc.array(fc.boolean(), { minLength: 1, maxLength: 40 });
  const count = fc.integer({ min: 1, max: 4 });
  fc.assert(fc.property(results, count, count, (goods, rise, fall) => {
    const states = run({ rise, fall, initial: "wait" }, goods.map((g) => g ? "+" : "-").join(""));
    // The independent formula: the state turned at the latest point where enough equal results ended.
    let expected = goods[0]! ? "good" : "bad";
    for (let end = 1; end < goods.length; end++) {
      const needed = goods[end]! ? rise : fall;
      const tail = goods.slice(Math.max(0, end + 1 - needed), end + 1);
      if (tail.length === needed && tail.every((good) => good === goods[end])) {
        expected = goods[end]! ? "good" : "bad";
      }
    }
    assert.equal(states.at(-1)!.state, expected);
  }));
});
