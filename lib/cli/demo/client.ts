/** The demo's client: it pings the virtual address all the time and knows who answered last. */

import type { Ip, Mac } from "../../core/address.ts";
import { after, type Micros, micros, millis } from "../../core/time.ts";
import { now } from "../../engine/loop.ts";
import { type Outage, Probe, worstOutage } from "../../net/probe.ts";
import type { Host } from "../../net/topology.ts";

/** Between pings. */
export const PING_MS = 2;

/** How often a wait looks. */
export const LOOK_MS = 5;

/** An answer may still be under way for so long; younger pings are not called lost. */
const GRACE_US = millis(50);

/** What to wait for. */
export interface Wait {
  readonly mac: Mac;
  /** For how long nobody else may have answered meanwhile. */
  readonly steadyUs: Micros;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Pings until it is closed. */
export class Client {
  readonly #probe: Probe;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Who answered last, since when, and when last. */
  #holder: { readonly mac: Mac; readonly since: Micros; last: Micros } | null = null;

  /** @param fail Told when pinging itself fails, which ends it. @throws {SysError} */
  constructor(host: Host, source: Ip, target: Ip, fail: (error: unknown) => void) {
    this.#probe = new Probe(host, source, target);
    this.#timer = setInterval(() => {
      try {
        this.#tick();
      } catch (error) {
        clearInterval(this.#timer);
        fail(error);
      }
    }, PING_MS);
  }

  /**
   * Waits until a router answers, and nobody else.
   * @returns When it began to; null if the time is over.
   * @throws What `signal` was aborted with.
   */
  async answeredBy({ mac, steadyUs, timeoutMs, signal }: Wait): Promise<Micros | null> {
    const deadline = after(now(), millis(timeoutMs));
    while (now() < deadline) {
      signal.throwIfAborted();
      const holder = this.#holder;
      if (holder?.mac === mac && holder.last - holder.since >= steadyUs) return holder.since;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return null;
  }

  /** What was lost from an instant until just now. */
  outageSince(from: Micros): Outage {
    return worstOutage(this.#probe.pings, micros(from - GRACE_US), micros(now() - GRACE_US));
  }

  close(): void {
    clearInterval(this.#timer);
    this.#probe.close();
  }

  #tick(): void {
    const answer = this.#probe.receive();
    if (answer !== null) {
      const { at, from } = answer;
      if (this.#holder?.mac === from) this.#holder.last = at;
      else this.#holder = { mac: from, since: at, last: at };
    }
    this.#probe.send();
  }
}
