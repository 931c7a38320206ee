/**
 * Small networks in anonymous namespaces, for the demo and for tests: nothing here touches the
 * network that the program was started in, and nothing outlives the program.
 */

import { capabilities, type Capability } from "../../ffi/capabilities.ts";
import { SysError } from "../../ffi/errno.ts";
import { NetworkNamespace } from "../../ffi/namespace.ts";
import { NETLINK } from "../../ffi/netlink_constants.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import {
  addAddress,
  addLink,
  deleteLink,
  dumpLinks,
  type LinkInfo,
  type LinkSpec,
  setLink,
} from "../../ffi/rtnetlink.ts";
import { formatMac, type Ip, ipBytes, type Mac } from "../core/address.ts";

/** A host on the segment: a namespace with one Ethernet interface, and its cable. */
export interface Host {
  readonly name: string;
  readonly namespace: NetworkNamespace;
  /** The name of its interface. */
  readonly device: string;
  /** The Ethernet address of that interface. */
  readonly mac: Mac;
  /** Its cable's other end, a port of the bridge. */
  readonly port: string;
}

/** What a host is to be. */
export interface HostSpec {
  readonly name: string;
  /** Addresses with prefix lengths: "192.0.2.1/24". IPv6 ones skip duplicate address detection. */
  readonly addresses: readonly string[];
  /** "eth0" if not given. */
  readonly device?: string;
}

/** IFA_F_NODAD of linux/if_addr.h. */
const IFA_F_NODAD = 0x02;

/** What making namespaces, links in them and raw sockets on those needs. */
const NEEDED: readonly Capability[] = ["CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_NET_RAW"];

/** Whether this process may make segments. Root may; so may anybody in a user namespace of theirs. */
export function mayMakeSegments(): boolean {
  const { effective } = capabilities();
  return NEEDED.every((name) => effective.has(name));
}

/** The kernel has no links of a kind that segments are made of. */
export class UnsupportedLink extends Error {
  override readonly name = "UnsupportedLink";
  readonly kind: "bridge" | "veth";

  constructor(kind: "bridge" | "veth", cause: SysError) {
    super(`Cannot make a ${kind} interface: this kernel does not have that kind`, { cause });
    this.kind = kind;
  }
}

/** One Ethernet segment: a bridge in a namespace of its own, and hosts that are plugged into it. */
export class Segment {
  readonly #switch = NetworkNamespace.create();
  readonly #hosts: Host[] = [];

  /**
   * @throws {SysError} EPERM without CAP_SYS_ADMIN and CAP_NET_ADMIN.
   * @throws {UnsupportedLink} If the kernel has no bridges.
   */
  constructor() {
    within(this.#switch, (socket) => {
      makeLink(socket, { name: "br0", kind: "bridge" });
      setLink(socket, indexOf(socket, "br0"), { up: true });
    });
  }

  get hosts(): readonly Host[] {
    return this.#hosts;
  }

  /**
   * Makes a host, gives it its addresses and plugs it in.
   * @throws {UnsupportedLink} If the kernel has no veth pairs.
   */
  addHost({ name, addresses, device = "eth0" }: HostSpec): Host {
    const namespace = NetworkNamespace.create();
    const port = `port${this.#hosts.length}`;
    within(this.#switch, (socket) => {
      const peer = { peerName: device, peerNamespaceFd: namespace.fd };
      makeLink(socket, { name: port, kind: "veth", ...peer });
      const masterIndex = indexOf(socket, "br0");
      setLink(socket, indexOf(socket, port), { masterIndex, up: true });
    });
    const mac = within(namespace, (socket) => {
      setLink(socket, indexOf(socket, "lo"), { up: true });
      const { index, mac } = linkOf(socket, device);
      setLink(socket, index, { up: true });
      for (const text of addresses) {
        const [address, length] = text.split("/");
        const local = ipBytes(address as Ip), prefixLength = Number(length);
        addAddress(socket, { index, local, prefixLength, flags: IFA_F_NODAD });
      }
      return formatMac(mac);
    });
    const host: Host = { name, namespace, device, mac, port };
    this.#hosts.push(host);
    return host;
  }

  /** Pulls a host's cable out, or plugs it in again: its interface loses or regains carrier. */
  plug(host: Host, up: boolean): void {
    within(this.#switch, (socket) => setLink(socket, indexOf(socket, host.port), { up }));
  }

  /** Lets go of every namespace. Processes in them keep theirs until they end. */
  close(): void {
    for (const host of this.#hosts) host.namespace.close();
    within(this.#switch, (socket) => deleteLink(socket, indexOf(socket, "br0")));
    this.#switch.close();
  }
}

/** Runs something with a netlink socket of a namespace. */
export function within<T>(namespace: NetworkNamespace, use: (socket: NetlinkSocket) => T): T {
  return namespace.run(() => {
    const socket = new NetlinkSocket(NETLINK.ROUTE, "configure a namespace");
    try {
      return use(socket);
    } finally {
      socket.close();
    }
  });
}

/** The index of an interface. @throws {Error} If there is none of that name. */
export function indexOf(socket: NetlinkSocket, name: string): number {
  return linkOf(socket, name).index;
}

function linkOf(socket: NetlinkSocket, name: string): LinkInfo {
  const link = dumpLinks(socket).find((link) => link.name === name);
  if (link === undefined) throw new Error(`Cannot find interface ${name} in the namespace`);
  return link;
}

/** `addLink`, with a kernel that was built without the kind of link told from other failures. */
function makeLink(socket: NetlinkSocket, spec: LinkSpec & { kind: "bridge" | "veth" }): void {
  try {
    addLink(socket, spec);
  } catch (error) {
    if (!(error instanceof SysError) || error.code !== "EOPNOTSUPP") throw error;
    throw new UnsupportedLink(spec.kind, error);
  }
}
