/** A virtual router under a virtual clock: time is an argument, nothing sleeps. */

import { type Ip, ip } from "../../lib/core/address.ts";
import { type Micros, micros, seconds } from "../../lib/core/time.ts";
import { createRouter, nextTimer, step } from "../../lib/vrrp/machine.ts";
import type { Advert, Effect, Event, Fault, Router, RouterConfig } from "../../lib/vrrp/types.ts";

/** A backup of priority 100 with one address, version 3, one second. */
export const CONFIG: RouterConfig = {
  name: "VI_1",
  family: "ipv4",
  version: 3,
  vrid: 51,
  basePriority: 100,
  advertIntervalUs: seconds(1),
  addresses: [ip("192.0.2.100")],
  authentication: { type: "none" },
  checksum: "pseudo-header",
  group: ip("224.0.0.18"),
  unicastPeers: [],
  unicastTtl: 255,
  checkUnicastSource: false,
  peerTtls: [],
  downTimerAdverts: 3,
  ownerIgnoresAdverts: false,
  timerExpiredPriority: null,
  preempt: true,
  preemptDelayUs: micros(0),
  startupDelayUs: micros(0),
  delayAfterBootUs: micros(0),
  announce: { repeat: 5, delayUs: seconds(5), refreshUs: micros(0), refreshRepeat: 1 },
  lowerHeard: { repeat: 5, delayUs: seconds(5), advert: true },
  higherHeardAdvert: false,
  ownerWaits: false,
  isGrouped: false,
};

/** The address of the router under test. */
export const OWN = ip("192.0.2.5");
export const HIGHER = ip("192.0.2.9");
export const LOWER = ip("192.0.2.2");

/** An effect in one word, for assertions on order: "advert 100", "master", "announce 5". */
export function word(effect: Effect): string {
  switch (effect.do) {
    case "sendAdvert":
      return `advert ${effect.priority}`;
    case "announce":
      return `announce ${effect.rounds}`;
    case "notify":
      return effect.to;
    case "log":
      return `log ${effect.text}`;
    default:
      return effect.do;
  }
}

/** Drives one router by events and by the passing of time, and notes what it wanted done. */
export class Clockwork {
  now: Micros = micros(0);
  router: Router;
  /** Effects in order, logs left out, as words. */
  readonly did: string[] = [];
  readonly logs: string[] = [];
  readonly causes: string[] = [];

  constructor(config: Partial<RouterConfig> = {}, source: Ip | null = OWN) {
    this.router = createRouter({ ...CONFIG, ...config });
    this.feed({ kind: "source", address: source });
  }

  feed(event: Event): this {
    const { router, effects } = step(this.router, event, this.now);
    this.router = router;
    for (const effect of effects) {
      if (effect.do === "log") this.logs.push(effect.text);
      else this.did.push(word(effect));
      if (effect.do === "notify") this.causes.push(effect.cause);
    }
    return this;
  }

  start(): this {
    return this.feed({ kind: "startup" });
  }

  /** Lets time pass, firing every timer exactly when it is due. */
  advance(byUs: number): this {
    const end = micros(this.now + byUs);
    for (let next = nextTimer(this.router); next !== null && next.at <= end;) {
      this.now = next.at;
      this.feed({ kind: "timer", timer: next.timer });
      next = nextTimer(this.router);
    }
    this.now = end;
    return this;
  }

  hear(priority: number, source: Ip = HIGHER, advert: Partial<Advert> = {}): this {
    const { version, vrid, advertIntervalUs, addresses } = this.router.config;
    const full = { version, vrid, priority, advertIntervalUs, addresses, source, ...advert };
    return this.feed({ kind: "advert", advert: full });
  }

  faults(...faults: Fault[]): this {
    return this.feed({ kind: "faults", faults });
  }

  /** What was done since the last call. */
  take(): string[] {
    return this.did.splice(0);
  }

  get state() {
    return this.router.state;
  }
}
