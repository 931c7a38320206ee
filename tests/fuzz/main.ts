/**
 * `deno task fuzz [--seconds N] [--seed N] [--shrink]`: random configurations until the time is over. The first one
 * that is answered wrongly is made small and shown, with the seed that finds it again.
 */

import { parseArgs } from "node:util";
import fc from "fast-check";
import { files } from "./files.ts";
import { isSound } from "./sound.ts";

/** Configurations between two looks at the clock. */
const ROUND = 100;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
    shrink: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds), first = Number(values.seed ?? Date.now() % 2 ** 31);
if (!(seconds > 0) || !Number.isSafeInteger(first)) {
  console.error("Usage: deno task fuzz [--seconds N] [--seed N] [--shrink]");
  Deno.exit(2);
}
const end = performance.now() + seconds * 1000;
let rounds = 0;
do {
  const seed = first + rounds;
  const details = fc.check(fc.property(files, isSound), {
    seed,
    numRuns: ROUND,
    endOnFailure: !values.shrink,
  });
  if (details.failed) {
    console.error(fc.defaultReportMessage(details));
    console.error(`Again: deno task fuzz --seed ${seed} --seconds 1`);
    Deno.exit(1);
  }
  rounds++;
} while (performance.now() < end);
console.log(`${rounds * ROUND} configurations from seed ${first} on: nothing wrong`);
