/** Routes (RTM_*ROUTE). */

import { AF } from "./constants.ts";
import { type Bytes, HOST_ORDER, RTMSG, viewOf } from "./layout.ts";
import {
  Attributes,
  NetlinkMessage,
  type NetlinkReceived,
  NLM_F,
  RT_SCOPE,
  RT_TABLE,
  RTA,
  RTM,
  RTN,
  RTPROT,
} from "./netlink.ts";
import type { NetlinkSocket } from "./netlink_socket.ts";
import { RTAX, RTNH_F } from "./route_constants.ts";
import { type NextHopSpec, putNextHop, putNextHops } from "./rtnetlink_next_hop.ts";

/** What the kernel says about a route. Addresses are bytes in network order. */
export interface RouteInfo {
  /** AF.INET or AF.INET6. */
  readonly family: number;
  /** Null for the default route. */
  readonly destination: Bytes | null;
  readonly prefixLength: number;
  /** Bits of the source prefix (IPv6 only); 0 for any source. */
  readonly sourceLength: number;
  readonly source: Bytes | null;
  readonly tos: number;
  readonly gateway: Bytes | null;
  /** The interface packets leave by; null for blackholes and the like, and for several next hops. */
  readonly outputIndex: number | null;
  /** RT_TABLE.* or any number. */
  readonly table: number;
  /** RTPROT.*: who made it. */
  readonly protocol: number;
  /** RT_SCOPE.*. */
  readonly scope: number;
  /** RTN.*. */
  readonly type: number;
  /** Lower is preferred; IPv4's 0 is null. */
  readonly metric: number | null;
  /** Source address of packets that the host itself sends. */
  readonly preferredSource: Bytes | null;
}

/** Metrics of a route (RTA_METRICS). */
export interface RouteMetrics {
  /** RTAX.* and its number. */
  readonly values: readonly { readonly kind: number; readonly value: number }[];
  /** Bits (1 << RTAX.*) of those that the kernel must not adapt. */
  readonly lock: number;
  /** Congestion control by name; null leaves it. */
  readonly congestion: string | null;
}

/** A route to add or delete. What it says of a next hop is of its only one; `nextHops` are several. */
export interface RouteSpec extends NextHopSpec {
  /** AF.INET or AF.INET6. */
  readonly family: number;
  /** Absent for the default route. */
  readonly destination?: Uint8Array;
  /** 0 if not given. */
  readonly prefixLength?: number;
  /** Packets from there only (IPv6). */
  readonly source?: { readonly address: Uint8Array; readonly prefixLength: number };
  readonly tos?: number;
  /** Two or more. */
  readonly nextHops?: readonly NextHopSpec[];
  /** RT_TABLE.MAIN if not given. */
  readonly table?: number;
  /** RTPROT.STATIC if not given. */
  readonly protocol?: number;
  /** RT_SCOPE.*; if not given, link without a gateway and universe with one. */
  readonly scope?: number;
  /** RTN.UNICAST if not given. */
  readonly type?: number;
  readonly metric?: number;
  readonly preferredSource?: Uint8Array;
  readonly metrics?: RouteMetrics;
  /** Seconds until the kernel deletes it (IPv6). */
  readonly expiresSeconds?: number;
  /** ICMPV6_ROUTER_PREF_* of linux/icmpv6.h: 0 medium, 1 high, 3 low (IPv6). */
  readonly preference?: number;
  /** Whether the TTL of an MPLS packet is carried over. */
  readonly ttlPropagate?: boolean;
}

/** How a route is added: `add` refuses with EEXIST if there is one of the same prefix, TOS and metric. */
export type RouteMode = "add" | "append" | "prepend" | "replace";

const MODE_FLAGS: Readonly<Record<RouteMode, number>> = {
  add: NLM_F.CREATE | NLM_F.EXCL,
  append: NLM_F.CREATE | NLM_F.APPEND,
  prepend: NLM_F.CREATE,
  replace: NLM_F.CREATE | NLM_F.REPLACE,
};

/**
 * All routes of the socket's namespace. Same as `ip route show table all`.
 * @param family AF.INET or AF.INET6 alone. @param protocol RTPROT.* alone, which the kernel heeds on a
 * socket with NETLINK_GET_STRICT_CHK only; else more are returned. @throws {SysError}
 */
export function dumpRoutes(
  socket: NetlinkSocket,
  family: number = AF.UNSPEC,
  protocol = 0,
): RouteInfo[] {
  const message = new NetlinkMessage(RTM.GETROUTE, 0, "list the routes");
  message.head(RTMSG.size, (view) => {
    view.setUint8(RTMSG.at.rtm_family, family);
    view.setUint8(RTMSG.at.rtm_protocol, protocol);
  });
  return socket.dump(message).map(parseRoute).filter((route) => route !== null);
}

/** Reads RTM_NEWROUTE or RTM_DELROUTE; null if the message is another or cut short. */
export function parseRoute(message: NetlinkReceived): RouteInfo | null {
  const { type, payload } = message, { at, size } = RTMSG;
  if (type !== RTM.NEWROUTE && type !== RTM.DELROUTE || payload.length < size) return null;
  const view = viewOf(payload), attributes = new Attributes(payload.subarray(size));
  return {
    family: view.getUint8(at.rtm_family),
    destination: attributes.bytes(RTA.DST),
    prefixLength: view.getUint8(at.rtm_dst_len),
    sourceLength: view.getUint8(at.rtm_src_len),
    source: attributes.bytes(RTA.SRC),
    tos: view.getUint8(at.rtm_tos),
    gateway: attributes.bytes(RTA.GATEWAY),
    outputIndex: attributes.u32(RTA.OIF),
    table: attributes.u32(RTA.TABLE) ?? view.getUint8(at.rtm_table),
    protocol: view.getUint8(at.rtm_protocol),
    scope: view.getUint8(at.rtm_scope),
    type: view.getUint8(at.rtm_type),
    metric: attributes.u32(RTA.PRIORITY),
    preferredSource: attributes.bytes(RTA.PREFSRC),
  };
}

/** Adds a route. Same as `ip route add|append|replace DST via GATEWAY ...`. @throws {SysError} EEXIST, ENETUNREACH */
export function addRoute(
  socket: NetlinkSocket,
  spec: RouteSpec,
  options: { readonly mode?: RouteMode } = {},
): void {
  socket.request(addRouteMessage(spec, options));
}

/** The request of `addRoute`, for batches. */
export function addRouteMessage(
  spec: RouteSpec,
  { mode = "add" }: { readonly mode?: RouteMode } = {},
): NetlinkMessage {
  const message = routeMessage(RTM.NEWROUTE, MODE_FLAGS[mode], "add", spec, {
    protocol: RTPROT.STATIC,
    scope: spec.gateway === undefined ? RT_SCOPE.LINK : RT_SCOPE.UNIVERSE,
    type: RTN.UNICAST,
  });
  if (spec.nextHops === undefined) putNextHop(message, spec);
  else putNextHops(message, spec.nextHops);
  putMetrics(message, spec.metrics);
  if (spec.expiresSeconds !== undefined) message.u32(RTA.EXPIRES, spec.expiresSeconds);
  if (spec.preference !== undefined) message.u8(RTA.PREF, spec.preference);
  if (spec.ttlPropagate !== undefined) message.u8(RTA.TTL_PROPAGATE, spec.ttlPropagate ? 1 : 0);
  return message;
}

/** Deletes a route. Same as `ip route delete DST ...`. @throws {SysError} ESRCH if it is not there. */
export function deleteRoute(socket: NetlinkSocket, spec: RouteSpec): void {
  socket.request(deleteRouteMessage(spec));
}

/** The request of `deleteRoute`, for batches. What is not given matches any route; so do metrics. */
export function deleteRouteMessage(spec: RouteSpec): NetlinkMessage {
  const any = { protocol: 0, scope: RT_SCOPE.NOWHERE, type: 0 };
  const message = routeMessage(RTM.DELROUTE, 0, "delete", spec, any);
  if (spec.nextHops === undefined) putNextHop(message, spec);
  return message;
}

function routeMessage(
  type: number,
  flags: number,
  verb: "add" | "delete",
  spec: RouteSpec,
  defaults: { protocol: number; scope: number; type: number },
): NetlinkMessage {
  const { at, size } = RTMSG, table = spec.table ?? RT_TABLE.MAIN;
  const isOnLink = spec.nextHops === undefined && spec.onLink === true;
  const message = new NetlinkMessage(type, flags, `${verb} ${routeText(spec)}`);
  message.head(size, (view) => {
    view.setUint8(at.rtm_family, spec.family);
    view.setUint8(at.rtm_dst_len, spec.prefixLength ?? 0);
    view.setUint8(at.rtm_src_len, spec.source?.prefixLength ?? 0);
    view.setUint8(at.rtm_tos, spec.tos ?? 0);
    view.setUint8(at.rtm_table, table < 256 ? table : RT_TABLE.UNSPEC); // RTA_TABLE has it whole
    view.setUint8(at.rtm_protocol, spec.protocol ?? defaults.protocol);
    view.setUint8(at.rtm_scope, spec.scope ?? defaults.scope);
    view.setUint8(at.rtm_type, spec.type ?? defaults.type);
    view.setUint32(at.rtm_flags, isOnLink ? RTNH_F.ONLINK : 0, HOST_ORDER);
  });
  message.u32(RTA.TABLE, table);
  if (spec.destination !== undefined) message.attribute(RTA.DST, spec.destination);
  if (spec.source !== undefined) message.attribute(RTA.SRC, spec.source.address);
  if (spec.metric !== undefined) message.u32(RTA.PRIORITY, spec.metric);
  if (spec.preferredSource !== undefined) message.attribute(RTA.PREFSRC, spec.preferredSource);
  return message;
}

function putMetrics(message: NetlinkMessage, metrics: RouteMetrics | undefined): void {
  if (metrics === undefined) return;
  const { values, lock, congestion } = metrics;
  message.nest(RTA.METRICS, (nest) => {
    if (lock !== 0) nest.u32(RTAX.LOCK, lock);
    for (const { kind, value } of values) nest.u32(kind, value);
    if (congestion !== null) nest.text(RTAX.CC_ALGO, congestion);
  }, 0);
}

/** For error messages only. */
function routeText({ destination, prefixLength = 0 }: RouteSpec): string {
  if (destination === undefined) return "the default route";
  const text = destination.length === 4 ? destination.join(".") : destination.toHex();
  return `the route to ${text}/${prefixLength}`;
}
