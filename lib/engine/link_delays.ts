/**
 * Links whose state counts only after a while (`interface_up_down_delays`): what the host says, but
 * for those that have just changed. Nothing here reads a clock; `look` is told the time.
 */

import type { Ip } from "../core/address.ts";
import type { LinkDelay } from "../core/link_delay.ts";
import { after, type Micros } from "../core/time.ts";
import type { HostAddress, HostTable, Link } from "../net/links.ts";

/** The part of the host that is asked by name. */
type Host = Pick<HostTable, "byName" | "addressesOf" | "holders">;

/** What counts for one interface. */
export interface DelayedLink {
  readonly interface: string;
  /** As both flags together counted last; null: it was not there. */
  readonly counts: { readonly up: boolean; readonly running: boolean } | null;
  /** Since when the host has been saying otherwise; null if it does not. */
  readonly sinceUs: Micros | null;
}

/** The host, with the state of links that counts. */
export class LinkDelays implements Host {
  readonly #host: Host;
  #delays: ReadonlyMap<string, LinkDelay>;
  readonly #links = new Map<string, DelayedLink>();

  constructor(host: Host, delays: readonly LinkDelay[]) {
    this.#host = host;
    this.#delays = byInterface(delays);
  }

  /** Other delays from now on; what is being waited for goes on. `look` tells what comes of it. */
  configure(delays: readonly LinkDelay[]): void {
    this.#delays = byInterface(delays);
    for (const name of this.#links.keys()) if (!this.#delays.has(name)) this.#links.delete(name);
  }

  /**
   * Compares what counts with what the host says, and lets count what has lasted. An interface that
   * goes away counts at once, for nothing leaves by it; one that is new to this counts as it is.
   */
  look(now: Micros): void {
    for (const [name, delay] of this.#delays) {
      const link = this.#host.byName(name), known = this.#links.get(name);
      this.#links.set(name, { interface: name, ...judge(link, known, delay, now) });
    }
  }

  /** When to look again although the host has not changed; null if there is no need. */
  get nextDeadline(): Micros | null {
    let next: Micros | null = null;
    for (const [name, { counts, sinceUs }] of this.#links) {
      const delay = this.#delays.get(name);
      if (sinceUs === null || delay === undefined) continue;
      const due = after(sinceUs, works(counts) ? delay.downUs : delay.upUs);
      if (next === null || due < next) next = due;
    }
    return next;
  }

  /** The interface of that name, as up or down as it counts. */
  byName(name: string): Link | undefined {
    const link = this.#host.byName(name), known = this.#links.get(name);
    if (link === undefined || known === undefined || known.sinceUs === null) return link;
    // Nothing is known of one that was not there but that it did not work.
    return { ...link, ...known.counts ?? { up: true, running: false } };
  }

  addressesOf(index: number): readonly HostAddress[] {
    return this.#host.addressesOf(index);
  }

  holders(address: Ip): readonly HostAddress[] {
    return this.#host.holders(address);
  }

  /** What counts and what is waited for, for another image of this daemon. */
  capture(): readonly DelayedLink[] {
    return [...this.#links.values()];
  }

  /** Goes on as another image left it; before the first `look`. */
  restore(links: readonly DelayedLink[]): void {
    for (const link of links) {
      if (this.#delays.has(link.interface)) this.#links.set(link.interface, link);
    }
  }
}

type State = Omit<DelayedLink, "interface">;

function judge(
  link: Link | undefined,
  known: DelayedLink | undefined,
  { downUs, upUs }: LinkDelay,
  now: Micros,
): State {
  if (link === undefined) return { counts: null, sinceUs: null };
  const said: State = { counts: { up: link.up, running: link.running }, sinceUs: null };
  if (known === undefined || works(known.counts) === works(link)) return said;
  const sinceUs = known.sinceUs ?? now;
  const due = after(sinceUs, works(link) ? upUs : downUs);
  return due <= now ? said : { counts: known.counts, sinceUs };
}

/** As keepalived counts it: IFF_UP and IFF_RUNNING (netdevice(7)). */
function works(flags: { readonly up: boolean; readonly running: boolean } | null): boolean {
  return flags !== null && flags.up && flags.running;
}

function byInterface(delays: readonly LinkDelay[]): ReadonlyMap<string, LinkDelay> {
  const some = delays.filter(({ downUs, upUs }) => downUs > 0 || upUs > 0);
  return new Map(some.map((delay) => [delay.interface, delay]));
}
