/** The host's interfaces and addresses, loaded once and then kept by the kernel's own events. */

import { type Family, formatIp, formatMac, type Ip, type Mac } from "../core/address.ts";
import { IFF } from "../../ffi/constants.ts";
import { IFA_F, RTM } from "../../ffi/netlink_constants.ts";
import type { NetlinkReceived } from "../../ffi/netlink.ts";
import type { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import {
  type AddressInfo,
  dumpAddresses,
  dumpLinks,
  type LinkInfo,
  parseAddress,
  parseLink,
} from "../../ffi/rtnetlink.ts";

/**
 * The protocol number that vigie's addresses carry in IFA_PROTO (Linux 5.18 and later):
 * RTPROT_KEEPALIVED of linux/rtnetlink.h, as keepalived 2.4 tags its own. It tells a predecessor's
 * leftovers from what the operator put there.
 */
export const ADDRESS_PROTOCOL = 18;

/** An interface. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** Administratively up (IFF_UP). */
  readonly up: boolean;
  /** With carrier (IFF_RUNNING). */
  readonly running: boolean;
  readonly loopback: boolean;
  /** Whether it carries multicast (IFF_MULTICAST). */
  readonly multicast: boolean;
  /** Whether neighbours are found by ARP (not IFF_NOARP). */
  readonly arp: boolean;
  readonly mtu: number;
  /** Null for links that are not Ethernet-like. */
  readonly mac: Mac | null;
}

/** An address on an interface. */
export interface HostAddress {
  readonly index: number;
  readonly family: Family;
  readonly address: Ip;
  readonly prefixLength: number;
  /** The other end of a point-to-point address; null for an ordinary one. */
  readonly peer: Ip | null;
  /** Duplicate address detection has not ended, or has failed: it cannot be a source. */
  readonly tentative: boolean;
  /** Tagged as put there by vigie, or by keepalived 2.4. */
  readonly ours: boolean;
}

/**
 * What an event was about. That an address of vigie's came is news to nobody; that one went may be
 * vigie's own doing or somebody else's.
 */
export type HostChange = "nothing" | "link" | "address" | "ours gone";

/** What can be asked of the table. */
export interface HostTable {
  byName(name: string): Link | undefined;
  byIndex(index: number): Link | undefined;
  addressesOf(index: number): readonly HostAddress[];
  holders(address: Ip): readonly HostAddress[];
  load(socket: NetlinkSocket): void;
}

/** The table. Every change goes through `load` or `apply`. */
export class LinkTable implements HostTable {
  #links = new Map<number, Link>();
  #addresses = new Map<number, HostAddress[]>();

  /**
   * Reads everything anew: at start, and after the kernel said that events were lost.
   * @throws {SysError} If the kernel's lists will not hold still; the table stays as it was then.
   */
  load(socket: NetlinkSocket): void {
    const links = dumpLinks(socket).map(toLink), addresses = dumpAddresses(socket).map(toAddress);
    this.#links = new Map(links.map((link) => [link.index, link]));
    this.#addresses = new Map(links.map(({ index }) => [index, []]));
    for (const address of addresses) this.#addresses.get(address.index)?.push(address);
  }

  /** Applies one event. @returns What it was about. */
  apply(message: NetlinkReceived): HostChange {
    const link = parseLink(message), info = parseAddress(message);
    if (link !== null) {
      if (message.type === RTM.DELLINK) this.#dropLink(link.index);
      else this.#links.set(link.index, toLink(link));
      return "link";
    }
    if (info === null) return "nothing";
    const address = toAddress(info);
    if (message.type === RTM.DELADDR) this.#dropAddress(address);
    else this.#putAddress(address);
    if (!address.ours) return "address";
    return message.type === RTM.DELADDR ? "ours gone" : "nothing";
  }

  /** The interface of that name. */
  byName(name: string): Link | undefined {
    for (const link of this.#links.values()) if (link.name === name) return link;
    return undefined;
  }

  /** The interface of that index. */
  byIndex(index: number): Link | undefined {
    return this.#links.get(index);
  }

  /** Every interface. */
  all(): readonly Link[] {
    return [...this.#links.values()];
  }

  /** The addresses of an interface: IPv4 in the order they were added in, IPv6 in no order to rely on. */
  addressesOf(index: number): readonly HostAddress[] {
    return this.#addresses.get(index) ?? [];
  }

  /** The address, wherever it is: on every interface that has it, with every prefix length. */
  holders(address: Ip): readonly HostAddress[] {
    return [...this.#addresses.values()].flatMap((list) =>
      list.filter((entry) => entry.address === address)
    );
  }

  #dropLink(index: number): void {
    this.#links.delete(index);
    this.#addresses.delete(index);
  }

  #putAddress(entry: HostAddress): void {
    const list = this.#addresses.get(entry.index) ?? [];
    const at = list.findIndex((known) => sameAddress(known, entry));
    this.#addresses.set(entry.index, at < 0 ? [...list, entry] : list.with(at, entry));
  }

  #dropAddress(entry: HostAddress): void {
    const list = this.#addresses.get(entry.index) ?? [];
    this.#addresses.set(entry.index, list.filter((known) => !sameAddress(known, entry)));
  }
}

function sameAddress(a: HostAddress, b: HostAddress): boolean {
  return a.address === b.address && a.prefixLength === b.prefixLength;
}

function toLink(info: LinkInfo): Link {
  return {
    index: info.index,
    name: info.name,
    up: (info.flags & IFF.UP) !== 0,
    running: (info.flags & IFF.RUNNING) !== 0,
    loopback: (info.flags & IFF.LOOPBACK) !== 0,
    multicast: (info.flags & IFF.MULTICAST) !== 0,
    arp: (info.flags & IFF.NOARP) === 0,
    mtu: info.mtu,
    mac: info.mac.length === 6 ? formatMac(info.mac) : null,
  };
}

function toAddress(info: AddressInfo): HostAddress {
  const address = formatIp(info.local), other = formatIp(info.address);
  return {
    index: info.index,
    family: address.includes(":") ? "ipv6" : "ipv4",
    address,
    prefixLength: info.prefixLength,
    peer: other === address ? null : other,
    tentative: (info.flags & (IFA_F.TENTATIVE | IFA_F.DADFAILED)) !== 0,
    ours: info.protocol === ADDRESS_PROTOCOL,
  };
}
