/**
 * Raw sockets for VRRP: one for each interface and family, for sending and receiving alike, and a
 * second one that receives what comes in an Authentication Header.
 */

import {
  controlMessages,
  hopLimit as limitHops,
  packetInfo6,
  readPacketInfo6,
  readTtl,
} from "../../ffi/control.ts";
import { SysError } from "../../ffi/errno.ts";
import { closeFd } from "../../ffi/fd.ts";
import {
  AF,
  bindToDevice,
  IP,
  IPPROTO,
  IPV6,
  joinGroup4,
  joinGroup6,
  MessageBuffer,
  openSocket,
  PROTOCOL_VRRP,
  readSockaddrIn6,
  receive,
  receiveMessage,
  sendMessage,
  sendTo,
  setMulticastInterface4,
  setMulticastInterface6,
  setOption,
  setReceiveBuffer,
  SOCK,
  sockaddrIn,
  sockaddrIn6,
} from "../../ffi/socket.ts";
import { type Family, formatIp, type Ip, ipBytes } from "../core/address.ts";
import type { Bytes } from "../core/bytes.ts";
import type { ReceivedPacket } from "../vrrp/admission.ts";
import type { AhError } from "../vrrp/ah.ts";
import { IP_PROTOCOL, type IpError, VRRP_HOP_LIMIT, VRRP_TRAFFIC_CLASS } from "../vrrp/ip.ts";
import { readIpv4 } from "../vrrp/received.ts";
import type { Link } from "./links.ts";

/** Room for a second of adverts of many routers: the thread may be held up, the kernel must not drop. */
const RECEIVE_BUFFER_BYTES = 1 << 20;

/** The largest IPv4 packet; an advert is at most 1036 bytes of VRRP (255 addresses, version 2). */
const MAX_PACKET_BYTES = 65_535;

/** Packets read in one go, so that a flood cannot keep timers from firing. */
const BURST = 256;

/** Where received packets go. */
export interface PacketHandler {
  /** The message is a view, valid until the next one. */
  arrived(packet: ReceivedPacket): void;
  /** The IP header, or the authentication header behind it, could not be read. */
  malformed(error: IpError | AhError): void;
  /** The kernel would not give what it has. */
  failed(error: SysError): void;
}

/** What adverts are sent by. */
export interface AdvertSender {
  /**
   * @param hopLimit Of an IPv6 packet; one of IPv4 has it in its header.
   * @throws {SysError} What the kernel says, ENETDOWN and the like included.
   */
  send(packet: Bytes, source: Ip, destination: Ip, hopLimit: number): void;
}

/** An open VRRP socket that another image of this daemon has handed over. */
export interface InheritedSocket {
  readonly fd: number;
  readonly groups: readonly Ip[];
}

/** What a socket receives: VRRP, or over IPv4 all that is in an Authentication Header. */
export type SocketProtocol = "vrrp" | "ah";

const PROTOCOL: Readonly<Record<SocketProtocol, number>> = {
  vrrp: PROTOCOL_VRRP,
  ah: IP_PROTOCOL.ah,
};

/** One raw socket of protocol 112 or 51. Needs CAP_NET_RAW. */
export class VrrpSocket implements AdvertSender {
  readonly fd: number;
  readonly family: Family;
  /** Null for a unicast router without an interface. */
  readonly link: Link | null;
  readonly protocol: SocketProtocol;
  readonly #groups = new Set<Ip>();
  readonly #sockaddrs = new Map<Ip, Bytes>();
  readonly #controls = new Map<string, Bytes>();
  readonly #packet: Bytes;
  readonly #message: MessageBuffer;

  /**
   * @param inherited A socket to go on with, as it was set up before.
   * @throws {SysError} If the socket cannot be made or bound to the interface.
   */
  constructor(
    family: Family,
    link: Link | null,
    inherited?: InheritedSocket,
    protocol: SocketProtocol = "vrrp",
  ) {
    this.family = family;
    this.protocol = protocol;
    this.link = link;
    this.#packet = new Uint8Array(family === "ipv4" ? MAX_PACKET_BYTES : 0);
    this.#message = new MessageBuffer(family === "ipv6" ? MAX_PACKET_BYTES : 0);
    if (inherited !== undefined) {
      this.fd = inherited.fd;
      for (const group of inherited.groups) this.#groups.add(group);
      return;
    }
    const domain = family === "ipv4" ? AF.INET : AF.INET6;
    const where = link === null ? "" : ` on ${link.name}`;
    this.fd = openSocket(domain, SOCK.RAW, PROTOCOL[protocol], `open VRRP socket${where}`);
    try {
      if (link !== null) bindToDevice(this.fd, link.name);
      setReceiveBuffer(this.fd, RECEIVE_BUFFER_BYTES);
      if (family === "ipv4") this.#setUpIpv4();
      else this.#setUpIpv6();
    } catch (error) {
      closeFd(this.fd);
      throw error;
    }
  }

  /** The header is ours to write, so that what is sent is exactly what was encoded (ip(7)). */
  #setUpIpv4(): void {
    const set = (name: number, value: number) =>
      setOption(this.fd, IPPROTO.IP, name, value, `set up VRRP socket (IP option ${name})`);
    set(IP.HDRINCL, 1);
    set(IP.MULTICAST_LOOP, 0);
    set(IP.MULTICAST_ALL, 0);
    if (this.link !== null) setMulticastInterface4(this.fd, this.link.index);
  }

  /** Checksums are verified here, not by the kernel, which would drop in silence. */
  #setUpIpv6(): void {
    const set = (name: number, value: number) =>
      setOption(this.fd, IPPROTO.IPV6, name, value, `set up VRRP socket (IPv6 option ${name})`);
    set(IPV6.MULTICAST_LOOP, 0);
    set(IPV6.MULTICAST_ALL, 0);
    set(IPV6.MULTICAST_HOPS, VRRP_HOP_LIMIT);
    set(IPV6.UNICAST_HOPS, VRRP_HOP_LIMIT);
    set(IPV6.TCLASS, VRRP_TRAFFIC_CLASS);
    set(IPV6.RECVHOPLIMIT, 1);
    set(IPV6.RECVPKTINFO, 1);
    if (this.link !== null) setMulticastInterface6(this.fd, this.link.index);
  }

  /** The groups it has joined. */
  get groups(): readonly Ip[] {
    return [...this.#groups];
  }

  /** Joins a group on the interface, once; the kernel then reports it by IGMP or MLD. */
  join(group: Ip): void {
    if (this.link === null || this.#groups.has(group)) return;
    const join = this.family === "ipv4" ? joinGroup4 : joinGroup6;
    join(this.fd, ipBytes(group), this.link.index);
    this.#groups.add(group);
  }

  /**
   * Sends one packet: over IPv4 with its header, over IPv6 the VRRP message alone.
   * @throws {SysError} What the kernel says, ENETDOWN and the like included.
   */
  send(packet: Bytes, source: Ip, destination: Ip, hopLimit: number): void {
    const to = this.#sockaddrOf(destination);
    if (this.family === "ipv4") sendTo(this.fd, packet, to);
    else sendMessage(this.fd, { to, data: packet, control: this.#controlOf(source, hopLimit) });
  }

  /** Made once for each destination: adverts go to the same few for ever. */
  #sockaddrOf(destination: Ip): Bytes {
    let sockaddr = this.#sockaddrs.get(destination);
    if (sockaddr === undefined) {
      const bytes = ipBytes(destination);
      sockaddr = this.family === "ipv4"
        ? sockaddrIn(bytes)
        : sockaddrIn6(bytes, this.link?.index ?? 0);
      this.#sockaddrs.set(destination, sockaddr);
    }
    return sockaddr;
  }

  /** The source, interface and hop limit of IPv6 packets; made once for each. */
  #controlOf(source: Ip, hopLimit: number): Bytes {
    const key = `${source} ${hopLimit}`;
    let control = this.#controls.get(key);
    if (control === undefined) {
      const info = packetInfo6(this.link?.index ?? 0, ipBytes(source));
      control = controlMessages(info, limitHops(hopLimit));
      this.#controls.set(key, control);
    }
    return control;
  }

  /** Reads what has arrived, a bounded burst of it. */
  receive(receiver: PacketHandler): void {
    for (let count = 0; count < BURST; count++) {
      const more = this.family === "ipv4"
        ? this.#receiveIpv4(receiver)
        : this.#receiveIpv6(receiver);
      if (!more) return;
    }
  }

  #receiveIpv4(receiver: PacketHandler): boolean {
    const length = attempt(receiver, () => receive(this.fd, this.#packet));
    if (length === null) return false;
    const packet = readIpv4(this.#packet.subarray(0, length));
    if (packet.ok) receiver.arrived(packet.value);
    // Another protocol's in an authentication header is not for us at all (AH-12).
    else if (packet.error.why !== "nextHeader") receiver.malformed(packet.error);
    return true;
  }

  #receiveIpv6(receiver: PacketHandler): boolean {
    const got = attempt(receiver, () => receiveMessage(this.fd, this.#message));
    if (got === null) return false;
    const control = got.control, from = readSockaddrIn6(got.from);
    const to = readPacketInfo6(control), hopLimit = readTtl(control);
    // Asked for in #setUpIpv6, so only a packet that was cut short can be without.
    if (from === null || to === null || hopLimit === null) return true;
    receiver.arrived({
      family: "ipv6",
      source: formatIp(from.address),
      destination: formatIp(to.destination),
      hopLimit,
      message: got.data,
    });
    return true;
  }

  close(): void {
    closeFd(this.fd);
  }
}

/** What a receive brings; null if there is nothing, or if it fails, which is told. */
function attempt<T>(handler: PacketHandler, receive: () => T | null): T | null {
  try {
    return receive();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    handler.failed(error);
    return null;
  }
}
