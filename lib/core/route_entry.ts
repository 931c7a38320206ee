import type { Family, Ip } from "./address.ts";

/** An address and how many of its bits count. */
export interface IpPrefix {
  readonly address: Ip;
  readonly length: number;
}

/** What packets of a route are wrapped into (`encap`). What is null is left to the kernel. */
export type Encapsulation =
  | {
    readonly kind: "mpls";
    /** 20 bits each, the outermost first. */
    readonly labels: readonly number[];
    readonly ttl: number | null;
  }
  | {
    readonly kind: "ip" | "ip6";
    /** Decimal digits: it has 64 bits. */
    readonly id: string | null;
    readonly destination: Ip | null;
    readonly source: Ip | null;
    /** `ttl`, `hoplimit`. */
    readonly ttl: number | null;
    /** `tos`, `tc`. */
    readonly tos: number | null;
    /** TUNNEL_* bits of linux/if_tunnel.h. */
    readonly flags: number | null;
  };

/** One next hop. */
export interface NextHop {
  readonly gateway: Ip | null;
  /** `dev`; null: the kernel finds it by the gateway. */
  readonly device: string | null;
  /** 1 to 256. */
  readonly weight: number;
  readonly onLink: boolean;
  /** The source's in the upper half. */
  readonly realms: number | null;
  readonly encap: Encapsulation | null;
}

/**
 * One line of `virtual_routes` or `static_routes`, complete: what `ip route add` would be told.
 * Written by the config language, carried to the engine, used by lib/net. Numbers are rtnetlink's.
 */
export interface RouteEntry {
  /** As the line has it, for messages. */
  readonly text: string;
  readonly family: Family;
  readonly mode: "add" | "append" | "prepend";
  /** RTN_* of linux/rtnetlink.h. */
  readonly type: number;
  readonly destination: IpPrefix;
  /** `from`: IPv6 only. */
  readonly from: IpPrefix | null;
  readonly tos: number;
  /** RT_TABLE_* or any number. */
  readonly table: number;
  /** RTPROT_*. */
  readonly protocol: number;
  /** RT_SCOPE_*. */
  readonly scope: number;
  readonly metric: number | null;
  /** `src`. */
  readonly source: Ip | null;
  readonly expiresSeconds: number | null;
  /** `pref`: ICMPV6_ROUTER_PREF_* of linux/icmpv6.h. */
  readonly preference: number | null;
  readonly ttlPropagate: boolean | null;
  /** RTAX_* and their numbers. */
  readonly metrics: readonly { readonly kind: number; readonly value: number }[];
  /** Bits (1 << RTAX_*) of metrics that are locked. */
  readonly lock: number;
  /** `congctl`. */
  readonly congestion: string | null;
  /** None for blackholes and the like. */
  readonly nextHops: readonly NextHop[];
  /** Not `no_track`: it is put back, and its interfaces count. */
  readonly track: boolean;
}

/** A range of numbers, both ends included. */
export interface NumberRange {
  readonly low: number;
  readonly high: number;
}

/** One line of `virtual_rules` or `static_rules`, complete: what `ip rule add` would be told. */
export interface RuleEntry {
  /** As the line has it, for messages. */
  readonly text: string;
  readonly family: Family;
  /** FR_ACT_* of linux/fib_rules.h. */
  readonly action: number;
  /** Its own, or what it was given for want of one. */
  readonly preference: number;
  readonly invert: boolean;
  readonly from: IpPrefix | null;
  readonly to: IpPrefix | null;
  readonly table: number | null;
  readonly tos: number | null;
  readonly mark: number | null;
  readonly markMask: number | null;
  /** The source's in the upper half. */
  readonly realms: number | null;
  readonly suppressPrefixLength: number | null;
  readonly suppressGroup: number | null;
  readonly inputDevice: string | null;
  readonly outputDevice: string | null;
  /** Decimal digits: it has 64 bits. */
  readonly tunnelId: string | null;
  readonly userIds: NumberRange | null;
  readonly l3mdev: boolean;
  /** RTPROT_*. */
  readonly protocol: number;
  /** IPPROTO_*. */
  readonly ipProtocol: number | null;
  readonly sourcePorts: NumberRange | null;
  readonly destinationPorts: NumberRange | null;
  /** The preference of the rule to go on with. */
  readonly goto: number | null;
  readonly track: boolean;
}

/** RTPROT_KEEPALIVED of linux/rtnetlink.h: what routes and rules are told by, as keepalived does. */
export const KEEPALIVED_PROTOCOL = 18;

/** The interfaces that a route names. */
export function devicesOfRoute({ nextHops }: RouteEntry): string[] {
  return nextHops.flatMap(({ device }) => device ?? []);
}

/** The interfaces that a rule names. */
export function devicesOfRule({ inputDevice, outputDevice }: RuleEntry): string[] {
  return [inputDevice, outputDevice].filter((device) => device !== null);
}
