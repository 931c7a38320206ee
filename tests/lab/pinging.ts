/** A client that pings an address all the time, from the thread of the test. */

import { type Ip, ip } from "../../lib/core/address.ts";
import { Probe } from "../../lib/net/probe.ts";
import type { Host } from "../../lib/net/topology.ts";

/** Pings until it is disposed of. */
export class Pinging implements Disposable {
  readonly probe: Probe;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(host: Host, source: Ip, target: string, everyMs = 10) {
    this.probe = new Probe(host, source, ip(target));
    this.#timer = setInterval(() => {
      this.probe.send();
      this.probe.receive();
    }, everyMs);
  }

  /** How many there are, and how many without an answer, but for those of the last instant. */
  count(): { readonly sent: number; readonly lost: number } {
    this.probe.receive();
    const old = this.probe.pings.slice(0, -SETTLING);
    return { sent: old.length, lost: old.filter(({ answer }) => answer === null).length };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.probe.close();
  }
}

/** Pings whose answer may still be on its way: half a second of them. */
const SETTLING = 50;
