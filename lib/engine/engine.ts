/** The engine: all instances, their sockets and the host's events, turned by one loop. */

import { SysError } from "../../ffi/errno.ts";
import { NETLINK, RTNLGRP } from "../../ffi/netlink_constants.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { setRealtimePriority } from "../../ffi/process.ts";
import { type Micros, micros } from "../core/time.ts";
import { AddressOwner } from "../net/addresses.ts";
import { Announcer } from "../net/announce.ts";
import { keepsAddressProtocol } from "../net/host.ts";
import { LinkTable } from "../net/links.ts";
import { SocketPool } from "../net/socket_pool.ts";
import type { TrackerState } from "../vrrp/priority.ts";
import type { Event } from "../vrrp/types.ts";
import { perform, type Tools } from "./effects.ts";
import { Groups } from "./groups.ts";
import { Instance } from "./instance.ts";
import { clearLeftovers } from "./leftovers.ts";
import { Loop, now, type Timers } from "./loop.ts";
import {
  captureState,
  creditStandIn,
  type HandoverParts,
  restoreState,
  sayContinuation,
} from "./handover.ts";
import { takeFromGuard } from "./handover_guard.ts";
import type { EngineState } from "./handover_state.ts";
import type { EngineEvent, EngineParts, EngineResume } from "./messages.ts";
import { Reception } from "./reception.ts";
import { rehearse } from "./rehearsal.ts";
import { sayOnce } from "./say.ts";
import { Standings } from "./standings.ts";
import { Surroundings } from "./surroundings.ts";
import { Trackers } from "./trackers.ts";

/** Where events go, in two steps: they leave when what is pressing is done. */
export interface Outlet {
  push(event: EngineEvent): void;
  flush(): void;
}

/** Everything that runs in the engine thread. */
export class Engine implements Timers {
  readonly loop = new Loop(this);
  readonly #outlet: Outlet;
  readonly #instances: readonly Instance[];
  readonly #requests = new NetlinkSocket(NETLINK.ROUTE, "open netlink socket");
  readonly #events = new NetlinkSocket(NETLINK.ROUTE, "open netlink event socket");
  readonly #table = new LinkTable();
  readonly #tools: Tools;
  readonly #sockets: SocketPool;
  readonly #reception: Reception;
  readonly #trackers: Trackers;
  readonly #told = new Set<string>();
  readonly #groups: Groups;
  readonly #standings: Standings;
  readonly #surroundings: Surroundings;
  readonly #handover: HandoverParts;
  #isForsaken = false;
  /** The descriptors that signals raise, for `tellState`. */
  signals: EngineState["signals"] = [];
  #realtimePriority: number | null;
  #timersFired = 0;
  #worstLatenessUs = 0;

  /** @throws {SysError} If a socket cannot be opened, for want of a capability for example. */
  constructor({ options, instances: specs, groups }: EngineParts, outlet: Outlet) {
    this.#outlet = outlet;
    this.#realtimePriority = options.thread.realtime?.priority ?? null;
    const instances = this.#instances = specs.map((spec) => new Instance(spec));
    const table = this.#table, requests = this.#requests;
    const tools = this.#tools = {
      table,
      addresses: new AddressOwner(requests, table, keepsAddressProtocol(Deno.osRelease())),
      announcer: new Announcer(options, (name, error) => this.#announceFailed(name, error)),
      emit: (event: EngineEvent) => outlet.push(event),
      retrySoon: () => this.#surroundings.retrySoon(),
    };
    this.#reception = new Reception(
      tools,
      instances,
      (instance, event) => this.#feed(instance, event, this.loop.readAt),
    );
    this.#sockets = new SocketPool({
      opened: (socket) =>
        this.loop.watch(socket.fd, () => socket.receive(this.#reception.handlerOf(socket))),
      closing: (socket) => this.loop.unwatch(socket.fd),
    });
    const feed = (instance: Instance, event: Event) => this.#feed(instance, event, now());
    this.#groups = new Groups(groups, instances, tools, feed);
    const trackers = this.#trackers = new Trackers(table);
    const standings = this.#standings = new Standings({
      instances,
      groups,
      trackers,
      to: tools,
      feed,
    });
    this.#surroundings = new Surroundings(tools, table, instances, this.#sockets, standings, feed);
    const { sockets, groups: moving } = { sockets: this.#sockets, groups: this.#groups };
    this.#handover = { tools, table, instances, groups: moving, trackers, sockets };
    // Subscribed before the tables are read: a change in between is seen twice rather than never.
    this.#events.subscribe([RTNLGRP.LINK, RTNLGRP.IPV4_IFADDR, RTNLGRP.IPV6_IFADDR]);
    this.loop.watch(this.#events.fd, () => this.#hostChanged());
    table.load(requests);
  }

  /** Takes away what a crashed predecessor left, then starts every instance that need not wait. */
  start(): void {
    const cleared = this.#instances.map((instance) => clearLeftovers(this.#tools, instance));
    if (cleared.includes(true)) this.#table.load(this.#requests);
    this.#surroundings.refresh();
    this.#standings.start();
    this.#tools.emit({ kind: "started" });
    this.#rehearse();
  }

  /** Goes on where another image of this daemon stopped, instead of `start`. */
  resume({ state, guard, isRollback }: EngineResume): void {
    const fresh = restoreState(this.#handover, state);
    this.#reception.restore(state.strays);
    this.#timersFired = state.loop.timersFired;
    this.#worstLatenessUs = state.loop.worstLatenessUs;
    if (isRollback) { for (const instance of this.#instances) instance.hearAnew(now()); }
    const cleared = fresh.map((instance) => clearLeftovers(this.#tools, instance));
    if (cleared.includes(true)) this.#table.load(this.#requests);
    this.#surroundings.refresh();
    this.#standings.start();
    this.#rehearse();
    if (guard !== null) creditStandIn(this.#instances, takeFromGuard(guard));
    sayContinuation(this.#tools, this.#instances, fresh, micros(now() - state.atUs));
    this.#tools.emit({ kind: "started" });
  }

  /** Emits all that is known, at once; `signals` are the descriptors that they raise. */
  tellState(): void {
    const state = captureState(this.#handover);
    const loop = { timersFired: this.#timersFired, worstLatenessUs: this.#worstLatenessUs };
    const { signals } = this, strays = this.#reception.strays();
    this.#tools.emit({ kind: "captured", state: { ...state, atUs: now(), loop, strays, signals } });
    this.#outlet.flush();
  }

  /** These resign, and are not handed over. */
  retire(names: readonly string[]): void {
    for (const instance of this.#instances.filter(({ name }) => names.includes(name))) {
      this.#feed(instance, { kind: "shutdown" }, now());
      instance.hasLeft = instance.isStarted = true;
    }
  }

  /** Those that have retired begin again. */
  comeBack(): void {
    for (const instance of this.#instances) {
      if (instance.hasLeft) instance.hasLeft = instance.isStarted = false;
    }
    this.#standings.review();
  }

  /** Something is known now about a tracked object; it counts from the next `judge`. */
  tellTracker(tracker: string, state: TrackerState): void {
    this.#trackers.tell(tracker, state);
    this.#told.add(tracker);
  }

  /** Whom it concerns what was told is judged anew: once, however much that was. */
  judge(): void {
    if (this.#told.size === 0) return;
    const told = new Set(this.#told);
    this.#told.clear();
    this.#standings.review(({ spec }) => spec.tracks.some(({ tracker }) => told.has(tracker)));
  }

  /**
   * Every master resigns and gives its addresses back, whatever happens to the others; a second call
   * finds nothing left to do.
   */
  stop(): void {
    if (this.#isForsaken) return;
    const failures: unknown[] = [];
    this.#standings.stop();
    this.#groups.holdNews(() => {
      for (const instance of this.#instances) {
        try {
          this.#feed(instance, { kind: "shutdown" }, now());
        } catch (error) {
          failures.push(error);
        }
      }
    });
    this.#tools.addresses.removeAll();
    this.loop.stop();
    if (failures.length > 0) throw failures[0];
  }

  /** Nothing is this engine's to give back: `stop` does nothing any more. */
  forsake(): void {
    this.#isForsaken = true;
    this.loop.stop();
  }

  /** Closes every descriptor; after `loop.run` has returned. */
  close(): void {
    if (!this.#isForsaken) this.#sockets.close();
    this.#tools.announcer.close();
    this.#requests.close();
    this.#events.close();
    this.loop.close();
  }

  /** Emits a snapshot of every instance. */
  tellStatus(id: number): void {
    this.#tools.emit({
      kind: "status",
      id,
      instances: this.#instances.map((instance) => instance.status()),
      loop: { timersFired: this.#timersFired, worstLatenessUs: this.#worstLatenessUs },
      strays: this.#reception.strays(),
    });
  }

  next(): Micros | null {
    let next = earlier(this.#tools.announcer.nextDeadline(), this.#surroundings.retryAt);
    for (const instance of this.#instances) {
      if (instance.next !== null) next = earlier(next, instance.next.at);
    }
    return next;
  }

  fire(at: Micros): void {
    for (const instance of this.#instances) {
      const due = instance.next;
      if (due === null || due.at > at) continue;
      this.#timersFired++;
      this.#worstLatenessUs = Math.max(this.#worstLatenessUs, at - due.at);
      this.#feed(instance, { kind: "timer", timer: due.timer }, at);
    }
    this.#tools.announcer.run(at);
    const { retryAt } = this.#surroundings;
    if (retryAt !== null && retryAt <= at) this.#surroundings.retry(this.#requests);
  }

  rest(): void {
    this.#outlet.flush();
  }

  /** Who floods this host with packets must not get its processor for them, at real-time priority. */
  strained(isStrained: boolean): void {
    if (this.#realtimePriority === null) return;
    try {
      setRealtimePriority(isStrained ? 0 : this.#realtimePriority);
    } catch (error) {
      // Only what may not be done at all fails: then it was never real-time.
      if (!(error instanceof SysError)) throw error;
      this.#realtimePriority = null;
    }
  }

  /** Practice must not end what it is for. */
  #rehearse(): void {
    const [first] = this.#instances;
    if (first === undefined) return;
    try {
      rehearse(first.spec, this.#requests);
    } catch (error) {
      const text = `Cannot rehearse a takeover, the first will be slower: ${error}`;
      this.#tools.emit({ kind: "log", log: { level: "warning", text } });
    }
  }

  /** Steps an instance and does what it answers. */
  #feed(instance: Instance, event: Event, at: Micros): void {
    const from = instance.router.state;
    let cause = "";
    for (const effect of instance.step(event, at)) {
      perform(this.#tools, instance, effect, at);
      if (effect.do === "notify") cause = effect.cause;
      if (effect.do === "ready") this.#groups.ready(instance, effect.cause);
      if (effect.do === "notifyLower") this.#groups.heardLower(instance);
    }
    if (instance.router.state !== from) this.#groups.moved(instance, from, cause);
  }

  #hostChanged(): void {
    const { messages, overrun } = this.#events.receiveEvents();
    if (!overrun) {
      this.#surroundings.apply(messages);
      return;
    }
    // ENOBUFS: the kernel had to drop events. What is queued is older than what is read anew now.
    while (this.#events.receiveEvents().messages.length > 0);
    this.#surroundings.reload(this.#requests);
  }

  #announceFailed(name: string, { message: text }: SysError): void {
    const instance = this.#instances.find((one) => one.name === name);
    if (instance === undefined) return;
    sayOnce(this.#tools, instance, { of: "host", key: text, level: "warning", text }, now());
  }
}

function earlier(a: Micros | null, b: Micros | null): Micros | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}
