/** Routes of the configuration in the kernel's terms: requests, and what tells one from another. */

import { AF, SOL } from "../../ffi/constants.ts";
import { SysError } from "../../ffi/errno.ts";
import { NETLINK, NETLINK_OPTION } from "../../ffi/netlink_constants.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import {
  addRouteMessage,
  deleteRouteMessage,
  dumpRoutes,
  type EncapSpec,
  type NextHopSpec,
  type RouteInfo,
  type RouteSpec,
} from "../../ffi/rtnetlink.ts";
import { setOption } from "../../ffi/socket_options.ts";
import { type Family, formatIp, ip, ipBytes } from "../core/address.ts";
import {
  type Encapsulation,
  KEEPALIVED_PROTOCOL,
  type NextHop,
  type RouteEntry,
} from "../core/route_entry.ts";
import { EntryOwner } from "./entries.ts";
import type { HostTable } from "./links.ts";

/** A route and the interfaces that its next hops mean. */
export interface PlacedRoute {
  readonly entry: RouteEntry;
  /** One for each next hop; null where the kernel finds the interface by the gateway. */
  readonly indices: readonly (number | null)[];
}

/** What makes routes, and knows which are vigie's. */
export type RouteOwner = EntryOwner<PlacedRoute>;

/** An owner of routes that speaks through a socket, with the kernel of the thread's namespace. */
export function createRouteOwner(socket: NetlinkSocket): RouteOwner {
  return new EntryOwner<PlacedRoute>(socket, {
    key: ({ entry: { text: _text, track: _track, mode: _mode, ...entry }, indices }) =>
      JSON.stringify([entry, indices]),
    slot: ({ entry }) => slotOfEntry(entry),
    add: (placed) => addRouteMessage(specOf(placed), { mode: placed.entry.mode }),
    remove: (placed) => deleteRouteMessage(specOf(placed)),
    // The last one may be how the first one's gateway was reached.
    removalOrder: (list) => list.toReversed(),
    marked: markedRoutes,
  });
}

/** The routes with the interfaces they mean; those whose interface is missing are left out. */
export function placeRoutes(
  entries: readonly RouteEntry[],
  table: Pick<HostTable, "byName">,
): PlacedRoute[] {
  return entries.flatMap((entry) => {
    const indices = entry.nextHops.map(({ device }) =>
      device === null ? null : table.byName(device)?.index
    );
    return indices.includes(undefined) ? [] : [{ entry, indices: indices as (number | null)[] }];
  });
}

const AF_OF: Readonly<Record<Family, number>> = { ipv4: AF.INET, ipv6: AF.INET6 };

/** IP6_RT_PRIO_USER of net/ip6_route.h: what IPv6 makes of no metric. */
const IPV6_METRIC = 1024;

/** RT_SCOPE_* mean nothing in IPv6, which keeps none. */
function specOf({ entry, indices }: PlacedRoute): RouteSpec {
  const { destination, from, metric, source, metrics, lock, congestion, nextHops } = entry;
  const { expiresSeconds, preference, ttlPropagate } = entry;
  const family = AF_OF[entry.family];
  const hops = nextHops.map((hop, at) => hopSpec(hop, indices[at] ?? null, family));
  const hasMetrics = metrics.length > 0 || congestion !== null;
  const single = hops.length === 1 ? hops[0] : undefined;
  return {
    ...single,
    family,
    prefixLength: destination.length,
    tos: entry.tos,
    table: entry.table,
    protocol: entry.protocol,
    scope: entry.scope,
    type: entry.type,
    ...destination.length > 0 && { destination: ipBytes(destination.address) },
    ...from !== null && {
      source: { address: ipBytes(from.address), prefixLength: from.length },
    },
    ...hops.length > 1 && { nextHops: hops },
    ...metricOf(entry) !== 0 && { metric: metric ?? metricOf(entry) },
    ...source !== null && { preferredSource: ipBytes(source) },
    ...hasMetrics && { metrics: { values: metrics, lock, congestion } },
    ...expiresSeconds !== null && { expiresSeconds },
    ...preference !== null && { preference },
    ...ttlPropagate !== null && { ttlPropagate },
  };
}

function hopSpec(hop: NextHop, index: number | null, family: number): NextHopSpec {
  const { gateway, weight, onLink, realms, encap } = hop;
  return {
    family,
    weight,
    onLink,
    ...gateway !== null && { gateway: ipBytes(gateway) },
    ...index !== null && { outputIndex: index },
    ...realms !== null && { realms },
    ...encap !== null && { encap: encapSpec(encap) },
  };
}

function encapSpec(encap: Encapsulation): EncapSpec {
  if (encap.kind === "mpls") {
    return { kind: "mpls", labels: encap.labels, ...encap.ttl !== null && { ttl: encap.ttl } };
  }
  const { kind, id, destination, source, ttl, tos, flags } = encap;
  return {
    kind,
    ...id !== null && { id: BigInt(id) },
    ...destination !== null && { destination: ipBytes(destination) },
    ...source !== null && { source: ipBytes(source) },
    ...ttl !== null && { ttl },
    ...tos !== null && { tos },
    ...flags !== null && { flags },
  };
}

function metricOf({ family, metric }: RouteEntry): number {
  return family === "ipv6" ? metric || IPV6_METRIC : metric ?? 0;
}

/** What the kernel allows one route of, with EXCL: table, prefix, source, TOS and metric. */
function slotOfEntry(entry: RouteEntry): string {
  const { family, table, destination, from, tos, type } = entry;
  const source = from === null || from.length === 0 ? "any" : `${from.address}/${from.length}`;
  const to = `${destination.address}/${destination.length}`;
  return [family, table, to, source, tos, metricOf(entry), type].join(" ");
}

function slotOfRoute(route: RouteInfo): string {
  const family: Family = route.family === AF.INET6 ? "ipv6" : "ipv4";
  const any = ip(family === "ipv6" ? "::" : "0.0.0.0");
  const to = `${
    route.destination === null ? any : formatIp(route.destination)
  }/${route.prefixLength}`;
  const source = route.source === null || route.sourceLength === 0
    ? "any"
    : `${formatIp(route.source)}/${route.sourceLength}`;
  const { table, tos, metric, type } = route;
  return [family, table, to, source, tos, metric ?? 0, type].join(" ");
}

/**
 * Asks by a socket of its own: strict checking makes the kernel leave out other protocols' routes, of
 * which a router of the Internet has a million.
 */
function markedRoutes(wanted: readonly PlacedRoute[]): PlacedRoute[] {
  const candidates = wanted.filter(({ entry }) => entry.protocol === KEEPALIVED_PROTOCOL);
  if (candidates.length === 0) return [];
  using socket = new NetlinkSocket(NETLINK.ROUTE, "look for routes");
  beStrict(socket);
  const families = new Set(candidates.map(({ entry }) => entry.family));
  const found = new Set(
    [...families].flatMap((family) =>
      dumpRoutes(socket, AF_OF[family], KEEPALIVED_PROTOCOL)
        .filter(({ protocol }) => protocol === KEEPALIVED_PROTOCOL).map(slotOfRoute)
    ),
  );
  return candidates.filter(({ entry }) => found.has(slotOfEntry(entry)));
}

/** Kernels before 4.20 cannot: they list everything. */
function beStrict(socket: NetlinkSocket): void {
  try {
    setOption(socket.fd, SOL.NETLINK, NETLINK_OPTION.GET_STRICT_CHK, 1, "list few routes");
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
}
