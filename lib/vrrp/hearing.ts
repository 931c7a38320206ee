/** What an admitted advert means to a backup and to a master (RFC 9568 6.4.2 and 6.4.3). */

import { compareIp, type Ip } from "../core/address.ts";
import { after, formatMicros, type Micros } from "../core/time.ts";
import { routerDownInterval, routerSkew } from "./timers.ts";
import type { Outcome } from "./transitions.ts";
import { type Effect, type On, OWNER_PRIORITY, RESIGN_PRIORITY, type Router } from "./types.ts";

type Heard = On<"advert">;

/**
 * RFC 9568 6.4.2. Priority 0: the master is leaving, wait the skew only. An advert that is followed
 * restarts the timer; one that this router would outbid leaves it running.
 */
export function hearAsBackup(r: Router, { advert }: Heard, now: Micros): Outcome {
  if (r.listenNotBefore !== null && now < r.listenNotBefore) return {};
  const sender = { address: advert.source, priority: advert.priority };
  if (advert.priority === RESIGN_PRIORITY) {
    return {
      changes: {
        master: sender,
        timers: { ...r.timers, masterDown: after(now, routerSkew(r)) },
      },
      effects: [perPacket(`Backup received priority 0 advertisement from ${advert.source}`)],
    };
  }
  const outbid = advert.priority < r.priority && preempts(r);
  if (!outbid) return follow(r, sender, advert.advertIntervalUs, now, null);
  return hearLowerMaster(r, sender, advert.advertIntervalUs, now);
}

/** Whether this router takes over from a lower master; an owner always does (RFC 9568 6.1). */
export function preempts(r: Router): boolean {
  return r.config.preempt || r.priority === OWNER_PRIORITY;
}

type Sender = { readonly address: Ip; readonly priority: number };

/** A lower master is followed while `preempt_delay` runs, which its first advert starts. */
function hearLowerMaster(r: Router, sender: Sender, intervalUs: Micros, now: Micros): Outcome {
  const { preemptDelayUs } = r.config;
  if (preemptDelayUs > 0 && r.preemptNotBefore === null) {
    const text = `Start preempt delay (${formatMicros(preemptDelayUs)})`;
    const started = follow(r, sender, intervalUs, now, after(now, preemptDelayUs));
    return { ...started, effects: [info(text), ...started.effects ?? []] };
  }
  if (r.preemptNotBefore !== null && now < r.preemptNotBefore) {
    return follow(r, sender, intervalUs, now, r.preemptNotBefore);
  }
  if (sameSender(r.master, sender)) return {};
  const text =
    `Received lower priority (${sender.priority}) advert from ${sender.address} - discarding`;
  return { changes: { master: sender }, effects: [info(text)] };
}

/** Accepts a sender as the master: learns its interval (version 3) and restarts the down timer. */
function follow(
  r: Router,
  sender: Sender,
  intervalUs: Micros,
  now: Micros,
  preemptNotBefore: Micros | null,
): Outcome {
  const learned = learn(r, sender, intervalUs);
  const next: Router = { ...r, ...learned.changes };
  const stopped: Effect[] = r.preemptNotBefore !== null && preemptNotBefore === null
    ? [info("Stop preempt delay")]
    : [];
  return {
    changes: {
      ...learned.changes,
      preemptNotBefore,
      isReady: false,
      timers: { ...r.timers, masterDown: after(now, routerDownInterval(next)) },
    },
    effects: [...stopped, ...learned.effects ?? []],
  };
}

/** Notes who is master and, in version 3, how often it speaks. */
function learn(r: Router, master: Sender, intervalUs: Micros): Outcome {
  const effects: Effect[] = [];
  if (r.master?.address !== master.address) {
    effects.push(info(
      r.master === null || r.master.priority === RESIGN_PRIORITY
        ? `Master set to ${master.address}`
        : `Master changed from ${r.master.address} to ${master.address}`,
    ));
  }
  const masterAdvertIntervalUs = r.config.version === 3 ? intervalUs : r.masterAdvertIntervalUs;
  if (masterAdvertIntervalUs !== r.masterAdvertIntervalUs) {
    const was = formatMicros(r.masterAdvertIntervalUs);
    effects.push(info(
      `Advertisement interval updated from ${was} to ${formatMicros(intervalUs)} by master`,
    ));
  }
  return { changes: { master, masterAdvertIntervalUs }, effects };
}

/**
 * RFC 9568 6.4.3, which version 2 follows here too: a resigning or losing sender is answered at
 * once, and the addresses are announced again because switches may have learned the loser's port.
 */
export function hearAsMaster(r: Router, { advert }: Heard, now: Micros): Outcome {
  if (advert.priority === RESIGN_PRIORITY) {
    return answer(r, now, `Master received priority 0 message from ${advert.source}`);
  }
  const order = advert.priority - r.priority || byAddress(r, advert.source);
  if (order > 0) return yieldTo(r, advert.source, advert.priority, advert.advertIntervalUs);
  if (order === 0) {
    const text =
      `Received an advert from our own address ${advert.source}: is it configured twice?`;
    return { effects: [{ do: "log", level: "warning", text, repeats: true }] };
  }
  const lower = advert.priority < r.priority
    ? `lower priority ${advert.priority}, ours ${r.priority}`
    : `same priority ${advert.priority} but lower IP address than ours`;
  const text = `Received advert from ${advert.source} with ${lower}, forcing new election`;
  const answered = r.config.lowerHeard.advert
    ? answer(r, now, text)
    : { effects: [perPacket(text)] };
  const again = reannounceLower({ ...r, ...answered.changes }, { kind: "reannounce" }, now);
  return {
    changes: { ...answered.changes, ...again.changes },
    effects: [
      ...answered.effects ?? [],
      ...again.effects ?? [],
      { do: "notifyLower", priority: r.priority },
    ],
  };
}

/** A lower master was on the wire: switches and neighbours may have learned from it. */
export function reannounceLower(r: Router, _event: On<"reannounce">, now: Micros): Outcome {
  const { repeat, delayUs } = r.config.lowerHeard;
  if (repeat === 0) return {};
  const announceLower = delayUs > 0 ? after(now, delayUs) : null;
  return {
    changes: { timers: { ...r.timers, announceLower } },
    effects: [{ do: "announce", rounds: repeat }],
  };
}

/** The tie-break between equal priorities: the numerically greater address wins (RFC 9568 6.4.3). */
function byAddress(r: Router, source: Ip): number {
  return r.primaryAddress === null ? 1 : compareIp(source, r.primaryAddress);
}

function yieldTo(r: Router, address: Ip, priority: number, intervalUs: Micros): Outcome {
  const { changes } = learn(r, { address, priority }, intervalUs);
  const higher = priority > r.priority
    ? `higher priority ${priority}, ours ${r.priority}`
    : `same priority ${priority} but higher IP address than ours`;
  const cause = `Master received advert from ${address} with ${higher}`;
  // The last word of a master that goes: what hears it knows whom it was.
  const effects: Effect[] = r.config.higherHeardAdvert
    ? [{ do: "sendAdvert", priority: r.priority }]
    : [];
  return { to: "backup", cause, changes, effects };
}

function answer(r: Router, now: Micros, text: string): Outcome {
  return {
    changes: { timers: { ...r.timers, adver: after(now, r.config.advertIntervalUs) } },
    effects: [perPacket(text), { do: "sendAdvert", priority: r.priority }],
  };
}

function info(text: string): Effect {
  return { do: "log", level: "info", text };
}

/** A line that the next packet may bring again. */
function perPacket(text: string): Effect {
  return { do: "log", level: "info", text, repeats: true };
}

function sameSender(a: Sender | null, b: Sender): boolean {
  return a !== null && a.address === b.address && a.priority === b.priority;
}
