/** The state machine's one door: `step`. Pure: same router, event and clock in, same answer out. */

import type { Micros } from "../core/time.ts";
import { ENTER, LEAVE, NO_TIMERS, type Outcome, RULES } from "./transitions.ts";
import {
  type Effect,
  type Event,
  type EventKind,
  type Router,
  type RouterConfig,
  type TimerName,
  TIMERS,
} from "./types.ts";

/** A router that has not started: state init, no timer, its base priority. */
export function createRouter(config: RouterConfig): Router {
  return {
    config,
    state: "init",
    priority: config.basePriority,
    primaryAddress: null,
    faults: [],
    masterAdvertIntervalUs: config.advertIntervalUs,
    master: null,
    timers: NO_TIMERS,
    preemptNotBefore: null,
    listenNotBefore: null,
    isReady: false,
  };
}

/**
 * What `event` at instant `now` makes of a router, and what it then wants done, in order.
 * The only writer of state and timers.
 *
 * @param now Microseconds of the same monotonic clock in every call.
 */
export function step(
  router: Router,
  event: Event,
  now: Micros,
): { readonly router: Router; readonly effects: readonly Effect[] } {
  const rule = RULES[router.state][event.kind] as Rule<EventKind>;
  const outcome = rule(router, event, now);
  const changed: Router = { ...router, ...outcome.changes };
  if (outcome.to === undefined || outcome.to === router.state) {
    return { router: changed, effects: outcome.effects ?? [] };
  }
  const entry = ENTER[outcome.to](changed, now);
  return {
    router: { ...changed, state: outcome.to, isReady: false, ...entry.changes },
    effects: [
      ...outcome.effects ?? [],
      ...LEAVE[router.state][outcome.to],
      ...entry.before,
      {
        do: "notify",
        from: router.state,
        to: outcome.to,
        priority: changed.priority,
        cause: outcome.cause ?? "",
      },
      ...entry.after,
    ],
  };
}

type Rule<K extends EventKind> = (
  router: Router,
  event: Event & { kind: K },
  now: Micros,
) => Outcome;

/** The timer that fires next, and when; null if none is armed. The loop sleeps until the earliest. */
export function nextTimer(router: Router): { timer: TimerName; at: Micros } | null {
  let next: { timer: TimerName; at: Micros } | null = null;
  for (const timer of TIMERS) {
    const at = router.timers[timer];
    if (at !== null && (next === null || at < next.at)) next = { timer, at };
  }
  return next;
}
