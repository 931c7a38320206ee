/**
 * Small networks in anonymous namespaces, for the demo and for tests: nothing here touches the
 * network that the program was started in, and nothing outlives the program.
 */

import { NetworkNamespace } from "../../ffi/namespace.ts";
import { NETLINK } from "../../ffi/netlink_constants.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { addAddress, addLink, deleteLink, dumpLinks, setLink } from "../../ffi/rtnetlink.ts";
import { type Ip, ipBytes } from "../core/address.ts";

/** A host on the segment: a namespace with one Ethernet interface, and its cable. */
export interface Host {
  readonly name: string;
  readonly namespace: NetworkNamespace;
  /** The name of its interface. */
  readonly device: string;
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

/** One Ethernet segment: a bridge in a namespace of its own, and hosts that are plugged into it. */
export class Segment {
  readonly #switch = NetworkNamespace.create();
  readonly #hosts: Host[] = [];

  /** @throws {SysError} EPERM without CAP_SYS_ADMIN and CAP_NET_ADMIN. */
  constructor() {
    within(this.#switch, (socket) => {
      addLink(socket, { name: "br0", kind: "bridge" });
      setLink(socket, indexOf(socket, "br0"), { up: true });
    });
  }

  get hosts(): readonly Host[] {
    return this.#hosts;
  }

  /** Makes a host, gives it its addresses and plugs it in. */
  addHost({ name, addresses, device = "eth0" }: HostSpec): Host {
    const namespace = NetworkNamespace.create();
    const host: Host = { name, namespace, device, port: `port${this.#hosts.length}` };
    within(this.#switch, (socket) => {
      const peer = { peerName: device, peerNamespaceFd: namespace.fd };
      addLink(socket, { name: host.port, kind: "veth", ...peer });
      const masterIndex = indexOf(socket, "br0");
      setLink(socket, indexOf(socket, host.port), { masterIndex, up: true });
    });
    within(namespace, (socket) => {
      setLink(socket, indexOf(socket, "lo"), { up: true });
      const index = indexOf(socket, device);
      setLink(socket, index, { up: true });
      for (const text of addresses) {
        const [address, length] = text.split("/");
        const local = ipBytes(address as Ip), prefixLength = Number(length);
        addAddress(socket, { index, local, prefixLength, flags: IFA_F_NODAD });
      }
    });
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
  const link = dumpLinks(socket).find((link) => link.name === name);
  if (link === undefined) throw new Error(`Cannot find interface ${name} in the namespace`);
  return link.index;
}
