/**
 * The Ethernet frames by which a new master tells neighbours and switches where an address is now:
 * gratuitous ARP for IPv4, unsolicited Neighbor Advertisements for IPv6, byte for byte as keepalived
 * and FRR send them.
 */

import { type Ip, ip, ipBytes, type Mac, macBytes, parseMac } from "../core/address.ts";
import { type Bytes, concatBytes, internetChecksum } from "../core/bytes.ts";
import { encodeIpv6, IP_PROTOCOL } from "./ip.ts";

const ETHERTYPE = { arp: 0x0806, ipv6: 0x86dd } as const;

const BROADCAST = parseMac("ff:ff:ff:ff:ff:ff")!;

/** All nodes (RFC 4291 2.7.1), and its Ethernet group (RFC 2464 7). */
const ALL_NODES = { ip: ip("ff02::1"), mac: parseMac("33:33:00:00:00:01")! } as const;

/** RFC 826: Ethernet, IPv4, their address lengths, and a request, which more hosts heed than a reply. */
const ARP_REQUEST = Uint8Array.of(0, 1, 0x08, 0x00, 6, 4, 0, 1);

/** RFC 4861 4.4: type, code, checksum(2), flags, reserved(3), target(16), options. */
const NA = { type: 136, checksumAt: 2, flagsAt: 4, targetAt: 8, optionAt: 24, bytes: 32 } as const;

/** RFC 4861 4.4: the sender is a router; this replaces what the receiver had cached. */
const NA_FLAG = { router: 0x80, override: 0x20 } as const;

/** RFC 4861 4.6.1: target link-layer address, one unit of 8 bytes. */
const TARGET_LINK_LAYER = Uint8Array.of(2, 1);

/**
 * A gratuitous ARP request: sender and target are the address, the target MAC is all ones.
 *
 * @param mac The sender: the virtual router's MAC, or the interface's without one.
 * @returns 42 bytes; the driver pads them.
 * @see RFC 9568 6.4.1; RFC 5944 4.6 for the form.
 */
export function gratuitousArp(address: Ip, mac: Mac): Bytes {
  const sender = macBytes(mac), ip = ipBytes(address), all = macBytes(BROADCAST);
  return concatBytes(ethernet(BROADCAST, mac, ETHERTYPE.arp), ARP_REQUEST, sender, ip, all, ip);
}

/**
 * An unsolicited Neighbor Advertisement: from the address to all nodes, override set, solicited
 * clear, with the target link-layer address.
 *
 * @param router The R flag. RFC 9568 6.4.1 wants it set; keepalived sets it where forwarding is on.
 * @returns 86 bytes.
 */
export function unsolicitedNa(address: Ip, mac: Mac, router: boolean): Bytes {
  const message = new Uint8Array(NA.bytes);
  message[0] = NA.type;
  message[NA.flagsAt] = NA_FLAG.override | (router ? NA_FLAG.router : 0);
  message.set(ipBytes(address), NA.targetAt);
  message.set(TARGET_LINK_LAYER, NA.optionAt);
  message.set(macBytes(mac), NA.optionAt + TARGET_LINK_LAYER.length);
  const ends = concatBytes(ipBytes(address), ipBytes(ALL_NODES.ip));
  const tail = Uint8Array.of(0, 0, 0, NA.bytes, 0, 0, 0, IP_PROTOCOL.icmpv6);
  const checksum = internetChecksum(ends, tail, message);
  message[NA.checksumAt] = checksum >> 8;
  message[NA.checksumAt + 1] = checksum & 0xff;
  const header = { source: address, destination: ALL_NODES.ip, nextHeader: IP_PROTOCOL.icmpv6 };
  const packet = encodeIpv6({ ...header, trafficClass: 0 }, message);
  return concatBytes(ethernet(ALL_NODES.mac, mac, ETHERTYPE.ipv6), packet);
}

function ethernet(destination: Mac, source: Mac, type: number): Bytes {
  return concatBytes(
    macBytes(destination),
    macBytes(source),
    Uint8Array.of(type >> 8, type & 0xff),
  );
}
