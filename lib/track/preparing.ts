/** What has to be done before the first runs, as their time is for looking. */

import type { PolledProbe } from "../core/probe_spec.ts";
import type { Clock } from "./clock.ts";

/** What else it takes. */
export interface Preparation {
  /** Prepares for one probe; it may reject. */
  readonly prepare: (probe: PolledProbe) => Promise<void>;
  readonly clock: Clock;
  /** Gives it up. */
  readonly signal: AbortSignal;
}

/** A file system that hangs must not keep all checks from being made. Loading everything takes 0.5 s. */
const LIMIT_MS = 5000;

/**
 * Prepares for these probes, one after the other: so files that they share are read once. Resolves
 * when that is done, cannot be done, takes too long, or is given up: what is missing then is loaded
 * by the run that needs it.
 */
export async function prepareAll(
  probes: readonly PolledProbe[],
  { prepare, clock, signal }: Preparation,
): Promise<void> {
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(LIMIT_MS, resolve);
  const giveUp = () => resolve();
  signal.addEventListener("abort", giveUp);
  let isWanted = true;
  const inTurn = async () => {
    for (const probe of probes) {
      if (!isWanted) return;
      // What is wrong is for the run to say.
      await prepare(probe).catch(() => {});
    }
  };
  await Promise.race([inTurn(), enough]);
  isWanted = false;
  signal.removeEventListener("abort", giveUp);
  cancel();
}
