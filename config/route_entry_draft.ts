/** A route under construction. */

import type { Family, Ip } from "../lib/core/address.ts";
import type { NextHop, RouteEntry } from "../lib/core/route_entry.ts";
import type { Word } from "./lexer.ts";
import type { MetricsDraft } from "./route_entry_metrics.ts";

/** RTN_* of linux/rtnetlink.h by iproute2's names; a scope that the kernel insists on. */
export const TYPES: ReadonlyMap<string, { readonly type: number; readonly scope: number }> =
  new Map([
    ["unicast", { type: 1, scope: 0 }],
    ["local", { type: 2, scope: 254 }],
    ["broadcast", { type: 3, scope: 253 }],
    ["multicast", { type: 5, scope: 0 }],
    ["blackhole", { type: 6, scope: 0 }],
    ["unreachable", { type: 7, scope: 0 }],
    ["prohibit", { type: 8, scope: 0 }],
    ["throw", { type: 9, scope: 0 }],
    ["nat", { type: 10, scope: 0 }],
  ]);

/** A next hop under construction. */
export type Hop = { -readonly [K in keyof NextHop]: NextHop[K] };

/** The route under construction. */
export interface RouteDraft extends MetricsDraft {
  family: Family | null;
  mode: RouteEntry["mode"];
  kind: { readonly type: number; readonly scope: number };
  destination: Word | null;
  from: Word | null;
  tos: number;
  table: number;
  protocol: { readonly word: Word; readonly value: number } | null;
  scope: number | null;
  metric: number | null;
  source: Ip | null;
  expiresSeconds: number | null;
  preference: number | null;
  ttlPropagate: boolean | null;
  hop: Hop;
  /** Every next hop after `nexthop` or `or`; the first is the one before it, if there is one. */
  hops: Hop[];
  track: boolean;
  trackGroup: Word | null;
  devices: Word[];
}

/** A route of which nothing has been said. */
export function newRoute(): RouteDraft {
  return {
    family: null,
    mode: "add",
    kind: TYPES.get("unicast")!,
    destination: null,
    from: null,
    tos: 0,
    table: 254,
    protocol: null,
    scope: null,
    metric: null,
    source: null,
    expiresSeconds: null,
    preference: null,
    ttlPropagate: null,
    hop: newHop(),
    hops: [],
    metrics: [],
    lock: 0,
    congestion: null,
    track: true,
    trackGroup: null,
    devices: [],
  };
}

/** A next hop of which nothing has been said. */
export function newHop(): Hop {
  return { gateway: null, device: null, weight: 1, onLink: false, realms: null, encap: null };
}

/** Whether there is a next hop at all. */
export function isSaid({ gateway, device, encap }: Hop): boolean {
  return gateway !== null || device !== null || encap !== null;
}
