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
  /** Duplicate address detection has not ended, or has failed: it cannot be a source. */
  readonly tentative: boolean;
  /** Tagged as put there by vigie, or by keepalived 2.4. */
  readonly ours: boolean;
}

/** The table. Every change goes through `load` or `apply`. */
export class LinkTable {
  readonly #links = new Map<number, Link>();
  readonly #addresses = new Map<number, HostAddress[]>();

  /** Reads everything anew: at start, and after the kernel said that events were lost. */
  load(socket: NetlinkSocket): void {
    this.#links.clear();
    this.#addresses.clear();
    for (const info of dumpLinks(socket)) this.#links.set(info.index, toLink(info));
    for (const info of dumpAddresses(socket)) this.#putAddress(toAddress(info));
  }

  /**
   * Applies one event.
   * @returns Whether it can matter to anybody, which what vigie itself adds and removes does not; and
   * the address that went, if one did.
   */
  apply(message: NetlinkReceived): { matters: boolean; removed: HostAddress | null } {
    const link = parseLink(message), info = parseAddress(message);
    if (link !== null) {
      if (message.type === RTM.DELLINK) this.#dropLink(link.index);
      else this.#links.set(link.index, toLink(link));
    }
    const address = info && toAddress(info);
    if (address !== null) {
      if (message.type === RTM.DELADDR) this.#dropAddress(address);
      else this.#putAddress(address);
    }
    const removed = message.type === RTM.DELADDR ? address : null;
    return { matters: link !== null || address?.ours === false, removed };
  }

  /** The interface of that name. */
  byName(name: string): Link | undefined {
    for (const link of this.#links.values()) if (link.name === name) return link;
    return undefined;
  }

  byIndex(index: number): Link | undefined {
    return this.#links.get(index);
  }

  all(): readonly Link[] {
    return [...this.#links.values()];
  }

  /** The addresses of an interface in the kernel's order, which is the order they were added in. */
  addressesOf(index: number): readonly HostAddress[] {
    return this.#addresses.get(index) ?? [];
  }

  /** The address, wherever it is. */
  holder(address: Ip): HostAddress | undefined {
    for (const list of this.#addresses.values()) {
      const found = list.find((entry) => entry.address === address);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Whether an address is this host's. */
  isOwn(address: Ip): boolean {
    return this.holder(address) !== undefined;
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
  const address = formatIp(info.local);
  return {
    index: info.index,
    family: address.includes(":") ? "ipv6" : "ipv4",
    address,
    prefixLength: info.prefixLength,
    tentative: (info.flags & (IFA_F.TENTATIVE | IFA_F.DADFAILED)) !== 0,
    ours: info.protocol === ADDRESS_PROTOCOL,
  };
}
