/** Network interfaces (RTM_*LINK). */

import { AF, IFF } from "./constants.ts";
import { type Bytes, HOST_ORDER, IFINFOMSG, viewOf } from "./layout.ts";
import {
  Attributes,
  IFLA,
  NetlinkMessage,
  type NetlinkReceived,
  NLM_F,
  RTM,
  VETH_INFO,
} from "./netlink.ts";
import type { NetlinkSocket } from "./netlink_socket.ts";

/** What the kernel says about an interface. */
export interface LinkInfo {
  readonly index: number;
  readonly name: string;
  /** IFF.* bits. */
  readonly flags: number;
  /** ARPHRD.*. */
  readonly type: number;
  /** Link-layer address; empty for a link without one. */
  readonly mac: Bytes;
  /** Link-layer broadcast address; empty for a link without one. */
  readonly broadcast: Bytes;
  readonly mtu: number;
  /** The bridge, bond or VRF it is a port of; null if none. */
  readonly masterIndex: number | null;
  /** The link it stands on (macvlan, vlan) or its other end (veth); null if none. */
  readonly linkIndex: number | null;
  /** "veth", "macvlan", "bridge"...; null for hardware and loopback. */
  readonly kind: string | null;
  /** IF_OPER.*. */
  readonly operState: number;
  /** What somebody wrote on it (`ip link set alias`); null if nobody did. */
  readonly alias: string | null;
  /** MACVLAN_MODE.* of a macvlan; null for other kinds. */
  readonly macvlanMode: number | null;
}

/** All interfaces of the socket's namespace. Same as `ip link show`. @throws {SysError} */
export function dumpLinks(socket: NetlinkSocket): LinkInfo[] {
  const message = linkMessage(RTM.GETLINK, 0, "list the links", {});
  return socket.dump(message).map(parseLink).filter((link) => link !== null);
}

/** Reads RTM_NEWLINK or RTM_DELLINK; null if the message is another or cut short. */
export function parseLink(message: NetlinkReceived): LinkInfo | null {
  const { type, payload } = message, { at, size } = IFINFOMSG;
  if (type !== RTM.NEWLINK && type !== RTM.DELLINK || payload.length < size) return null;
  const view = viewOf(payload), attributes = new Attributes(payload.subarray(size));
  const info = attributes.nested(IFLA.LINKINFO), kind = info?.text(IFLA.INFO_KIND) ?? null;
  // A bridge tells of its ports in a second kind of message, which lacks most attributes.
  if (view.getUint8(at.ifi_family) !== AF.UNSPEC) return null;
  return {
    index: view.getInt32(at.ifi_index, HOST_ORDER),
    name: attributes.text(IFLA.IFNAME) ?? "",
    flags: view.getUint32(at.ifi_flags, HOST_ORDER),
    type: view.getUint16(at.ifi_type, HOST_ORDER),
    mac: attributes.bytes(IFLA.ADDRESS) ?? new Uint8Array(0),
    broadcast: attributes.bytes(IFLA.BROADCAST) ?? new Uint8Array(0),
    mtu: attributes.u32(IFLA.MTU) ?? 0,
    masterIndex: attributes.u32(IFLA.MASTER),
    linkIndex: attributes.u32(IFLA.LINK),
    kind,
    operState: attributes.u8(IFLA.OPERSTATE) ?? 0,
    alias: attributes.text(IFLA.IFALIAS),
    macvlanMode: kind === "macvlan"
      ? info?.nested(IFLA.INFO_DATA)?.u32(IFLA.MACVLAN_MODE) ?? null
      : null,
  };
}

/** What can be said about a link when it is made and later. */
export interface LinkChange {
  readonly name?: string;
  readonly up?: boolean;
  readonly mac?: Uint8Array;
  readonly mtu?: number;
  /** Bridge, bond or VRF to be a port of; 0 leaves it. */
  readonly masterIndex?: number;
  /** Descriptor of the network namespace to move it to. */
  readonly namespaceFd?: number;
  /** IN6_ADDR_GEN_MODE.*: NONE for a link that must not make an IPv6 address by itself. */
  readonly addressGenMode?: number;
  /** At most 255 bytes (IFALIASZ, linux/if.h); the kernel takes it for a link that is there only. */
  readonly alias?: string;
  /** Number of an interface group (/etc/iproute2/group). */
  readonly group?: number;
}

/** A link to make, by kind. */
export type LinkSpec =
  & LinkChange
  & { readonly name: string }
  & (
    | { readonly kind: "dummy" | "bridge" }
    | { readonly kind: "veth"; readonly peerName: string; readonly peerNamespaceFd?: number }
    /** On top of `linkIndex`; `mode` is MACVLAN_MODE.*. */
    | { readonly kind: "macvlan"; readonly linkIndex: number; readonly mode: number }
    /** On top of `linkIndex`; `mode` is IPVLAN_MODE.*, `ipvlanFlags` IPVLAN_F.* bits. */
    | {
      readonly kind: "ipvlan";
      readonly linkIndex: number;
      readonly mode: number;
      readonly ipvlanFlags: number;
    }
    | { readonly kind: "vlan"; readonly linkIndex: number; readonly vlanId: number }
    | { readonly kind: "vrf"; readonly table: number }
  );

/** Makes a link. Same as `ip link add NAME type KIND ...`. @throws {SysError} EEXIST, EOPNOTSUPP without its module. */
export function addLink(socket: NetlinkSocket, spec: LinkSpec): void {
  socket.request(addLinkMessage(spec));
}

/** The request of `addLink`, for batches. */
export function addLinkMessage(spec: LinkSpec): NetlinkMessage {
  const doing = `add ${spec.kind} link ${spec.name}`;
  const message = linkMessage(RTM.NEWLINK, NLM_F.CREATE | NLM_F.EXCL, doing, { change: spec });
  if ("linkIndex" in spec) message.u32(IFLA.LINK, spec.linkIndex);
  return message.nest(IFLA.LINKINFO, () => {
    message.text(IFLA.INFO_KIND, spec.kind);
    message.nest(IFLA.INFO_DATA, () => putKind(message, spec));
  });
}

/** Changes a link. Same as `ip link set dev NAME up master BRIDGE ...`. @throws {SysError} ENODEV, EBUSY */
export function setLink(socket: NetlinkSocket, index: number, change: LinkChange): void {
  socket.request(linkMessage(RTM.NEWLINK, 0, `change link ${index}`, { index, change }));
}

/** Removes a link, a veth pair at once. Same as `ip link delete dev NAME`. @throws {SysError} ENODEV */
export function deleteLink(socket: NetlinkSocket, index: number): void {
  socket.request(linkMessage(RTM.DELLINK, 0, `delete link ${index}`, { index }));
}

function linkMessage(
  type: number,
  flags: number,
  doing: string,
  { index = 0, change = {} }: { index?: number; change?: LinkChange },
): NetlinkMessage {
  const message = new NetlinkMessage(type, flags, doing).head(IFINFOMSG.size, (view) => {
    view.setInt32(IFINFOMSG.at.ifi_index, index, HOST_ORDER);
    if (change.up === undefined) return;
    view.setUint32(IFINFOMSG.at.ifi_flags, change.up ? IFF.UP : 0, HOST_ORDER);
    view.setUint32(IFINFOMSG.at.ifi_change, IFF.UP, HOST_ORDER);
  });
  putChange(message, change);
  return message;
}

function putChange(message: NetlinkMessage, change: LinkChange): void {
  if (change.name !== undefined) message.text(IFLA.IFNAME, change.name);
  if (change.mac !== undefined) message.attribute(IFLA.ADDRESS, change.mac);
  if (change.mtu !== undefined) message.u32(IFLA.MTU, change.mtu);
  if (change.masterIndex !== undefined) message.u32(IFLA.MASTER, change.masterIndex);
  if (change.namespaceFd !== undefined) message.u32(IFLA.NET_NS_FD, change.namespaceFd);
  if (change.group !== undefined) message.u32(IFLA.GROUP, change.group);
  // Without its final zero, which the kernel would count as a byte of it.
  if (change.alias !== undefined) {
    message.attribute(IFLA.IFALIAS, new TextEncoder().encode(change.alias));
  }
  const mode = change.addressGenMode;
  if (mode !== undefined) {
    message.nest(IFLA.AF_SPEC, () => {
      message.nest(AF.INET6, () => message.u8(IFLA.INET6_ADDR_GEN_MODE, mode));
    });
  }
}

/** IFLA_INFO_DATA: attributes that only one kind of link has. */
function putKind(message: NetlinkMessage, spec: LinkSpec): void {
  if (spec.kind === "macvlan") message.u32(IFLA.MACVLAN_MODE, spec.mode);
  if (spec.kind === "ipvlan") {
    message.u16(IFLA.IPVLAN_MODE, spec.mode).u16(IFLA.IPVLAN_FLAGS, spec.ipvlanFlags);
  }
  if (spec.kind === "vlan") message.u16(IFLA.VLAN_ID, spec.vlanId);
  if (spec.kind === "vrf") message.u32(IFLA.VRF_TABLE, spec.table);
  if (spec.kind !== "veth") return;
  const { peerName, peerNamespaceFd } = spec;
  message.nest(VETH_INFO.PEER, () => {
    message.head(IFINFOMSG.size, () => {}).text(IFLA.IFNAME, peerName);
    if (peerNamespaceFd !== undefined) message.u32(IFLA.NET_NS_FD, peerNamespaceFd);
  });
}
