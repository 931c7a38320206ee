/** Checks by running a program: it must exit with 0. */

import type { ScriptProbe } from "../core/probe_spec.ts";
import { formatMicros } from "../core/time.ts";
import { type Checker, couldNotRun, failed, GOOD } from "./checker.ts";
import * as program from "./program.ts";

/**
 * Runs the script of a probe once. Exit status 0 is good; 126, 127, death by a signal and a failed
 * start mean that it could not run. When aborted it settles when the script and all that it started
 * are gone, which may take the 2 s after which they are killed: so nobody begins the next run
 * beside them, and waiting for their end uses up no time of it.
 */
export const checkScript: Checker<ScriptProbe> = async (probe, { signal, timeoutUs }) => {
  const { words, user } = probe;
  // The signal is aborted when the time is up: a second clock could only disagree.
  const run = program.startProgram({ words, user, timeoutUs: null, signal });
  const outcome = await run.outcome;
  if (outcome.kind === "aborted") {
    await run.gone;
    return failed(`no result in ${formatMicros(timeoutUs)}`);
  }
  if (outcome.kind === "exited" && outcome.status === 0) return GOOD;
  const why = program.describeOutcome(outcome);
  return program.couldNotRun(outcome) ? couldNotRun(why) : failed(why);
};
