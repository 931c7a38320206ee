/** Checks by running a program: it must exit with 0. */

import type { ScriptProbe } from "../core/probe_spec.ts";
import { formatMicros } from "../core/time.ts";
import { type Checker, couldNotRun, failed, GOOD } from "./checker.ts";
import * as program from "./program.ts";

/** The last run of a script that had to be ended. */
const leaving = new WeakMap<ScriptProbe, Promise<void>>();

/**
 * Runs the script of a probe once. Exit status 0 is good; 126, 127, death by a signal and a failed
 * start mean that it could not run. A run never begins before the last one of the same probe is
 * gone: after a timeout that may take the 2 s after which it is killed.
 */
export const checkScript: Checker<ScriptProbe> = async (probe, { signal, timeoutUs }) => {
  const late = () => failed(`no result in ${formatMicros(timeoutUs)}`);
  const last = leaving.get(probe);
  if (last !== undefined) await Promise.race([last, aborted(signal)]);
  if (signal.aborted) return late();
  const { words, user } = probe;
  // The signal is aborted when the time is up: a second clock could only disagree.
  const run = program.startProgram({ words, user, timeoutUs: null, signal });
  const outcome = await run.outcome;
  if (outcome.kind === "aborted") {
    leaving.set(probe, run.gone.then(() => void leaving.delete(probe)));
    return late();
  }
  if (outcome.kind === "exited" && outcome.status === 0) return GOOD;
  const why = program.describeOutcome(outcome);
  return program.couldNotRun(outcome) ? couldNotRun(why) : failed(why);
};

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
