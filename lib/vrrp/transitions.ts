/**
 * The protocol on one screen: RULES says what each event does in each state (RFC 9568 6.4, RFC 3768
 * 6.4, with FAULT after keepalived), LEAVE and ENTER what every change of state brings with it.
 * The mapped types make a forgotten pair a compile error.
 */

import { after, formatMicros, type Micros, micros } from "../core/time.ts";
import { masterDownInterval, nextPeriod, routerDownInterval, routerSkew } from "./timers.ts";
import { hearAsBackup, hearAsMaster, preempts, reannounceLower } from "./hearing.ts";
import { reconfigureBackup, reconfigureIdle, reconfigureMaster } from "./reconfigure.ts";
import { type Effect, type EventKind, type On, OWNER_PRIORITY, RESIGN_PRIORITY } from "./types.ts";
import type { Fault, Router, State, TimerName } from "./types.ts";

/** What a rule decides: fields that change, the state to go to and why, and what to do first. */
export interface Outcome {
  readonly to?: State;
  /** In words: why the state changes. */
  readonly cause?: string;
  readonly changes?: Partial<Omit<Router, "state">>;
  readonly effects?: readonly Effect[];
}

type Rule<K extends EventKind> = (r: Router, event: On<K>, now: Micros) => Outcome;

/** The transition table, total over state and event. */
// deno-fmt-ignore: read by column
export const RULES: { readonly [S in State]: { readonly [K in EventKind]: Rule<K> } } = {
  init:   { startup: begin,  shutdown: ignore, timer: ignore,      advert: ignore,       priority: setPriority, faults: setFaults, source: setSource,  follow: ignore, reannounce: ignore, config: reconfigureIdle },
  backup: { startup: ignore, shutdown: stop,   timer: timerBackup, advert: hearAsBackup, priority: rescale,     faults: fail,      source: setSource,  follow: rise,   reannounce: ignore, config: reconfigureBackup },
  master: { startup: ignore, shutdown: stop,   timer: timerMaster, advert: hearAsMaster, priority: tellPriority, faults: fail,     source: moveSource, follow: yieldTogether, reannounce: reannounceLower, config: reconfigureMaster },
  fault:  { startup: ignore, shutdown: stop,   timer: ignore,      advert: ignore,       priority: setPriority, faults: recover,   source: setSource,  follow: ignore, reannounce: ignore, config: reconfigureIdle },
};

/** All timers off. */
export const NO_TIMERS: Readonly<Record<TimerName, Micros | null>> = {
  masterDown: null,
  adver: null,
  announceDelay: null,
  announceRefresh: null,
  announceLower: null,
};

const STAND_DOWN: readonly Effect[] = [{ do: "cancelAnnounce" }, { do: "removeAddresses" }];
const RESIGN: readonly Effect[] = [
  { do: "sendAdvert", priority: RESIGN_PRIORITY },
  ...STAND_DOWN,
];

/** What is done on the way out of a state: a master that nobody outbid says that it resigns. */
export const LEAVE: { readonly [From in State]: { readonly [To in State]: readonly Effect[] } } = {
  init: { init: [], backup: [], master: [], fault: [] },
  backup: { init: [], backup: [], master: [], fault: [] },
  master: { init: RESIGN, backup: STAND_DOWN, master: [], fault: RESIGN },
  fault: { init: [], backup: [], master: [], fault: [] },
};

/** What is done on the way in: before the notification, and after it. */
export interface Entry {
  readonly changes: Partial<Omit<Router, "config" | "state">>;
  readonly before: readonly Effect[];
  readonly after: readonly Effect[];
}

/** How each state is entered. The advert of a new master leaves before all slower work. */
export const ENTER: { readonly [S in State]: (r: Router, now: Micros) => Entry } = {
  init: () => idle({ master: null, listenNotBefore: null }),
  fault: () => idle({ master: null }),
  backup: (r, now) =>
    idle({ timers: { ...NO_TIMERS, masterDown: downDeadline(r, now) }, preemptNotBefore: null }),
  master: (r, now) => {
    const { advertIntervalUs, announce } = r.config;
    return {
      changes: {
        masterAdvertIntervalUs: advertIntervalUs,
        master: r.primaryAddress && { address: r.primaryAddress, priority: r.priority },
        preemptNotBefore: null,
        timers: {
          masterDown: null,
          adver: after(now, advertIntervalUs),
          announceDelay: announce.delayUs > 0 ? after(now, announce.delayUs) : null,
          announceRefresh: announce.refreshUs > 0
            ? after(after(now, announce.delayUs), announce.refreshUs)
            : null,
          announceLower: null,
        },
      },
      before: [{ do: "sendAdvert", priority: r.priority }],
      after: [{ do: "addAddresses" }, { do: "announce", rounds: announce.repeat }],
    };
  },
};

function idle(changes: Entry["changes"]): Entry {
  return {
    changes: { timers: NO_TIMERS, preemptNotBefore: null, ...changes },
    before: [],
    after: [],
  };
}

/** An owner that waits out a start-up delay has no down interval to wait beyond it. */
function downDeadline(r: Router, now: Micros): Micros {
  const from = r.listenNotBefore !== null && r.listenNotBefore > now ? r.listenNotBefore : now;
  return r.priority === OWNER_PRIORITY && from > now ? from : after(from, routerDownInterval(r));
}

function ignore(): Outcome {
  return {};
}

function begin(r: Router, { since }: On<"startup">, now: Micros): Outcome {
  const { startupDelayUs, delayAfterBootUs } = r.config;
  const end = micros(Math.max(after(since ?? now, startupDelayUs), delayAfterBootUs));
  const listenNotBefore = end > now ? end : null;
  if (r.faults.length > 0) {
    return { to: "fault", cause: describeFaults(r.faults), changes: { listenNotBefore } };
  }
  return { ...electable(r, "started", now, listenNotBefore), changes: { listenNotBefore } };
}

/** Where a healthy router starts: an owner as master at once (RFC 9568 6.4.1), unless told to wait. */
function electable(
  r: Router,
  cause: string,
  now: Micros,
  listenNotBefore: Micros | null,
): Outcome {
  const mayListen = listenNotBefore === null || listenNotBefore <= now;
  return r.priority === OWNER_PRIORITY && mayListen && !r.config.ownerWaits
    ? { to: "master", cause: `${cause}, owner of the addresses (priority 255)` }
    : { to: "backup", cause };
}

function stop(): Outcome {
  return { to: "init", cause: "shutdown" };
}

function timerBackup(r: Router, event: On<"timer">, now: Micros): Outcome {
  if (event.timer !== "masterDown") return {};
  const cause = whyMasterDown(r, now);
  if (!r.config.isGrouped) return { to: "master", cause };
  // A better master of another member may be alive: the group would be split, or go to and fro.
  return {
    changes: { isReady: true, ...arm(r, "masterDown", after(now, routerDownInterval(r))) },
    effects: [{ do: "ready", cause }],
  };
}

/** In words, what ended the wait of a backup (vrrpv3StatisticsNewMasterReason, RFC 6527). */
function whyMasterDown(r: Router, now: Micros): string {
  const { master } = r;
  if (master === null) return "no master was heard";
  if (master.priority === RESIGN_PRIORITY) return `master ${master.address} resigned (priority 0)`;
  const delaying = r.preemptNotBefore !== null && now < r.preemptNotBefore;
  if (master.priority < r.priority && preempts(r) && !delaying) {
    return `preempting ${master.address}, whose priority is ${master.priority}, ours ${r.priority}`;
  }
  return `no advert from master ${master.address} (priority ${master.priority}) in time`;
}

/** What each timer means to a master; `due` is when it should have fired. */
const MASTER_TIMERS: {
  readonly [T in TimerName]: (r: Router, due: Micros, now: Micros) => Outcome;
} = {
  masterDown: ignore,
  adver: (r, due, now) =>
    standDown(r, due, now) ?? {
      changes: arm(r, "adver", nextPeriod(due, r.config.advertIntervalUs, now)),
      effects: [{ do: "sendAdvert", priority: r.priority }],
    },
  announceDelay: (r) => ({
    changes: arm(r, "announceDelay", null),
    effects: [{ do: "announce", rounds: r.config.announce.repeat }],
  }),
  announceRefresh: (r, due, now) => ({
    changes: arm(r, "announceRefresh", nextPeriod(due, r.config.announce.refreshUs, now)),
    effects: [{ do: "announce", rounds: r.config.announce.refreshRepeat }],
  }),
  announceLower: (r) => ({
    changes: arm(r, "announceLower", null),
    effects: [{ do: "announce", rounds: r.config.lowerHeard.repeat }],
  }),
};

/**
 * keepalived's guard for a starved process (`timer_expired_backup`): when the down interval of the
 * highest other router has passed since our last advert, it may be master already.
 */
function standDown(r: Router, due: Micros, now: Micros): Outcome | null {
  const { timerExpiredPriority, version, advertIntervalUs } = r.config;
  if (timerExpiredPriority === null) return null;
  const silentUs = now - due + advertIntervalUs;
  if (silentUs < masterDownInterval(version, timerExpiredPriority, advertIntervalUs)) return null;
  const late = formatMicros(micros(now - due));
  return { to: "backup", cause: `the advert timer fired ${late} late`, changes: { master: null } };
}

function arm(r: Router, timer: TimerName, at: Micros | null): Pick<Router, "timers"> {
  return { timers: { ...r.timers, [timer]: at } };
}

function timerMaster(r: Router, { timer }: On<"timer">, now: Micros): Outcome {
  return MASTER_TIMERS[timer](r, r.timers[timer] ?? now, now);
}

function setPriority(r: Router, event: On<"priority">): Outcome {
  return { changes: { priority: event.priority }, effects: priorityEffects(r, event) };
}

/** A master whose priority moved says so at once: what waits for it need not wait for an interval. */
function tellPriority(r: Router, event: On<"priority">): Outcome {
  const { priority } = event;
  if (priority === r.priority) return {};
  return {
    changes: { priority, master: r.master && { ...r.master, priority } },
    effects: [{ do: "sendAdvert", priority }, ...priorityEffects(r, event)],
  };
}

/** A running down timer moves by the difference of the skews, as if the priority had always been so. */
function rescale(r: Router, event: On<"priority">): Outcome {
  const effects = priorityEffects(r, event);
  const { masterDown } = r.timers;
  if (masterDown === null) return { changes: { priority: event.priority }, effects };
  const later = routerSkew({ ...r, priority: event.priority }) - routerSkew(r);
  const timers = { ...r.timers, masterDown: after(masterDown, later as Micros) };
  return { changes: { priority: event.priority, timers }, effects };
}

function priorityEffects(r: Router, { priority, cause }: On<"priority">): readonly Effect[] {
  if (priority === r.priority) return [];
  const text = `Changing effective priority from ${r.priority} to ${priority}: ${cause}`;
  return [{ do: "log", level: "notice", text }, { do: "notifyPriority", priority }];
}

/** All members could be master, so all of them become it. */
function rise(_r: Router, { to, cause }: On<"follow">): Outcome {
  return to === "master" ? { to, cause } : {};
}

/** The group lost an election: no priority 0, for nobody resigned. Who is master here will be heard. */
function yieldTogether(_r: Router, { to, cause }: On<"follow">): Outcome {
  return to === "backup" ? { to, cause, changes: { master: null } } : {};
}

function setFaults(_r: Router, event: On<"faults">): Outcome {
  return { changes: { faults: event.faults } };
}

function fail(_r: Router, event: On<"faults">): Outcome {
  const changes = { faults: event.faults };
  if (event.faults.length === 0) return { changes };
  return { to: "fault", cause: describeFaults(event.faults), changes };
}

/** Recovery is a startup, but for what was learned (RFC 9568 6.4.1). */
function recover(r: Router, event: On<"faults">, now: Micros): Outcome {
  const changes = {
    faults: event.faults,
    masterAdvertIntervalUs: r.config.advertIntervalUs,
  };
  if (event.faults.length > 0) return { changes };
  const cause = `recovered from: ${describeFaults(r.faults)}`;
  return { ...electable(r, cause, now, r.listenNotBefore), changes };
}

/** Faults for people: "eth0 is down, eth0 has no IPv4 address". */
function describeFaults(faults: readonly Fault[]): string {
  return faults.map((fault) => fault.detail).join(", ");
}

function setSource(_r: Router, event: On<"source">): Outcome {
  return { changes: { primaryAddress: event.address } };
}

/** A master whose source moved says so at once: the tie-break of others compares that address. */
function moveSource(r: Router, event: On<"source">): Outcome {
  const { address } = event;
  if (address === null || address === r.primaryAddress) {
    return { changes: { primaryAddress: address } };
  }
  return {
    changes: { primaryAddress: address, master: { address, priority: r.priority } },
    effects: [
      { do: "log", level: "notice", text: `Source address is now ${address}` },
      { do: "sendAdvert", priority: r.priority },
    ],
  };
}
