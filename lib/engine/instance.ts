/** One virtual router as it runs: its state, its place on the host, its counters, its packets. */

import type { Ip } from "../core/address.ts";
import type { Bytes } from "../core/bytes.ts";
import { isSame } from "../core/same.ts";
import { after, type Micros, micros } from "../core/time.ts";
import type { Announcement } from "../net/announce.ts";
import type { PlacedAddress } from "../net/addresses.ts";
import type { HostTable } from "../net/links.ts";
import type { AdvertSender } from "../net/vrrp_socket.ts";
import type { Authenticator } from "../vrrp/authenticator.ts";
import { encodeIpv4, VRRP_HOP_LIMIT } from "../vrrp/ip.ts";
import { createRouter, nextTimer, step } from "../vrrp/machine.ts";
import { encodeAdvert } from "../vrrp/packet.ts";
import { routerDownInterval } from "../vrrp/timers.ts";
import type { Effect, Event, Router, TimerName } from "../vrrp/types.ts";
import { authenticatorSpec, createAuthenticator } from "./auth.ts";
import { type Counters, createCounters } from "./counters.ts";
import { resumeExtraGarp } from "./extra_garp.ts";
import type { Facts } from "./facts.ts";
import type { InstanceState } from "./handover_state.ts";
import { LogLimiter } from "./log_limiter.ts";
import { advertLink, isOneVmac, type VmacPlace } from "./vmac.ts";
import type { InstanceSpec, InstanceStatus } from "./messages.ts";

/** An advert ready to be sent to one destination. */
export interface Outgoing {
  readonly destination: Ip;
  /** Over IPv4 with its header. */
  readonly packet: Bytes;
  /** TTL or hop limit. */
  readonly hopLimit: number;
}

/** A virtual router of this host. The engine feeds it events and performs what it answers. */
export class Instance {
  /** Another one after a reload. */
  spec: InstanceSpec;
  readonly counters: Counters = createCounters();
  /** When it last changed state, on CLOCK_MONOTONIC; null before it has. */
  changedAt: Micros | null = null;
  readonly limiters = { packets: new LogLimiter(), host: new LogLimiter() };
  router: Router;
  facts: Facts = { faults: [], source: null, ifindex: null, carrier: false };
  /** Null while there is nowhere to send to. */
  socket: AdvertSender | null = null;
  socketError: string | null = null;
  /** Of a link of its own: adverts with its MAC are heard there, and may leave from there. */
  vmacSocket: AdvertSender | null = null;
  /** The links of its own, in the order of the spec. */
  vmacs: readonly VmacPlace[] = [];
  /** When `garp_extra_if` is due; null: it is not. */
  extraGarpAt: Micros | null = null;
  /** Whether it takes part; not before the first result of what it must wait for. */
  isStarted = false;
  /** It has resigned for good: the next image of this daemon will not know it. */
  hasLeft = false;
  /** A reload has taken it out of the configuration: its end is no stop of the daemon. */
  isRemoved = false;
  /** The trackers whose first result it waits for. */
  waitsFor: readonly string[] = [];
  /** What its weighted trackers were when its priority last changed, in words. */
  weighed: ReadonlyMap<string, string> = new Map();
  /** The earliest timer; kept so that the loop need not ask every router at every turn. */
  next: { timer: TimerName; at: Micros } | null = null;
  /** The addresses that admission takes for this host's own. */
  ownAddresses: ReadonlySet<Ip> = new Set();
  /** Null without AH and `auth_hmac`. */
  authenticator: Authenticator | null;
  readonly #outgoing = new Map<number, readonly Outgoing[]>();
  #outgoingSource: Ip | null = null;

  constructor(spec: InstanceSpec) {
    this.spec = spec;
    this.router = createRouter(spec.router);
    this.authenticator = createAuthenticator(authenticatorSpec(spec));
  }

  get name(): string {
    return this.spec.router.name;
  }

  /** It is configured otherwise from now on; the machine is told by an event. */
  configure(spec: InstanceSpec): void {
    const isAsBefore = isSame(spec.extraGarp, this.spec.extraGarp);
    this.spec = spec;
    if (!isAsBefore) resumeExtraGarp(this);
    this.authenticator = createAuthenticator(authenticatorSpec(spec), this.authenticator?.state());
    this.#outgoing.clear();
  }

  /** The link of its own that adverts leave from; null: its interface, -1: one that is missing. */
  get advertIfindex(): number | null {
    const place = advertLink(this, ["sent"]);
    return place === null ? null : place.link?.index ?? -1;
  }

  /** The link of its own on which adverts with its MAC arrive, which its interface does not see. */
  get vmacIfindex(): number | null {
    return advertLink(this, ["sent", "heard"])?.link?.index ?? null;
  }

  /** What adverts leave by; null while there is nowhere to send to. */
  get sender(): AdvertSender | null {
    return this.advertIfindex === null ? this.socket : this.vmacSocket;
  }

  /** Steps the machine. @returns The effects, for the engine to perform in order. */
  step(event: Event, now: Micros): readonly Effect[] {
    const { router, effects } = step(this.router, event, now);
    this.router = router;
    this.next = nextTimer(router);
    return effects;
  }

  /** The advert of a priority, for every destination. None if it cannot be signed. */
  outgoing(priority: number, source: Ip): readonly Outgoing[] {
    const plain = this.unsealed(priority, source);
    return this.authenticator === null ? plain : this.authenticator.seal(plain, source);
  }

  /** Before AH and `auth_hmac`, so that it is encoded once while the source stays the same. */
  unsealed(priority: number, source: Ip): readonly Outgoing[] {
    if (source !== this.#outgoingSource) {
      this.#outgoing.clear();
      this.#outgoingSource = source;
    }
    const cached = this.#outgoing.get(priority);
    if (cached !== undefined) return cached;
    const { config } = this.router;
    const isUnicast = config.unicastPeers.length > 0;
    const peers = isUnicast ? config.unicastPeers : [config.group];
    const hopLimit = isUnicast ? config.unicastTtl : VRRP_HOP_LIMIT;
    const packets = peers.map((destination): Outgoing => {
      const message = encodeAdvert({ ...config, priority, source, destination });
      const packet = config.family === "ipv4"
        ? encodeIpv4({ source, destination, id: 0, ttl: hopLimit }, message)
        : message;
      return { destination, packet, hopLimit };
    });
    this.#outgoing.set(priority, packets);
    return packets;
  }

  /** The virtual addresses with the interfaces they go to; those whose interface is missing left out. */
  placed(table: HostTable): PlacedAddress[] {
    return this.spec.virtualAddresses.flatMap((entry) => {
      const ifindex = entry.vmac === null
        ? this.#ifindexOf(entry.device, table)
        : this.#vmacIndex(entry.vmac);
      return ifindex === null ? [] : [{ ifindex, entry }];
    });
  }

  /** What gratuitous ARP and neighbour advertisements have to tell. */
  announcements(table: HostTable): Announcement[] {
    return this.announcementsOf(this.placed(table), table);
  }

  /** The same for some addresses. */
  announcementsOf(placed: readonly PlacedAddress[], table: HostTable): Announcement[] {
    return placed.flatMap(({ ifindex, entry: { address, vmac } }) => {
      const link = table.byIndex(ifindex);
      if (link === undefined) return [];
      const parent = vmac === null ? undefined : this.vmacs[vmac]?.spec.parent;
      const pacedAs = parent === undefined ? undefined : table.byName(parent);
      return [{ instance: this.name, address, link, ...pacedAs !== undefined && { pacedAs } }];
    });
  }

  /** Goes on as another image of this daemon left it. */
  restore(
    { router, facts, isStarted, waitsFor, weighed, counters, authentication, changedAt }:
      InstanceState,
  ): void {
    this.router = { ...createRouter(this.spec.router), ...router, config: this.spec.router };
    this.facts = facts;
    this.isStarted = isStarted;
    this.waitsFor = waitsFor;
    this.weighed = new Map(weighed ?? []);
    Object.assign(this.counters, counters);
    this.changedAt = changedAt ?? null;
    if (authentication) this.authenticator?.restore(authentication);
    this.next = nextTimer(this.router);
    resumeExtraGarp(this);
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

  status(now: Micros): InstanceStatus {
    const { state, priority, master, primaryAddress, faults, masterAdvertIntervalUs } = this.router;
    const { changedAt } = this;
    return {
      masterAdvertIntervalUs,
      changedAgoUs: changedAt === null ? null : micros(now - changedAt),
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

  /** Right after a reload the links may still be those of before. */
  #vmacIndex(at: number): number | null {
    const spec = this.spec.vmacs[at], place = this.vmacs[at];
    if (spec === undefined || place === undefined) return null;
    return isOneVmac(place.spec, spec) ? place.link?.index ?? null : null;
  }

  /** Without an interface of its own (unicast), the one that holds the source address. */
  #ifindexOf(device: string | null, table: HostTable): number | null {
    const name = device ?? this.spec.interface;
    if (name !== null) return table.byName(name)?.index ?? null;
    const source = this.spec.sourceAddress;
    return source === null ? null : table.holders(source)[0]?.index ?? null;
  }
}
