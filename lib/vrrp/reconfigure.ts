/**
 * A router that runs gets another configuration: no change of state comes of it by itself. Its
 * priority, its faults and its source are other events, which follow if they are other ones now.
 */

import { isSame } from "../core/same.ts";
import { after, type Micros, micros } from "../core/time.ts";
import { routerDownInterval } from "./timers.ts";
import type { Outcome } from "./transitions.ts";
import type { On, Router, RouterConfig, TimerName } from "./types.ts";

type NewConfig = On<"config">;

/** What no advert shows: all else that changes is told to the others at once. */
const SILENT: ReadonlySet<string> = new Set<keyof RouterConfig>([
  "name",
  "basePriority",
  "checkUnicastSource",
  "peerTtls",
  "downTimerAdverts",
  "ownerIgnoresAdverts",
  "timerExpiredPriority",
  "preempt",
  "preemptDelayUs",
  "startupDelayUs",
  "announce",
  "lowerHeard",
  "higherHeardAdvert",
  "isGrouped",
  "ownerWaits",
]);

/** Before the start and in fault nothing runs that could depend on it. */
export function reconfigureIdle(_r: Router, { config }: NewConfig): Outcome {
  return { changes: { config, masterAdvertIntervalUs: config.advertIntervalUs } };
}

/**
 * A backup whose down interval is another one listens anew, as keepalived's does: what it has heard
 * was by other rules, and to count it would be to take over from a master that speaks as seldom as it
 * was told to.
 */
export function reconfigureBackup(r: Router, { config }: NewConfig, now: Micros): Outcome {
  const next: Router = { ...r, config, masterAdvertIntervalUs: intervalOfMaster(r, config) };
  const isAsBefore = routerDownInterval(next) === routerDownInterval(r);
  const { masterDown } = r.timers;
  const from = r.listenNotBefore !== null && r.listenNotBefore > now ? r.listenNotBefore : now;
  return {
    changes: {
      config,
      masterAdvertIntervalUs: next.masterAdvertIntervalUs,
      isReady: r.isReady && config.isGrouped,
      preemptNotBefore: endOfPreemptDelay(r, config),
      timers: {
        ...r.timers,
        masterDown: isAsBefore || masterDown === null
          ? masterDown
          : after(from, routerDownInterval(next)),
      },
    },
  };
}

/** Version 2 goes by what is configured, version 3 by what the master says, if one was heard. */
function intervalOfMaster(r: Router, config: RouterConfig): Micros {
  const isLearned = config.version === 3 && r.config.version === 3 && r.master !== null;
  return isLearned ? r.masterAdvertIntervalUs : config.advertIntervalUs;
}

/** A delay that runs is as long as it is now said to be, from when it began. */
function endOfPreemptDelay(r: Router, { preemptDelayUs }: RouterConfig): Micros | null {
  if (r.preemptNotBefore === null || preemptDelayUs === 0) return null;
  return after(r.preemptNotBefore, micros(preemptDelayUs - r.config.preemptDelayUs));
}

/** A master stays one. What the others must know they are told now rather than at the next advert. */
export function reconfigureMaster(r: Router, { config }: NewConfig, now: Micros): Outcome {
  const isToBeTold = !isSame(r.config, config, SILENT);
  return {
    changes: {
      config,
      masterAdvertIntervalUs: config.advertIntervalUs,
      timers: {
        ...r.timers,
        ...announceTimers(r, config, now),
        ...isToBeTold ? { adver: after(now, config.advertIntervalUs) } : {},
      },
    },
    effects: isToBeTold ? [{ do: "sendAdvert", priority: r.priority }] : [],
  };
}

/** What waits goes on waiting; the refresh begins, ends or gets its new rhythm. */
function announceTimers(
  r: Router,
  { announce: { refreshUs } }: RouterConfig,
  now: Micros,
): Partial<Record<TimerName, Micros | null>> {
  if (refreshUs === r.config.announce.refreshUs) return {};
  return { announceRefresh: refreshUs > 0 ? after(now, refreshUs) : null };
}
