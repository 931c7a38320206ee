/** The engine: all instances, their sockets and the host's events, turned by one loop. */

import type { SysError } from "../../ffi/errno.ts";
import { NETLINK } from "../../ffi/netlink_constants.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { isSame } from "../core/same.ts";
import { type Micros, micros } from "../core/time.ts";
import { AddressOwner } from "../net/addresses.ts";
import { Announcer } from "../net/announce.ts";
import { Firewall } from "../net/firewall.ts";
import { keepsAddressProtocol } from "../net/host.ts";
import { LinkTable } from "../net/links.ts";
import type { PoolObserver } from "../net/open_sockets.ts";
import { SocketPool } from "../net/socket_pool.ts";
import type { TrackerState } from "../vrrp/priority.ts";
import type { Event } from "../vrrp/types.ts";
import { remakeRefusals } from "./accept.ts";
import { perform, type Tools } from "./effects.ts";
import { EngineThread } from "./engine_thread.ts";
import { runExtraGarp } from "./extra_garp.ts";
import { Groups } from "./groups.ts";
import { HostEvents } from "./host_events.ts";
import { Instance } from "./instance.ts";
import { clearLeftovers } from "./leftovers.ts";
import { LinkDelays } from "./link_delays.ts";
import { Loop, now, type Timers } from "./loop.ts";
import {
  captureState,
  creditStandIn,
  type HandoverParts,
  restoreState,
  sayContinuation,
} from "./handover.ts";
import { takeFromGuard } from "./handover_channel.ts";
import type { EngineState } from "./handover_state.ts";
import type { EngineEvent, EngineParts, EngineResume } from "./messages.ts";
import { Reception } from "./reception.ts";
import { Routing } from "./routes.ts";
import { Statics } from "./statics.ts";
import { rehearse } from "./rehearsal.ts";
import { reloadEngine } from "./reload.ts";
import { sayOnce } from "./say.ts";
import { Standings } from "./standings.ts";
import { Surroundings } from "./surroundings.ts";
import { Trackers } from "./trackers.ts";
import { Vmacs } from "./vmac.ts";

/** Where events go, in two steps: they leave when what is pressing is done. */
export interface Outlet {
  push(event: EngineEvent): void;
  flush(): void;
}

/** Everything that runs in the engine thread. */
export class Engine implements Timers {
  readonly loop = new Loop(this);
  readonly #outlet: Outlet;
  #parts: EngineParts;
  #instances: readonly Instance[];
  readonly #requests = new NetlinkSocket(NETLINK.ROUTE, "open netlink socket");
  readonly #events: HostEvents;
  readonly #table = new LinkTable();
  readonly #tools: Tools;
  readonly #delays: LinkDelays;
  readonly #sockets: SocketPool;
  readonly #reception: Reception;
  readonly #trackers: Trackers;
  readonly #told = new Set<string>();
  readonly #groups: Groups;
  readonly #standings: Standings;
  readonly #surroundings: Surroundings;
  readonly #statics: Statics;
  readonly #vmacs: Vmacs;
  #handover: HandoverParts;
  #isForsaken = false;
  #isStopped = false;
  /** The descriptors that signals raise, for `tellState`. */
  signals: EngineState["signals"] = [];
  readonly #thread: EngineThread;
  #timersFired = 0;
  #worstLatenessUs = 0;

  /** @throws {SysError} If a socket cannot be opened, for want of a capability for example. */
  constructor(parts: EngineParts, outlet: Outlet) {
    const { options, instances: specs, groups } = parts;
    this.#parts = parts;
    this.#outlet = outlet;
    const instances = this.#instances = specs.map((spec) => new Instance(spec));
    const table = this.#table, requests = this.#requests;
    const tools = this.#tools = {
      table,
      addresses: new AddressOwner(requests, table, keepsAddressProtocol(Deno.osRelease())),
      routing: new Routing(requests),
      announcer: new Announcer(options, (name, error) => this.#announceFailed(name, error)),
      emit: (event: EngineEvent) => outlet.push(event),
      firewall: new Firewall(options.firewall),
      retrySoon: () => this.#surroundings.retrySoon(),
    };
    this.#reception = new Reception(
      tools,
      instances,
      (instance, event) => this.#feed(instance, event, this.loop.readAt),
    );
    const observer: PoolObserver = {
      opened: (socket) =>
        this.loop.watch(socket.fd, () => socket.receive(this.#reception.handlerOf(socket))),
      closing: (socket) => this.loop.unwatch(socket.fd),
    };
    this.#sockets = new SocketPool(observer);
    const feed = (instance: Instance, event: Event) => this.#feed(instance, event, now());
    this.#groups = new Groups(groups, instances, tools, feed);
    const vmacs = this.#vmacs = new Vmacs(requests, table, tools, observer);
    const delays = this.#delays = new LinkDelays(vmacs.host, parts.linkDelays ?? []);
    const trackers = this.#trackers = new Trackers(delays);
    const standings = this.#standings = new Standings({
      instances,
      groups,
      trackers,
      to: tools,
      feed,
    });
    const statics = this.#statics = new Statics(tools, parts.statics);
    this.#surroundings = new Surroundings(
      tools,
      table,
      instances,
      this.#sockets,
      standings,
      vmacs,
      feed,
      statics,
      delays,
    );
    const { sockets, groups: moving } = { sockets: this.#sockets, groups: this.#groups };
    this.#handover = { tools, table, instances, groups: moving, trackers, sockets, vmacs };
    this.#thread = new EngineThread(options, tools);
    // Subscribed before the tables are read: a change in between is seen twice rather than never.
    const events = this.#events = new HostEvents({
      apply: (messages) => this.#surroundings.apply(messages),
      reload: () => this.#surroundings.reload(requests),
    });
    events.watchRouting(parts);
    this.loop.watch(events.fd, () => events.read());
    table.load(requests);
  }

  /** Takes away what a crashed predecessor left, then starts every instance that need not wait. */
  start(): void {
    this.#thread.keepIgmpLocal();
    this.#tools.firewall.clear();
    this.#vmacs.ensure(this.#instances, now());
    this.#statics.start(now());
    const isCleared = clearLeftovers(this.#tools, this.#instances);
    if (isCleared || !this.#statics.isEmpty) this.#table.load(this.#requests);
    this.#surroundings.refresh();
    this.#standings.start();
    this.#tools.emit({ kind: "started" });
    this.#rehearse();
  }

  /** Goes on where another image of this daemon stopped, instead of `start`. */
  resume({ state, guard, isRollback }: EngineResume): void {
    const fresh = restoreState(this.#handover, state);
    this.#delays.restore(state.linkDelays ?? []);
    this.#thread.keepIgmpLocal();
    const { firewall } = this.#parts.options;
    if (state.firewall !== undefined && (isRollback || !isSame(state.firewall, firewall))) {
      remakeRefusals(this.#tools, state.firewall);
    }
    this.#reception.restore(state.strays);
    this.#timersFired = state.loop.timersFired;
    this.#worstLatenessUs = state.loop.worstLatenessUs;
    if (isRollback) {
      for (const instance of this.#instances) {
        instance.hearAnew(now());
        instance.authenticator?.skipAhead();
      }
    }
    this.#vmacs.ensure(this.#instances, now());
    this.#statics.resume(state.statics, now());
    const isCleared = clearLeftovers(this.#tools, fresh);
    if (isCleared || !this.#statics.isEmpty) this.#table.load(this.#requests);
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
    const { firewall } = this.#parts.options;
    const statics = this.#statics.capture(), linkDelays = this.#delays.capture(), atUs = now();
    this.#tools.emit({
      kind: "captured",
      state: { ...state, atUs, statics, firewall, linkDelays, loop, strays, signals },
    });
    this.#outlet.flush();
  }

  /**
   * Goes on with another configuration; what is the same does not notice.
   * @param id In the `reconfigured` event, after which everybody has the new names.
   */
  reconfigure(id: number, next: EngineParts): void {
    if (this.#isStopped) return;
    const before = this.#parts, turned = () => this.#tools.emit({ kind: "reconfigured", id });
    this.#parts = next;
    this.#tools.announcer.pace(next.options);
    this.#thread.apply(next.options);
    this.#events.watchRouting(next);
    const hasOtherStatics = !isSame(before.statics, next.statics);
    if (hasOtherStatics) this.#statics.reconfigure(next.statics, now());
    const isDelayed = !isSame(before.linkDelays ?? [], next.linkDelays ?? []);
    if (isDelayed) this.#delays.configure(next.linkDelays ?? []);
    const isAsBefore = !hasOtherStatics && !isDelayed &&
      isSame([before.instances, before.groups], [next.instances, next.groups]);
    if (isAsBefore) return turned();
    reloadEngine({
      tools: this.#tools,
      instances: this.#instances,
      reception: this.#reception,
      groups: this.#groups,
      standings: this.#standings,
      surroundings: this.#surroundings,
      trackers: this.#trackers,
      feed: (instance, event) => this.#feed(instance, event, now()),
      turned,
      settle: (instances, fresh) => this.#settle(instances, fresh),
    }, next);
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
    this.#isStopped = true;
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
    this.#statics.stop();
    this.#tools.routing.removeAll();
    this.#tools.addresses.removeAll();
    this.#tools.firewall.clear();
    this.#vmacs.close();
    this.#thread.keepIgmpLocal(true);
    this.loop.stop();
    if (failures.length > 0) throw failures[0];
  }

  /** Whether every instance has been told to stop. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Nothing is this engine's to give back: `stop` does nothing any more. */
  forsake(): void {
    this.#isForsaken = true;
    this.loop.stop();
  }

  /** Closes every descriptor; after `loop.run` has returned. */
  close(): void {
    if (!this.#isForsaken) this.#sockets.close();
    if (!this.#isForsaken) this.#vmacs.sockets.close();
    this.#tools.announcer.close();
    this.#tools.firewall.close();
    this.#requests.close();
    this.#events.close();
    this.loop.close();
  }

  /** Emits a snapshot of every instance. */
  tellStatus(id: number): void {
    this.#tools.emit({
      kind: "status",
      id,
      instances: this.#instances.map((instance) => instance.status(now())),
      loop: { timersFired: this.#timersFired, worstLatenessUs: this.#worstLatenessUs },
      strays: this.#reception.strays(),
    });
  }

  next(): Micros | null {
    let next = earlier(this.#tools.announcer.nextDeadline(), this.#surroundings.retryAt);
    for (const instance of this.#instances) {
      if (instance.next !== null) next = earlier(next, instance.next.at);
      next = earlier(next, instance.extraGarpAt);
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
    runExtraGarp(this.#instances, this.#tools, at);
    this.#tools.announcer.run(at);
    const { retryAt } = this.#surroundings;
    if (retryAt !== null && retryAt <= at) this.#surroundings.retry(this.#requests);
  }

  rest(): void {
    this.#outlet.flush();
  }

  strained(isStrained: boolean): void {
    this.#thread.strained(isStrained);
  }

  /** After a reload: the host as it is now, and what begins begins. */
  #settle(instances: readonly Instance[], fresh: readonly Instance[]): void {
    this.#instances = instances;
    this.#handover = { ...this.#handover, instances };
    // What has just been taken away must not be found again as a predecessor's.
    this.#surroundings.look(this.#requests);
    this.#vmacs.ensure(instances, now());
    clearLeftovers(this.#tools, fresh);
    this.#surroundings.reload(this.#requests);
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
