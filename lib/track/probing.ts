/** Checks that look at the same thing in the same rhythm look once; each judges for itself. */

import type { CheckSpec, PolledProbe } from "../core/probe_spec.ts";

/** One thing that is looked at, and all the checks that want to know. */
export interface Probing {
  /** The same for the same thing in the same rhythm. */
  readonly key: string;
  readonly spec: Pick<CheckSpec<PolledProbe>, "probe" | "intervalUs" | "timeoutUs">;
  /** At least one. */
  readonly checks: readonly CheckSpec<PolledProbe>[];
}

/** Checks by what they look at, how often and how long, in the order of the first of each. */
export function probings(checks: readonly CheckSpec<PolledProbe>[]): Probing[] {
  const same = Map.groupBy(
    checks,
    ({ probe, intervalUs, timeoutUs }) => JSON.stringify([probe, intervalUs, timeoutUs]),
  );
  return [...same].map(([key, checks]) => ({ key, spec: checks[0]!, checks }));
}
