/** The engine: all instances, their sockets and the host's events, turned by one loop. */

import type { Ip } from "../core/address.ts";
import { RTNLGRP } from "../../ffi/netlink_constants.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { AddressOwner } from "../net/addresses.ts";
import { Announcer } from "../net/announce.ts";
import { keepsAddressProtocol } from "../net/host.ts";
import { LinkTable } from "../net/links.ts";
import { SocketPool } from "../net/socket_pool.ts";
import type { Micros } from "../core/time.ts";
import { type Event, OWNER_PRIORITY } from "../vrrp/types.ts";
import { log, perform, type Tools } from "./effects.ts";
import { type Facts, factsOf } from "./facts.ts";
import { Instance } from "./instance.ts";
import { Loop, now, type Timers } from "./loop.ts";
import type { EngineEvent, EngineOptions, InstanceSpec } from "./messages.ts";
import { Reception } from "./reception.ts";

/** Everything that runs in the engine thread. */
export class Engine implements Timers {
  readonly loop = new Loop(this);
  readonly #instances: Instance[] = [];
  readonly #requests = new NetlinkSocket(0, "open netlink socket");
  readonly #events = new NetlinkSocket(0, "open netlink event socket");
  readonly #tools: Tools;
  readonly #sockets: SocketPool;
  readonly #reception: Reception;
  #timersFired = 0;
  #worstLatenessUs = 0;

  /** @throws {SysError} If a socket cannot be opened, for want of a capability for example. */
  constructor(options: EngineOptions, emit: (event: EngineEvent) => void) {
    const table = new LinkTable();
    this.#tools = {
      table,
      addresses: new AddressOwner(this.#requests, table),
      announcer: new Announcer(options, (name, error) => this.#announceFailed(name, error.message)),
      emit,
    };
    this.#reception = new Reception(
      this.#tools,
      this.#instances,
      (instance, event) => this.feed(instance, event),
    );
    this.#sockets = new SocketPool({
      opened: (socket) =>
        this.loop.watch(socket.fd, () => socket.receive(this.#reception.handlerOf(socket))),
      closing: (socket) => this.loop.unwatch(socket.fd),
    });
    // Subscribed before the tables are read: a change in between is seen twice rather than never.
    this.#events.subscribe([RTNLGRP.LINK, RTNLGRP.IPV4_IFADDR, RTNLGRP.IPV6_IFADDR]);
    this.loop.watch(this.#events.fd, () => this.#hostChanged());
    table.load(this.#requests);
  }

  add(spec: InstanceSpec): void {
    this.#instances.push(new Instance(spec));
  }

  /** Takes away what a crashed predecessor left, then starts every instance. */
  start(): void {
    for (const instance of this.#instances) this.#clearLeftovers(instance);
    for (const instance of this.#instances) {
      this.#refresh(instance);
      this.feed(instance, { kind: "startup" });
    }
    this.#tools.emit({ kind: "started" });
  }

  /** Every master resigns and gives its addresses back. */
  stop(): void {
    for (const instance of this.#instances) this.feed(instance, { kind: "shutdown" });
    this.loop.stop();
  }

  /** Closes every descriptor; after `loop.run` has returned. */
  close(): void {
    this.#sockets.close();
    this.#tools.announcer.close();
    this.#requests.close();
    this.#events.close();
  }

  /** Steps an instance and does what it answers. */
  feed(instance: Instance, event: Event): void {
    const at = now();
    for (const effect of instance.step(event, at)) perform(this.#tools, instance, effect, at);
  }

  status(id: number): EngineEvent {
    return {
      kind: "status",
      id,
      instances: this.#instances.map((instance) => instance.status()),
      loop: { timersFired: this.#timersFired, worstLatenessUs: this.#worstLatenessUs },
      strays: this.#reception.strays(),
    };
  }

  next(): Micros | null {
    let next = this.#tools.announcer.nextDeadline();
    for (const instance of this.#instances) {
      if (instance.next !== null && (next === null || instance.next.at < next)) {
        next = instance.next.at;
      }
    }
    return next;
  }

  fire(at: Micros): void {
    for (const instance of this.#instances) {
      const due = instance.next;
      if (due === null || due.at > at) continue;
      this.#timersFired++;
      this.#worstLatenessUs = Math.max(this.#worstLatenessUs, at - due.at);
      this.feed(instance, { kind: "timer", timer: due.timer });
    }
    this.#tools.announcer.run(at);
  }

  #hostChanged(): void {
    const { table } = this.#tools;
    const { messages, overrun } = this.#events.receiveEvents();
    // ENOBUFS: the kernel had to drop events, so only reading everything anew gives the truth.
    if (overrun) table.load(this.#requests);
    let changed = overrun;
    for (const message of messages) changed = table.apply(message) || changed;
    if (!changed) return;
    for (const instance of this.#instances) this.#refresh(instance);
  }

  /**
   * Recomputes what an instance should know of the host, and tells it what is new. A source that goes
   * is told after the fault it causes, so that a master still resigns from it.
   */
  #refresh(instance: Instance): void {
    const before = instance.facts, facts = factsOf(instance.spec, this.#tools.table);
    instance.facts = facts;
    instance.ownAddresses = this.#ownAddresses(instance);
    this.#sockets.assign(
      this.#instances,
      this.#tools.table,
      (error) => log(this.#tools, instance, "error", error.message),
    );
    const source = (): void => {
      if (facts.source !== instance.router.primaryAddress) {
        this.feed(instance, { kind: "source", address: facts.source });
      }
    };
    if (facts.source !== null) source();
    if (!sameFaults(before, facts)) this.feed(instance, { kind: "faults", faults: facts.faults });
    source();
  }

  /** This host's addresses but for virtual ones, which a peer may wrongly send from. */
  #ownAddresses(instance: Instance): ReadonlySet<Ip> {
    const { table } = this.#tools;
    const own = new Set<Ip>();
    for (const link of table.all()) {
      for (const { address, ours } of table.addressesOf(link.index)) if (!ours) own.add(address);
    }
    if (instance.facts.source !== null) own.add(instance.facts.source);
    return own;
  }

  #clearLeftovers(instance: Instance): void {
    const { table, addresses } = this.#tools;
    const placed = instance.placed(table);
    const isOwner = instance.spec.router.basePriority === OWNER_PRIORITY;
    const left = addresses.adopt(placed, !isOwner && !keepsAddressProtocol(Deno.osRelease()));
    const names = left.map(({ entry }) => entry.address).join(", ");
    if (left.length > 0) {
      log(this.#tools, instance, "notice", `removing VIPs left by a predecessor: ${names}`);
      for (const { error } of addresses.remove(left)) {
        log(this.#tools, instance, "error", error.message);
      }
      table.load(this.#requests);
    }
    if (isOwner) return;
    for (const one of placed) this.#warnOfForeign(instance, one);
  }

  #warnOfForeign(instance: Instance, placed: ReturnType<Instance["placed"]>[number]): void {
    const { table, addresses } = this.#tools;
    if (addresses.present(placed) === undefined) return;
    const { address, prefixLength } = placed.entry;
    const device = table.byIndex(placed.ifindex)?.name;
    log(
      this.#tools,
      instance,
      "warning",
      `${address}/${prefixLength} is on ${device} already and not by vigie, which will not remove ` +
        `it: if this router does not own it, run "ip address del ${address}/${prefixLength} dev ${device}"`,
    );
  }

  #announceFailed(name: string, text: string): void {
    const instance = this.#instances.find((one) => one.name === name);
    if (instance === undefined) return;
    const line = instance.limiter.say(`announce ${text}`, text, now());
    if (line !== null) log(this.#tools, instance, "warning", line);
  }
}

function sameFaults(a: Facts, b: Facts): boolean {
  return JSON.stringify(a.faults) === JSON.stringify(b.faults);
}
