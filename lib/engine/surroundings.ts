/** What changes around the instances: links and addresses become facts, and facts become events. */

import { SysError } from "../../ffi/errno.ts";
import type { NetlinkReceived } from "../../ffi/netlink.ts";
import type { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { type Ip, isLinkLocal } from "../core/address.ts";
import { after, type Micros, seconds } from "../core/time.ts";
import type { LinkTable } from "../net/links.ts";
import type { SocketPool } from "../net/socket_pool.ts";
import type { Event } from "../vrrp/types.ts";
import { perform, type Tools } from "./effects.ts";
import { type Facts, factsOf } from "./facts.ts";
import type { Instance } from "./instance.ts";
import type { LinkDelays } from "./link_delays.ts";
import { now } from "./loop.ts";
import { lackingOf, repair } from "./repair.ts";
import { settleRouting } from "./routes.ts";
import { sayOnce } from "./say.ts";
import type { Standings } from "./standings.ts";
import type { Statics } from "./statics.ts";
import { vmacFaults, type Vmacs } from "./vmac.ts";

/** What could not be done is tried again this often, and what is taken away put back no oftener. */
const RETRY_US = seconds(1);

/** Keeps every instance told of its host. */
export class Surroundings {
  readonly #tools: Tools;
  readonly #table: LinkTable;
  #instances: readonly Instance[];
  readonly #sockets: SocketPool;
  readonly #standings: Standings;
  readonly #vmacs: Vmacs;
  readonly #feed: (instance: Instance, event: Event) => void;
  #virtual: ReadonlySet<Ip>;
  readonly #statics: Statics;
  readonly #delays: LinkDelays;
  readonly #repairedAt = new Map<Instance, Micros>();
  readonly #reroutedAt = new Map<Instance, Micros>();
  #retryAt: Micros | null = null;
  #isStale = false;

  constructor(
    tools: Tools,
    table: LinkTable,
    instances: readonly Instance[],
    sockets: SocketPool,
    standings: Standings,
    vmacs: Vmacs,
    feed: (instance: Instance, event: Event) => void,
    statics: Statics,
    delays: LinkDelays,
  ) {
    this.#delays = delays;
    this.#statics = statics;
    this.#tools = tools;
    this.#table = table;
    this.#instances = instances;
    this.#sockets = sockets;
    this.#standings = standings;
    this.#vmacs = vmacs;
    this.#feed = feed;
    this.#virtual = virtualAddressesOf(instances);
  }

  /** These are the instances from now on; the next `refresh` looks at them. */
  reconfigure(instances: readonly Instance[]): void {
    this.#instances = instances;
    this.#virtual = virtualAddressesOf(instances);
    const kept = new Set(instances);
    for (const one of this.#reroutedAt.keys()) if (!kept.has(one)) this.#reroutedAt.delete(one);
    for (const one of this.#repairedAt.keys()) if (!kept.has(one)) this.#repairedAt.delete(one);
  }

  /** When to look again although nothing changed; null if there is no need. */
  get retryAt(): Micros | null {
    const due = this.#delays.nextDeadline;
    if (due === null || this.#retryAt === null) return due ?? this.#retryAt;
    return due < this.#retryAt ? due : this.#retryAt;
  }

  /** Applies netlink events. */
  apply(messages: readonly NetlinkReceived[]): void {
    const changes = new Set(messages.map((message) => this.#table.apply(message)));
    const routing = new Set(messages.map((message) => this.#tools.routing.meaningOf(message)));
    const isGone = changes.has("ours gone") || routing.has("ours");
    if (changes.has("link") || changes.has("address")) this.refresh();
    else if (isGone && !this.#statics.isEmpty) this.refresh();
    else if (isGone) this.#repair();
    if (routing.has("others")) this.retrySoon();
  }

  /** Asks to be called again soon. */
  retrySoon(): void {
    this.#retryAt ??= after(now(), RETRY_US);
  }

  /** Reads the host's tables anew; while they will not hold still, the old ones have to do. */
  look(requests: NetlinkSocket): void {
    try {
      this.#table.load(requests);
      this.#isStale = false;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.#isStale = true;
    }
  }

  /** Reads the tables anew, and tells everybody what they say. */
  reload(requests: NetlinkSocket): void {
    this.look(requests);
    this.refresh();
  }

  /** Does again what could not be done. */
  retry(requests: NetlinkSocket): void {
    this.#retryAt = null;
    if (this.#isStale) this.reload(requests);
    else this.refresh();
  }

  /**
   * Recomputes what every instance should know of the host, and tells it what is new. Faults come
   * first, while the sockets and sources of before are still there to resign by.
   */
  refresh(): void {
    const before = this.#instances.map(({ facts }) => facts);
    if (this.#vmacs.ensure(this.#instances, now())) this.retrySoon();
    this.#delays.look(now());
    this.#statics.look(now());
    const statics = this.#statics.addresses;
    for (const instance of this.#instances) {
      const source = instance.router.primaryAddress;
      const facts = factsOf(instance.spec, this.#delays, {
        virtual: this.#virtual,
        source,
        statics,
      });
      const others = [...vmacFaults(instance), ...this.#statics.faultsOf(instance.name)];
      instance.facts = { ...facts, faults: [...facts.faults, ...others] };
    }
    this.#standings.review(({ facts }) => facts.faults.length > 0);
    this.#sockets.assign(this.#instances, this.#table);
    this.#vmacs.sockets.assign(this.#instances, this.#table);
    const own = new OwnAddresses(this.#table, statics);
    for (const instance of this.#instances) {
      instance.ownAddresses = own.at(instance.facts.ifindex, instance.facts.source);
      this.#tellSource(instance);
    }
    this.#standings.review();
    for (const [at, instance] of this.#instances.entries()) {
      this.#announceLink(instance, before[at]!);
    }
    const failing = this.#instances.some(({ socketError }) => socketError !== null);
    if (failing || this.#isStale) this.retrySoon();
    this.#repair();
  }

  #tellSource(instance: Instance): void {
    const { source } = instance.facts;
    if (source === instance.router.primaryAddress) return;
    this.#feed(instance, { kind: "source", address: source });
    this.#warnOfVirtualSource(instance);
  }

  /** Only after dont_track_primary: neighbours may have learned otherwise while the link was down. */
  #announceLink(instance: Instance, before: Facts): void {
    if (!instance.facts.carrier || before.carrier || instance.router.state !== "master") return;
    const { announcer } = this.#tools, rounds = instance.spec.router.announce.repeat;
    announcer.announce(instance.announcements(this.#table), rounds, now());
  }

  /** A host that holds an address drops what comes from it (martian source), adverts too. */
  #warnOfVirtualSource(instance: Instance): void {
    const { facts: { source }, spec } = instance;
    if (source === null || !this.#virtual.has(source) || spec.sourceAddress !== null) return;
    const text = `The only address of ${spec.interface} is ${source}, which is virtual: a router ` +
      `that has taken it over cannot hear adverts from it. Give ${spec.interface} another address`;
    sayOnce(this.#tools, instance, { of: "host", key: text, level: "warning", text }, now());
  }

  /** Whoever takes an address away again and again must not keep this thread busy. */
  #repair(): void {
    const at = now();
    for (const instance of this.#instances) {
      const { addresses, routing } = this.#tools, { name, router: { state } } = instance;
      const holds = addresses.count(name) + routing.count(name) > 0;
      if (state !== "master") {
        if (holds) perform(this.#tools, instance, { do: "removeAddresses" }, at);
        continue;
      }
      this.#bringBack(instance, at);
      this.#reroute(instance, at);
    }
  }

  #bringBack(instance: Instance, at: Micros): void {
    const lacking = lackingOf(this.#tools, instance);
    if (lacking.length === 0) return;
    const last = this.#repairedAt.get(instance);
    if (last !== undefined && at < after(last, RETRY_US)) this.retrySoon();
    else if (repair(this.#tools, instance, lacking, at)) this.#repairedAt.set(instance, at);
  }

  /** Routes and rules that were taken away, or could not be made before. */
  #reroute(instance: Instance, at: Micros): void {
    const last = this.#reroutedAt.get(instance);
    if (last !== undefined && at < after(last, RETRY_US)) this.retrySoon();
    else if (settleRouting(this.#tools, instance, instance.spec, at)) {
      this.#reroutedAt.set(instance, at);
    }
  }
}

/** The addresses that admission takes for this host's: not virtual ones, which a peer may send from. */
class OwnAddresses {
  readonly #table: LinkTable;
  readonly #everywhere = new Set<Ip>();
  readonly #byLink = new Map<number | null, ReadonlySet<Ip>>();

  constructor(table: LinkTable, statics: ReadonlySet<Ip>) {
    this.#table = table;
    for (const { index } of table.all()) {
      for (const { address, ours } of table.addressesOf(index)) {
        const stays = !ours || statics.has(address);
        if (stays && !isLinkLocal(address)) this.#everywhere.add(address);
      }
    }
  }

  /** For a router on an interface: a link-local address of another one may be a neighbour's here. */
  at(ifindex: number | null, source: Ip | null): ReadonlySet<Ip> {
    let own = this.#byLink.get(ifindex);
    if (own === undefined) {
      const here = ifindex === null ? [] : this.#table.addressesOf(ifindex);
      const linkLocal = here.filter(({ address, ours }) => !ours && isLinkLocal(address));
      own = this.#everywhere.union(new Set(linkLocal.map(({ address }) => address)));
      this.#byLink.set(ifindex, own);
    }
    return source === null || own.has(source) ? own : new Set([...own, source]);
  }
}

/** Every address that is virtual by the configuration. */
function virtualAddressesOf(instances: readonly Instance[]): ReadonlySet<Ip> {
  const entries = instances.flatMap(({ spec }) => spec.virtualAddresses);
  return new Set(entries.map(({ address }) => address));
}
