/** What is said about tracked objects: to the engine, and to people. */

import type { Micros } from "../core/time.ts";
import type { JudgeState } from "./judge.ts";

/**
 * What is known about a tracked object: structurally the TrackerState of lib/vrrp/priority.ts, which
 * this folder does not import, so that checks know nothing of VRRP.
 */
export type TrackedState =
  | { readonly kind: "pending" }
  | { readonly kind: "good" }
  | { readonly kind: "bad"; readonly why: string }
  | { readonly kind: "value"; readonly value: number };

/** One check for people: plain JSON. Instants are milliseconds since the epoch. */
export interface CheckStatus {
  readonly tracker: string;
  readonly state: JudgeState["state"];
  /** Since when the state is so. */
  readonly sinceMs: number;
  /** The latest failure in words, whether or not it counted; null if there was none. */
  readonly lastError: string | null;
  readonly lastErrorAtMs: number | null;
  /** Whether that failure was one of the check itself rather than of the service. */
  readonly couldNotRun: boolean;
  readonly warning: string | null;
  /** Of the latest run; null before the first. */
  readonly latencyUs: Micros | null;
  readonly runs: number;
  readonly failures: number;
  /** Runs that were left out because the one before was still going. */
  readonly skipped: number;
}

/** What a judge's state means to those who track it. */
export function trackedState({ state, why }: JudgeState): TrackedState {
  return state === "bad" ? { kind: state, why: why ?? "" } : { kind: state };
}

/** What a judge's state means to people. */
export function checkStatus(tracker: string, judged: JudgeState, skipped: number): CheckStatus {
  const { state, sinceMs, lastError, warning, latencyUs, runs, failures } = judged;
  return {
    tracker,
    state,
    sinceMs,
    lastError: lastError?.why ?? null,
    lastErrorAtMs: lastError?.atMs ?? null,
    couldNotRun: lastError?.couldNotRun ?? false,
    warning,
    latencyUs,
    runs,
    failures,
    skipped,
  };
}
