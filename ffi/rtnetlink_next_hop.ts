/** Next hops of routes: where packets go, and what they are wrapped into on the way. */

import { AF } from "./constants.ts";
import { HOST_ORDER, NETWORK_ORDER, NLMSGHDR, RTNEXTHOP, viewOf } from "./layout.ts";
import { NetlinkMessage, RTA } from "./netlink.ts";
import {
  LWTUNNEL_ENCAP,
  LWTUNNEL_IP,
  LWTUNNEL_IP6,
  MPLS_IPTUNNEL,
  RTNH_F,
} from "./route_constants.ts";

/** A lightweight tunnel (RTA_ENCAP). */
export type EncapSpec =
  | {
    readonly kind: "mpls";
    /** 20 bits each, the outermost first (RFC 3032). */
    readonly labels: readonly number[];
    readonly ttl?: number;
  }
  | {
    readonly kind: "ip" | "ip6";
    readonly id?: bigint;
    readonly destination?: Uint8Array;
    readonly source?: Uint8Array;
    /** Hop limit in IPv6. */
    readonly ttl?: number;
    /** Traffic class in IPv6. */
    readonly tos?: number;
    /** TUNNEL_* bits of linux/if_tunnel.h. */
    readonly flags?: number;
  };

/** One next hop. */
export interface NextHopSpec {
  /** Of 4 or 16 bytes; one of another family than the route's is sent as RTA_VIA (Linux 5.2). */
  readonly gateway?: Uint8Array;
  readonly outputIndex?: number;
  /** Share among several next hops, 1 to 256; 1 if not given. */
  readonly weight?: number;
  /** The gateway is a neighbour though no prefix says so. */
  readonly onLink?: boolean;
  /** Realms, the source's in the upper half. */
  readonly realms?: number;
  readonly encap?: EncapSpec;
  /** AF.* of the route. */
  readonly family: number;
}

/** Appends the attributes of a route's only next hop. */
export function putNextHop(message: NetlinkMessage, hop: NextHopSpec): void {
  const { gateway, outputIndex, realms, encap, family } = hop;
  if (gateway !== undefined) {
    const other = gateway.length === 4 ? AF.INET : AF.INET6;
    if (other === family) message.attribute(RTA.GATEWAY, gateway);
    else message.attribute(RTA.VIA, viaBytes(other, gateway));
  }
  if (outputIndex !== undefined) message.u32(RTA.OIF, outputIndex);
  if (realms !== undefined) message.u32(RTA.FLOW, realms);
  if (encap !== undefined) putEncap(message, encap);
}

/** Appends several next hops (RTA_MULTIPATH). */
export function putNextHops(message: NetlinkMessage, hops: readonly NextHopSpec[]): void {
  message.nest(RTA.MULTIPATH, (nest) => {
    for (const hop of hops) nest.put(hopBytes(hop));
  }, 0);
}

/** struct rtnexthop and its attributes. */
function hopBytes({ outputIndex = 0, ...hop }: NextHopSpec): Uint8Array {
  const scratch = new NetlinkMessage(0, 0).head(RTNEXTHOP.size, () => {});
  putNextHop(scratch, hop);
  const bytes = scratch.finish(0).subarray(NLMSGHDR.size);
  const view = viewOf(bytes), { at } = RTNEXTHOP;
  view.setUint16(at.rtnh_len, bytes.length, HOST_ORDER);
  view.setUint8(at.rtnh_flags, hop.onLink === true ? RTNH_F.ONLINK : 0);
  view.setUint8(at.rtnh_hops, (hop.weight ?? 1) - 1);
  view.setInt32(at.rtnh_ifindex, outputIndex, HOST_ORDER);
  return bytes;
}

/** struct rtvia of linux/rtnetlink.h: the family in 16 bits, then the address. */
function viaBytes(family: number, gateway: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + gateway.length);
  viewOf(bytes).setUint16(0, family, HOST_ORDER);
  bytes.set(gateway, 2);
  return bytes;
}

function putEncap(message: NetlinkMessage, encap: EncapSpec): void {
  const types = { mpls: LWTUNNEL_ENCAP.MPLS, ip: LWTUNNEL_ENCAP.IP, ip6: LWTUNNEL_ENCAP.IP6 };
  message.u16(RTA.ENCAP_TYPE, types[encap.kind]);
  message.nest(RTA.ENCAP, (nest) => {
    if (encap.kind === "mpls") {
      nest.attribute(MPLS_IPTUNNEL.DST, labelStack(encap.labels));
      if (encap.ttl !== undefined) nest.u8(MPLS_IPTUNNEL.TTL, encap.ttl);
      return;
    }
    const { id, destination, source, ttl, tos, flags } = encap;
    const at = encap.kind === "ip"
      ? LWTUNNEL_IP
      : { ...LWTUNNEL_IP6, TTL: LWTUNNEL_IP6.HOPLIMIT, TOS: LWTUNNEL_IP6.TC };
    if (id !== undefined) nest.be64(at.ID, id);
    if (destination !== undefined) nest.attribute(at.DST, destination);
    if (source !== undefined) nest.attribute(at.SRC, source);
    if (ttl !== undefined) nest.u8(at.TTL, ttl);
    if (tos !== undefined) nest.u8(at.TOS, tos);
    if (flags !== undefined) nest.be16(at.FLAGS, flags);
  }, 0);
}

/** Label stack entries (RFC 3032 2.1): label in the upper 20 bits, the last one marked as bottom. */
function labelStack(labels: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(labels.length * 4), view = viewOf(bytes);
  for (const [at, label] of labels.entries()) {
    const bottom = at === labels.length - 1 ? 0x100 : 0;
    view.setUint32(at * 4, (label << 12 | bottom) >>> 0, NETWORK_ORDER);
  }
  return bytes;
}
