/** The engine's part of a hand-over: all that it knows as plain data, and back again. */

import type { Ip } from "../core/address.ts";
import { type Micros, micros } from "../core/time.ts";
import { inodeOf } from "../net/descriptors.ts";
import type { SocketPool } from "../net/socket_pool.ts";
import { adoptSettings, changedSettings, releaseSettings } from "../net/sysctl.ts";
import { isVmacSocket } from "../net/vmac_socket.ts";
import { VrrpSocket } from "../net/vrrp_socket.ts";
import type { AuthenticatorState } from "../vrrp/authenticator.ts";
import type { LinkTable } from "../net/links.ts";
import { closeFd } from "../../ffi/fd.ts";
import { authenticatorSpec } from "./auth.ts";
import type { Tools } from "./effects.ts";
import type { Groups } from "./groups.ts";
import {
  type EngineState,
  goesOnAs,
  type InstanceState,
  type SocketState,
  type StandInAdvert,
  type StandInPacket,
} from "./handover_state.ts";
import { refusePackets, resumeRefusal, takePackets } from "./accept.ts";
import type { Instance } from "./instance.ts";
import { LogLimiter } from "./log_limiter.ts";
import { removeRouting } from "./routes.ts";
import { say } from "./say.ts";
import type { Trackers } from "./trackers.ts";
import type { Vmacs } from "./vmac.ts";

/** What is handed over. */
export interface HandoverParts {
  readonly tools: Tools;
  readonly table: LinkTable;
  readonly instances: readonly Instance[];
  readonly groups: Groups;
  readonly trackers: Trackers;
  readonly sockets: SocketPool;
  readonly vmacs: Vmacs;
}

/** The state of everything but the loop's own, which the engine adds. */
export function captureState(
  { tools, instances, groups, trackers, sockets, vmacs }: HandoverParts,
): Omit<EngineState, "atUs" | "strays" | "loop" | "signals"> {
  // One that has left resigned and let go of everything: there is nothing of it to hand over.
  const staying = instances.filter(({ hasLeft }) => !hasLeft);
  const open = [...sockets.all(), ...vmacs.sockets.all()];
  const fdOf = new Map(open.map(([, socket]) => [socket as unknown, socket.fd]));
  return {
    instances: staying.map((instance) => instanceState(tools, instance)),
    groups: groups.capture(),
    trackers: trackers.capture(),
    sockets: open.map(([name, { fd, family, link, groups, protocol }]): SocketState => ({
      name,
      fd,
      inode: inodeOf(fd) ?? 0,
      ifindex: link?.index ?? null,
      family,
      groups,
      protocol,
    })),
    announcements: tools.announcer.waiting(),
    settings: changedSettings(),
    standIn: staying.flatMap((instance) => {
      const fd = fdOf.get(instance.sender);
      return fd === undefined ? [] : standInFor(instance, fd);
    }),
  };
}

function instanceState(tools: Tools, instance: Instance): InstanceState {
  const { spec, facts, isStarted, waitsFor, weighed, counters, changedAt, name } = instance;
  const { config: _, ...router } = instance.router;
  return {
    spec,
    router,
    facts,
    isStarted,
    waitsFor,
    weighed: [...weighed],
    counters: { ...counters },
    changedAt,
    authentication: instance.authenticator?.state(),
    addresses: tools.addresses.owned(name),
    routing: tools.routing.capture(name),
  };
}

function standInFor(instance: Instance, fd: number): StandInAdvert[] {
  const { state, primaryAddress: source, timers, priority, config } = instance.router;
  const packets = (priority: number, source: Ip): StandInPacket[] =>
    instance.unsealed(priority, source).map(({ packet, ...rest }) => ({
      ...rest,
      packet: packet.toHex(),
    }));
  if (state !== "master" || source === null || timers.adver === null) return [];
  return [{
    instance: instance.name,
    fd,
    source,
    dueUs: timers.adver,
    intervalUs: config.advertIntervalUs,
    packets: packets(priority, source),
    resigning: packets(0, source),
    seal: sealOf(instance),
  }];
}

function sealOf({ spec, authenticator }: Instance): StandInAdvert["seal"] {
  const made = authenticatorSpec(spec);
  if (made === null || authenticator === null) return undefined;
  return { spec: made, state: authenticator.state() };
}

/**
 * Makes an engine that has not started what another one was.
 * @returns The instances that the state does not know, or knows as others.
 */
export function restoreState(parts: HandoverParts, state: EngineState): Instance[] {
  const { tools, instances, groups, trackers } = parts;
  const before = new Map(state.instances.map((one) => [one.spec.router.name, one]));
  trackers.restore(state.trackers);
  adoptSettings(state.settings);
  const fresh = instances.filter((instance) => {
    const found = before.get(instance.name);
    if (found === undefined || !goesOnAs(found.spec, instance.spec)) return true;
    instance.restore(found);
    tools.addresses.restore(instance.name, found.addresses);
    tools.routing.restore(instance.name, found.routing);
    resumeRefusal(tools, found.spec, found.addresses);
    // An image that knew no `no_accept` has let packets through.
    const isNews = found.spec.accept === undefined && found.router.state === "master";
    if (isNews) refusePackets(tools, instance);
    before.delete(instance.name);
    return false;
  });
  const names = new Set(fresh.map(({ name }) => name));
  const lanes = state.announcements.map((lane) => ({
    ...lane,
    queue: lane.queue.filter(({ announcement }) =>
      !names.has(announcement.instance) && !before.has(announcement.instance)
    ),
  }));
  tools.announcer.restore(lanes);
  groups.restore(state.groups);
  adoptSockets(parts, state.sockets);
  for (const gone of before.values()) giveBack(tools, gone);
  return fresh;
}

/** Nobody looks after it any more: the configuration has changed since the image before looked. */
function giveBack(tools: Tools, { spec, addresses, routing }: InstanceState): void {
  const { name } = spec.router;
  const complain = (text: string) =>
    tools.emit({ kind: "log", log: { level: "error", text, instance: name } });
  tools.routing.restore(name, routing);
  removeRouting(tools, { name, limiters: { packets: new LogLimiter(), host: new LogLimiter() } });
  tools.addresses.restore(name, addresses);
  resumeRefusal(tools, spec, addresses);
  for (const { error } of tools.addresses.remove(name)) complain(error.message);
  takePackets(tools, { name });
  releaseSettings(name).forEach(complain);
}

/** Those that are still what they were, and whose interface still is. */
function adoptSockets(
  { sockets, table, vmacs }: HandoverParts,
  states: readonly SocketState[],
): void {
  for (const { name, fd, inode, ifindex, family, groups, protocol } of states) {
    if (inodeOf(fd) !== inode) continue;
    const link = ifindex === null ? null : table.byIndex(ifindex) ?? undefined;
    if (link === undefined) closeFd(fd);
    else {
      const pool = isVmacSocket(name) ? vmacs.sockets : sockets;
      pool.adopt(name, new VrrpSocket(family, link, { fd, groups }, protocol));
    }
  }
}

/** What a stand-in has sent of an instance's adverts, and when the next is due. */
export interface StoodIn {
  readonly instance: string;
  readonly sent: number;
  readonly dueUs: number;
  /** Counters of AH and `auth_hmac` after that. */
  readonly authentication?: AuthenticatorState | undefined;
}

/** Goes on where the stand-in stopped. @returns The adverts that it has sent. */
export function creditStandIn(
  instances: readonly Instance[],
  reports: readonly StoodIn[],
): number {
  const byName = new Map(instances.map((instance) => [instance.name, instance]));
  let total = 0;
  for (const { instance: name, sent, dueUs, authentication } of reports) {
    const instance = byName.get(name);
    if (authentication) instance?.authenticator?.restore(authentication);
    if (instance === undefined || instance.router.state !== "master" || sent === 0) continue;
    instance.counters.sentAdvertisements += sent;
    // What has been sent here since the start set a later deadline; that one holds.
    if (instance.router.timers.adver === null || instance.router.timers.adver < dueUs) {
      instance.postponeAdvert(micros(dueUs));
    }
    total += sent;
  }
  return total;
}

/** Says what became of the instances. */
export function sayContinuation(
  tools: Tools,
  instances: readonly Instance[],
  fresh: readonly Instance[],
  sinceUs: Micros,
): void {
  const started = new Set(fresh);
  for (const instance of instances) {
    if (started.has(instance)) continue;
    const text = `Going on in ${instance.router.state.toUpperCase()} STATE`;
    say(tools, instance, "info", text);
  }
  const text = `Instances that went on: ${instances.length - fresh.length}, that begin: ` +
    `${fresh.length}; ` +
    `the engine was away for ${Math.round(sinceUs / 1000)} ms`;
  tools.emit({ kind: "log", log: { level: "notice", text } });
}
