/** One virtual router as it runs: its state, its place on the host, its counters, its packets. */

import type { Ip } from "../core/address.ts";
import type { Bytes } from "../core/bytes.ts";
import { after, type Micros } from "../core/time.ts";
import type { Announcement } from "../net/announce.ts";
import type { PlacedAddress } from "../net/addresses.ts";
import type { HostTable } from "../net/links.ts";
import type { AdvertSender } from "../net/vrrp_socket.ts";
import { encodeIpv4 } from "../vrrp/ip.ts";
import { createRouter, nextTimer, step } from "../vrrp/machine.ts";
import { encodeAdvert } from "../vrrp/packet.ts";
import { routerDownInterval } from "../vrrp/timers.ts";
import type { Effect, Event, Router, TimerName } from "../vrrp/types.ts";
import { type Counters, createCounters } from "./counters.ts";
import type { Facts } from "./facts.ts";
import type { InstanceState } from "./handover_state.ts";
import { LogLimiter } from "./log_limiter.ts";
import type { InstanceSpec, InstanceStatus } from "./messages.ts";

/** An advert ready to be sent to one destination. */
export interface Outgoing {
  readonly destination: Ip;
  readonly packet: Bytes;
}

/** A virtual router of this host. The engine feeds it events and performs what it answers. */
export class Instance {
  readonly spec: InstanceSpec;
  readonly counters: Counters = createCounters();
  readonly limiters = { packets: new LogLimiter(), host: new LogLimiter() };
  router: Router;
  facts: Facts = { faults: [], source: null, ifindex: null, carrier: false };
  /** Null while there is nowhere to send to. */
  socket: AdvertSender | null = null;
  socketError: string | null = null;
  /** Whether it takes part; not before the first result of what it must wait for. */
  isStarted = false;
  /** It has resigned for good: the next image of this daemon will not know it. */
  hasLeft = false;
  /** The trackers whose first result it waits for. */
  waitsFor: readonly string[] = [];
  /** What its weighted trackers were when its priority last changed, in words. */
  weighed: ReadonlyMap<string, string> = new Map();
  /** The earliest timer; kept so that the loop need not ask every router at every turn. */
  next: { timer: TimerName; at: Micros } | null = null;
  /** The addresses that admission takes for this host's own. */
  ownAddresses: ReadonlySet<Ip> = new Set();
  readonly #outgoing = new Map<number, readonly Outgoing[]>();
  #outgoingSource: Ip | null = null;

  constructor(spec: InstanceSpec) {
    this.spec = spec;
    this.router = createRouter(spec.router);
  }

  get name(): string {
    return this.spec.router.name;
  }

  /** Steps the machine. @returns The effects, for the engine to perform in order. */
  step(event: Event, now: Micros): readonly Effect[] {
    const { router, effects } = step(this.router, event, now);
    this.router = router;
    this.next = nextTimer(router);
    return effects;
  }

  /** The advert of a priority, for every destination; encoded once while the source stays the same. */
  outgoing(priority: number, source: Ip): readonly Outgoing[] {
    if (source !== this.#outgoingSource) {
      this.#outgoing.clear();
      this.#outgoingSource = source;
    }
    const cached = this.#outgoing.get(priority);
    if (cached !== undefined) return cached;
    const { config } = this.router;
    const peers = config.unicastPeers.length > 0 ? config.unicastPeers : [config.group];
    const packets = peers.map((destination): Outgoing => {
      const message = encodeAdvert({ ...config, priority, source, destination });
      const packet = config.family === "ipv4"
        ? encodeIpv4({ source, destination, id: 0 }, message)
        : message;
      return { destination, packet };
    });
    this.#outgoing.set(priority, packets);
    return packets;
  }

  /** The virtual addresses with the interfaces they go to; those whose interface is missing left out. */
  placed(table: HostTable): PlacedAddress[] {
    return this.spec.virtualAddresses.flatMap((entry) => {
      const ifindex = this.#ifindexOf(entry.device, table);
      return ifindex === null ? [] : [{ ifindex, entry }];
    });
  }

  /** What gratuitous ARP and neighbour advertisements have to tell. */
  announcements(table: HostTable): Announcement[] {
    return this.placed(table).flatMap(({ ifindex, entry }) => {
      const link = table.byIndex(ifindex);
      return link === undefined ? [] : [{ instance: this.name, address: entry.address, link }];
    });
  }

  /** Goes on as another image of this daemon left it. */
  restore({ router, facts, isStarted, waitsFor, counters }: InstanceState): void {
    this.router = { ...createRouter(this.spec.router), ...router, config: this.spec.router };
    this.facts = facts;
    this.isStarted = isStarted;
    this.waitsFor = waitsFor;
    Object.assign(this.counters, counters);
    this.next = nextTimer(this.router);
  }

  /** What a master has sent meanwhile may be lost: a backup waits for it anew rather than take over. */
  hearAnew(now: Micros): void {
    if (this.router.timers.masterDown === null) return;
    const masterDown = after(now, routerDownInterval(this.router));
    this.router = { ...this.router, timers: { ...this.router.timers, masterDown } };
    this.next = nextTimer(this.router);
  }

  /** The next advert is due then: a stand-in has sent those before. */
  postponeAdvert(at: Micros): void {
    this.router = { ...this.router, timers: { ...this.router.timers, adver: at } };
    this.next = nextTimer(this.router);
  }

  status(): InstanceStatus {
    const { state, priority, master, primaryAddress, faults } = this.router;
    return {
      name: this.name,
      state,
      priority,
      master,
      primaryAddress,
      faults: faults.map((fault) => fault.detail),
      waitsFor: this.waitsFor,
      counters: this.counters,
    };
  }

  /** Without an interface of its own (unicast), the one that holds the source address. */
  #ifindexOf(device: string | null, table: HostTable): number | null {
    const name = device ?? this.spec.interface;
    if (name !== null) return table.byName(name)?.index ?? null;
    const source = this.spec.sourceAddress;
    return source === null ? null : table.holders(source)[0]?.index ?? null;
  }
}
