/** From single results to good or bad: rise and fall, as keepalived counts them. Pure. */

import type { CheckSpec } from "../core/probe_spec.ts";
import type { Micros } from "../core/time.ts";
import type { Verdict } from "./checker.ts";

/** How results are counted. */
export type JudgeSpec = Pick<CheckSpec, "rise" | "fall" | "initial">;

/** What is known about one check. Instants are milliseconds since the epoch. */
export interface JudgeState {
  readonly state: "pending" | "good" | "bad";
  /** Since when it is so. */
  readonly sinceMs: number;
  /** Why it is bad, from the latest failure; null unless it is. */
  readonly why: string | null;
  /** Results in a row that speak against the state. */
  readonly streak: number;
  /** The latest failure, whether or not it counted; null if there was none. */
  readonly lastError: {
    readonly why: string;
    readonly atMs: number;
    /** The check itself could not be made. */
    readonly couldNotRun: boolean;
  } | null;
  /** Of the latest result; null if it had none. */
  readonly warning: string | null;
  /** Of the latest run; null before the first. */
  readonly latencyUs: Micros | null;
  readonly runs: number;
  readonly failures: number;
}

/** Why a verdict is not good, for people: a check that is broken is not a service that is down. */
export function whyInFull({ kind, why }: Extract<Verdict, { good: false }>): string {
  return kind === "failed" ? why : `${kind}: ${why}`;
}

/** What holds before the first result. */
export function firstState({ initial }: JudgeSpec, nowMs: number): JudgeState {
  return {
    state: initial === "wait" ? "pending" : initial === "up" ? "good" : "bad",
    sinceMs: nowMs,
    why: initial === "down" ? "no result yet" : null,
    streak: 0,
    lastError: null,
    warning: null,
    latencyUs: null,
    runs: 0,
    failures: 0,
  };
}

/**
 * One more result. A pending check takes its first one at once, whatever rise and fall say; after
 * that `fall` failures in a row make a good one bad, `rise` successes in a row a bad one good
 * (keepalived-compatible).
 */
export function judge(
  before: JudgeState,
  verdict: Verdict,
  latencyUs: Micros,
  spec: JudgeSpec,
  nowMs: number,
): JudgeState {
  const outcome = verdict.good ? "good" : "bad";
  const against = before.state !== outcome;
  const streak = against ? before.streak + 1 : 0;
  const needed = before.state === "pending" ? 1 : verdict.good ? spec.rise : spec.fall;
  const turns = against && streak >= needed;
  const state = turns ? outcome : before.state;
  return {
    state,
    sinceMs: turns ? nowMs : before.sinceMs,
    why: state !== "bad" ? null : verdict.good ? before.why : whyInFull(verdict),
    streak: turns ? 0 : streak,
    lastError: verdict.good
      ? before.lastError
      : { why: whyInFull(verdict), atMs: nowMs, couldNotRun: verdict.kind === "could not run" },
    warning: verdict.good ? verdict.warning ?? null : null,
    latencyUs,
    runs: before.runs + 1,
    failures: before.failures + (verdict.good ? 0 : 1),
  };
}
