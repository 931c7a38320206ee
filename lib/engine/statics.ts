/** Static addresses, routes and rules: there from the start to the end, whoever is master. */

import type { RouteEntry, RuleEntry } from "../core/route_entry.ts";
import type { StaticEntries, StaticEntry } from "../core/static_entries.ts";
import type { Ip } from "../core/address.ts";
import { after, type Micros, seconds } from "../core/time.ts";
import type { VirtualAddress } from "../core/virtual_address.ts";
import type { AddressOwner, PlacedAddress } from "../net/addresses.ts";
import type { HostTable } from "../net/links.ts";
import type { Fault } from "../vrrp/types.ts";
import { LogLimiter } from "./log_limiter.ts";
import {
  clearRouting,
  removeRouting,
  type RoutingState,
  type RoutingTools,
  settleRouting,
} from "./routes.ts";
import { sayOnce, type Speaker } from "./say.ts";

/** No instance can be called so: names in a file have no such character. */
const USER = "\0static";

/** What is taken away is put back no oftener. */
const AGAIN_US = seconds(1);

/** What static entries are made with. */
export interface StaticTools extends RoutingTools {
  readonly table: HostTable;
  readonly addresses: AddressOwner;
  retrySoon(): void;
}

/** What is in the kernel, for another image of this daemon. */
export interface StaticState extends RoutingState {
  readonly addresses: readonly PlacedAddress[];
}

/** No static entries. */
export const NO_STATICS: StaticEntries = { addresses: [], routes: [], rules: [], groups: [] };

/** All static entries of a configuration. */
export class Statics {
  readonly #tools: StaticTools;
  readonly #speaker: Speaker;
  #entries: StaticEntries;
  #putBackAt: Micros | null = null;
  #faults: ReadonlyMap<string, readonly Fault[]> = new Map();
  #isStarted = false;
  /** Addresses that were just added: the table does not know yet. */
  #fresh: ReadonlySet<VirtualAddress> = new Set();

  constructor(tools: StaticTools, entries: StaticEntries) {
    this.#tools = {
      ...tools,
      // Lines are about the daemon, not about an instance.
      emit: (event) => {
        if (event.kind !== "log") return tools.emit(event);
        const { instance: _, ...log } = event.log;
        tools.emit({ kind: "log", log: { ...log, text: `static ${log.text}` } });
      },
    };
    const limiters = { packets: new LogLimiter(), host: new LogLimiter() };
    this.#speaker = { name: USER, limiters };
    this.#entries = entries;
  }

  /** The static addresses: an instance may send from them though vigie put them there. */
  get addresses(): ReadonlySet<Ip> {
    return new Set(this.#entries.addresses.map(({ entry }) => entry.address));
  }

  /** Whether there are any entries. */
  get isEmpty(): boolean {
    const { addresses, routes, rules } = this.#entries;
    return addresses.length + routes.length + rules.length === 0;
  }

  /** Takes away what a crashed predecessor left of routes and rules; addresses are taken over. */
  start(at: Micros): void {
    const { addresses, routes, rules } = this.#entries;
    const wanted = { routes: routes.map(entryOf), rules: rules.map(entryOf) };
    clearRouting(this.#tools, [{ speaker: this.#speaker, wanted }]);
    const placed = placeAddresses(addresses.map(entryOf), this.#tools.table);
    this.#tools.addresses.adopt(USER, placed, false);
    this.#isStarted = true;
    this.look(at);
  }

  /** Goes on with what another image had made. */
  resume(state: StaticState | undefined, at: Micros): void {
    this.#tools.addresses.restore(USER, state?.addresses ?? []);
    this.#tools.routing.restore(USER, state);
    this.#isStarted = true;
    this.look(at);
  }

  /** What there is, for another image. */
  capture(): StaticState {
    return {
      addresses: this.#tools.addresses.owned(USER),
      ...this.#tools.routing.capture(USER),
    };
  }

  /** These are the entries from now on. */
  reconfigure(entries: StaticEntries, at: Micros): void {
    this.#entries = entries;
    this.#putBackAt = null;
    if (this.#isStarted) this.look(at);
  }

  /** Takes everything away. */
  stop(): void {
    this.#isStarted = false;
    removeRouting(this.#tools, this.#speaker);
  }

  /** What is missing that an instance depends on (`track_group`). */
  faultsOf(instance: string): readonly Fault[] {
    return this.#faults.get(instance) ?? [];
  }

  /** Makes the host have the entries, and notes what cannot be had. */
  look(at: Micros): void {
    if (!this.#isStarted) return;
    const { addresses, routes, rules } = this.#entries, { routing } = this.#tools;
    const isQuiet = this.#putBackAt !== null && at < after(this.#putBackAt, AGAIN_US);
    if (isQuiet) this.#tools.retrySoon();
    else if (!this.isEmpty || routing.count(USER) + this.#tools.addresses.count(USER) > 0) {
      const wanted = { routes: routes.map(entryOf), rules: rules.map(entryOf) };
      const isPutBack = [
        this.#settleAddresses(addresses.map(entryOf), at),
        settleRouting(this.#tools, this.#speaker, wanted, at),
      ];
      if (isPutBack.includes(true)) this.#putBackAt = at;
    }
    this.#faults = this.#missing();
  }

  /** @returns Whether something had to be put back. */
  #settleAddresses(entries: readonly VirtualAddress[], at: Micros): boolean {
    const { table, addresses } = this.#tools;
    const placed = placeAddresses(entries, table);
    const keys = new Set(placed.map(keyOf));
    const failures = addresses.remove(USER, (one) => !keys.has(keyOf(one)));
    const missing = addresses.missing(placed).filter((one) =>
      one.entry.track || !addresses.owns(USER, one)
    );
    this.#fresh = new Set();
    if (missing.length === 0 && failures.length === 0) return false;
    const had = new Set(missing.filter((one) => addresses.owns(USER, one)));
    const outcome = addresses.add(USER, missing);
    for (const { error } of [...failures, ...outcome.failures]) {
      this.#say("error", `address cannot be made: ${error.message}`, at);
    }
    this.#fresh = new Set(outcome.added.map(({ entry }) => entry));
    const back = outcome.added.filter((one) => had.has(one));
    for (const { entry: { address, device } } of back) {
      this.#say("warning", `${address} was taken off ${device}, not by vigie: put back`, at);
    }
    // Facts are made of the table, which learns of it a little later.
    if (outcome.added.length > 0) this.#tools.retrySoon();
    return back.length > 0;
  }

  #say(level: "error" | "warning", text: string, at: Micros): void {
    sayOnce(this.#tools, this.#speaker, { of: "host", key: text, level, text }, at);
  }

  /** The faults of each instance of the groups whose entries are missing. */
  #missing(): ReadonlyMap<string, readonly Fault[]> {
    const { addresses, routes, rules, groups } = this.#entries;
    if (groups.length === 0) return new Map();
    const { routing } = this.#tools;
    const lost = [
      ...addresses.filter(({ entry }) => !this.#hasAddress(entry))
        .map(({ entry, trackGroup }) => ({ trackGroup, what: `address ${entry.address}` })),
      ...routes.filter(({ entry }) => routing.lacks(USER, entry.text))
        .map(({ entry, trackGroup }) => ({ trackGroup, what: `route "${entry.text}"` })),
      ...rules.filter(({ entry }) => routing.lacks(USER, entry.text))
        .map(({ entry, trackGroup }) => ({ trackGroup, what: `rule "${entry.text}"` })),
    ];
    const faults = new Map<string, Fault[]>();
    for (const { name, members } of groups) {
      const own = lost.filter(({ trackGroup }) => trackGroup === name).map(({ what }): Fault => ({
        reason: "tracker",
        detail: `static ${what} is missing (track_group ${name})`,
      }));
      for (const member of members) {
        if (own.length > 0) faults.set(member, [...faults.get(member) ?? [], ...own]);
      }
    }
    return faults;
  }

  #hasAddress(entry: VirtualAddress): boolean {
    const { addresses, table } = this.#tools;
    const placed = placeAddresses([entry], table);
    return placed.length > 0 &&
      (addresses.missing(placed).length === 0 || this.#fresh.has(entry));
  }
}

function entryOf<T extends VirtualAddress | RouteEntry | RuleEntry>({ entry }: StaticEntry<T>): T {
  return entry;
}

function placeAddresses(
  entries: readonly VirtualAddress[],
  table: Pick<HostTable, "byName">,
): PlacedAddress[] {
  return entries.flatMap((entry) => {
    const link = entry.device === null ? undefined : table.byName(entry.device);
    return link === undefined ? [] : [{ ifindex: link.index, entry }];
  });
}

function keyOf({ ifindex, entry }: PlacedAddress): string {
  return `${ifindex} ${entry.address}/${entry.prefixLength}`;
}
