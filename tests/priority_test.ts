/** The arithmetic of weights, by table and beside an independent formula. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { standingOf, type Track, type TrackerState } from "../lib/vrrp/priority.ts";

const GOOD: TrackerState = { kind: "good" };
const BAD: TrackerState = { kind: "bad", why: "HTTP 503" };
const PENDING: TrackerState = { kind: "pending" };
const value = (n: number): TrackerState => ({ kind: "value", value: n });

function standing(
  base: number,
  ...tracks: readonly (readonly [number, TrackerState, "reverse"?])[]
) {
  const list = tracks.map(([weight, , reverse], at): Track => ({
    tracker: `check c${at}`,
    weight,
    reverse: reverse !== undefined,
  }));
  return standingOf(base, list, (name) => tracks[Number(name.slice("check c".length))]![1]);
}

/** Base, tracks, expected priority, expected faults. */
const ROWS: readonly (readonly [
  string,
  Parameters<typeof standing>,
  number,
  readonly string[],
])[] = [
  ["nothing tracked", [100], 100, []],
  ["a positive weight while good", [100, [20, GOOD]], 120, []],
  ["a positive weight while bad", [100, [20, BAD]], 100, []],
  ["a negative weight while good", [100, [-30, GOOD]], 100, []],
  ["a negative weight while bad", [100, [-30, BAD]], 70, []],
  ["both, as keepalived was seen to add them", [100, [20, GOOD], [-30, BAD]], 90, []],
  // As keepalived 2.2.7 was seen to do: the sign changes, not what is good.
  ["a positive weight reversed while good", [100, [20, GOOD, "reverse"]], 80, []],
  ["a positive weight reversed while bad", [100, [20, BAD, "reverse"]], 100, []],
  ["a negative weight reversed while good", [100, [-20, GOOD, "reverse"]], 100, []],
  ["a negative weight reversed while bad", [100, [-20, BAD, "reverse"]], 120, []],
  ["weight 0 while good", [100, [0, GOOD]], 100, []],
  ["weight 0 while bad", [100, [0, BAD]], 100, ["check c0: HTTP 503"]],
  ["weight 0 reversed while good", [100, [0, GOOD, "reverse"]], 100, [
    "check c0: good, which counts as bad (reverse)",
  ]],
  ["weight 0 reversed while bad", [100, [0, BAD, "reverse"]], 100, []],
  ["a sum below 1", [100, [-60, BAD], [-60, BAD]], 1, []],
  ["a sum above 254", [200, [100, GOOD]], 254, []],
  ["no result yet", [100, [-30, PENDING], [30, PENDING]], 100, []],
  ["an owner with weighted trackers", [255, [-100, BAD], [50, GOOD]], 255, []],
  ["an owner with a fault", [255, [0, BAD]], 255, ["check c0: HTTP 503"]],
  ["10 in a file, weight 2", [100, [2, value(10)]], 120, []],
  ["-10 in a file, weight 2", [100, [2, value(-10)]], 80, []],
  ["a file reversed", [100, [2, value(10), "reverse"]], 80, []],
  ["a file that says -254", [100, [1, value(-254)]], 100, [
    "check c0: its value -254 times the weight 1 is below -253",
  ]],
  ["a file that says -253", [100, [1, value(-253)]], 1, []],
  ["a file far above", [1, [10, value(1000)]], 254, []],
  ["a file far above beside what lowers", [1, [10, value(1000)], [-100, BAD]], 154, []],
  ["a file of weight 0 that is not 0", [100, [0, value(5)]], 100, ["check c0: its value is 5"]],
  ["a file of weight 0 that is 0", [100, [0, value(0)]], 100, []],
  ["a file of weight 0 reversed that is 0", [100, [0, value(0), "reverse"]], 100, [
    "check c0: its value is 0",
  ]],
];

for (const [what, tracks, priority, faults] of ROWS) {
  Deno.test(`standingOf() gives the priority and the faults of ${what}`, () => {
    const found = standing(...tracks);
    assert.equal(found.priority, priority);
    assert.deepEqual(found.faults.map(({ detail }) => detail), faults);
  });
}

Deno.test("standingOf() names what it waits for, of weight 0 only", () => {
  assert.deepEqual(standing(100, [0, PENDING], [-5, PENDING], [0, GOOD]).pending, ["check c0"]);
});

/** keepalived's rule in other words: up counts for the positive, down against the negative. */
function independent(base: number, tracks: readonly Parameters<typeof standing>[1][]): number {
  if (base === 255) return 255;
  let sum = base;
  for (const [weight, state, reverse] of tracks) {
    const sign = reverse === undefined ? 1 : -1;
    if (weight > 0 && state.kind === "good") sum += sign * weight;
    if (weight < 0 && state.kind === "bad") sum -= sign * Math.abs(weight);
  }
  if (sum < 1) return 1;
  return sum > 254 ? 254 : sum;
}

const track = fc.tuple(
  fc.integer({ min: -253, max: 253 }),
  fc.constantFrom(GOOD, BAD),
  fc.constantFrom(undefined, "reverse" as const),
);

Deno.test("standingOf() agrees with an independent formula on any trackers", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 255 }),
    fc.array(track, { maxLength: 12 }),
    (base, tracks) => {
      const found = standing(base, ...tracks);
      assert.equal(found.priority, independent(base, tracks));
      const failing = tracks.filter(([weight, state, reverse]) =>
        weight === 0 && (state.kind === "bad") !== (reverse === "reverse")
      );
      assert.equal(found.faults.length, failing.length);
    },
  ));
});

Deno.test("standingOf() does not depend on the order of trackers, nor on what was before", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 254 }),
    fc.array(track, { maxLength: 8 }),
    (base, tracks) => {
      const there = standing(base, ...tracks), back = standing(base, ...tracks.toReversed());
      assert.equal(there.priority, back.priority);
      assert.equal(there.faults.length, back.faults.length);
    },
  ));
});
