/** Routes (RTM_*ROUTE). */

import { AF } from "./constants.ts";
import { type Bytes, RTMSG, viewOf } from "./layout.ts";
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

/** What the kernel says about a route. Addresses are bytes in network order. */
export interface RouteInfo {
  /** AF.INET or AF.INET6. */
  readonly family: number;
  /** Null for the default route. */
  readonly destination: Bytes | null;
  readonly prefixLength: number;
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

/** A route to add or delete. */
export interface RouteSpec {
  /** AF.INET or AF.INET6. */
  readonly family: number;
  /** Absent for the default route. */
  readonly destination?: Uint8Array;
  /** 0 if not given. */
  readonly prefixLength?: number;
  readonly gateway?: Uint8Array;
  readonly outputIndex?: number;
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
}

/** All routes of the socket's namespace. Same as `ip route show table all`. @param family AF.INET or AF.INET6 alone. @throws {SysError} */
export function dumpRoutes(socket: NetlinkSocket, family: number = AF.UNSPEC): RouteInfo[] {
  const message = new NetlinkMessage(RTM.GETROUTE, 0, "list the routes");
  message.head(RTMSG.size, (view) => view.setUint8(RTMSG.at.rtm_family, family));
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

/** Adds a route. Same as `ip route add|replace DST via GATEWAY dev NAME ...`. @throws {SysError} EEXIST, ENETUNREACH */
export function addRoute(
  socket: NetlinkSocket,
  spec: RouteSpec,
  options: { readonly replace?: boolean } = {},
): void {
  socket.request(addRouteMessage(spec, options));
}

/** The request of `addRoute`, for batches. */
export function addRouteMessage(
  spec: RouteSpec,
  { replace = false }: { readonly replace?: boolean } = {},
): NetlinkMessage {
  const mode = NLM_F.CREATE | (replace ? NLM_F.REPLACE : NLM_F.EXCL);
  return routeMessage(RTM.NEWROUTE, mode, `add ${routeText(spec)}`, spec, {
    protocol: RTPROT.STATIC,
    scope: spec.gateway === undefined ? RT_SCOPE.LINK : RT_SCOPE.UNIVERSE,
    type: RTN.UNICAST,
  });
}

/** Deletes a route. Same as `ip route delete DST ...`. @throws {SysError} ESRCH if it is not there. */
export function deleteRoute(socket: NetlinkSocket, spec: RouteSpec): void {
  socket.request(deleteRouteMessage(spec));
}

/** The request of `deleteRoute`, for batches. What is not given matches any route. */
export function deleteRouteMessage(spec: RouteSpec): NetlinkMessage {
  const any = { protocol: 0, scope: RT_SCOPE.NOWHERE, type: 0 };
  return routeMessage(RTM.DELROUTE, 0, `delete ${routeText(spec)}`, spec, any);
}

function routeMessage(
  type: number,
  flags: number,
  doing: string,
  spec: RouteSpec,
  defaults: { protocol: number; scope: number; type: number },
): NetlinkMessage {
  const { at, size } = RTMSG, table = spec.table ?? RT_TABLE.MAIN;
  const message = new NetlinkMessage(type, flags, doing).head(size, (view) => {
    view.setUint8(at.rtm_family, spec.family);
    view.setUint8(at.rtm_dst_len, spec.prefixLength ?? 0);
    view.setUint8(at.rtm_table, table < 256 ? table : RT_TABLE.UNSPEC); // RTA_TABLE has it whole
    view.setUint8(at.rtm_protocol, spec.protocol ?? defaults.protocol);
    view.setUint8(at.rtm_scope, spec.scope ?? defaults.scope);
    view.setUint8(at.rtm_type, spec.type ?? defaults.type);
  });
  message.u32(RTA.TABLE, table);
  if (spec.destination !== undefined) message.attribute(RTA.DST, spec.destination);
  if (spec.gateway !== undefined) message.attribute(RTA.GATEWAY, spec.gateway);
  if (spec.outputIndex !== undefined) message.u32(RTA.OIF, spec.outputIndex);
  if (spec.metric !== undefined) message.u32(RTA.PRIORITY, spec.metric);
  if (spec.preferredSource !== undefined) message.attribute(RTA.PREFSRC, spec.preferredSource);
  return message;
}

/** For error messages only. */
function routeText({ destination, prefixLength = 0 }: RouteSpec): string {
  if (destination === undefined) return "the default route";
  const text = destination.length === 4 ? destination.join(".") : destination.toHex();
  return `the route to ${text}/${prefixLength}`;
}
