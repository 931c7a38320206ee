/** The engine: all instances, their sockets and the host's events, turned by one loop. */

import { NETLINK, RTNLGRP } from "../../ffi/netlink_constants.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { AddressOwner } from "../net/addresses.ts";
import { Announcer } from "../net/announce.ts";
import { LinkTable } from "../net/links.ts";
import { SocketPool } from "../net/socket_pool.ts";
import type { Micros } from "../core/time.ts";
import type { Event } from "../vrrp/types.ts";
import { logOnce, perform, type Tools } from "./effects.ts";
import { Instance } from "./instance.ts";
import { Loop, now, type Timers } from "./loop.ts";
import type { EngineEvent, EngineOptions, InstanceSpec } from "./messages.ts";
import { clearLeftovers } from "./leftovers.ts";
import { Reception } from "./reception.ts";
import { Surroundings } from "./surroundings.ts";

/** Everything that runs in the engine thread. */
export class Engine implements Timers {
  readonly loop = new Loop(this);
  readonly #instances: Instance[] = [];
  readonly #requests = new NetlinkSocket(NETLINK.ROUTE, "open netlink socket");
  readonly #events = new NetlinkSocket(NETLINK.ROUTE, "open netlink event socket");
  readonly #tools: Tools;
  readonly #sockets: SocketPool;
  readonly #reception: Reception;
  readonly #surroundings: Surroundings;
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
    this.#surroundings = new Surroundings(
      this.#tools,
      this.#instances,
      this.#sockets,
      (instance, event) => this.feed(instance, event),
    );
    // Subscribed before the tables are read: a change in between is seen twice rather than never.
    this.#events.subscribe([RTNLGRP.LINK, RTNLGRP.IPV4_IFADDR, RTNLGRP.IPV6_IFADDR]);
    this.loop.watch(this.#events.fd, () => {
      const { messages, overrun } = this.#events.receiveEvents();
      // ENOBUFS: the kernel had to drop events, so only reading everything anew gives the truth.
      if (overrun) table.load(this.#requests);
      this.#surroundings.apply(messages, overrun);
    });
    table.load(this.#requests);
  }

  add(spec: InstanceSpec): void {
    this.#instances.push(new Instance(spec));
  }

  /** Takes away what a crashed predecessor left, then starts every instance. */
  start(): void {
    for (const instance of this.#instances) clearLeftovers(this.#tools, instance, this.#requests);
    this.#surroundings.refresh();
    for (const instance of this.#instances) this.feed(instance, { kind: "startup" });
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

  #announceFailed(name: string, text: string): void {
    const instance = this.#instances.find((one) => one.name === name);
    if (instance === undefined) return;
    logOnce(this.#tools, instance, "warning", `announce ${text}`, text, now());
  }
}
