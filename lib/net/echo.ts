/** Raw sockets for echo requests: one for each family, source address and interface that is asked for. */

import { closeFd } from "../../ffi/fd.ts";
import {
  AF,
  attachFilter,
  bindSocket,
  bindToDevice,
  ICMP_FILTER,
  ICMPV6_FILTER,
  IPPROTO,
  MessageBuffer,
  openSocket,
  readSockaddrIn6,
  receive,
  receiveMessage,
  sendTo,
  setOption,
  setReceiveBuffer,
  SOCK,
  sockaddrIn,
  sockaddrIn6,
  SOL,
} from "../../ffi/socket.ts";
import { type Family, formatIp, type Ip, ipBytes } from "../core/address.ts";
import type { Bytes } from "../core/bytes.ts";
import {
  decodeEcho,
  decodeEcho4,
  ECHO_TYPES,
  type EchoError,
  echoFilter,
  type EchoReply,
  encodeEcho,
} from "./echo_message.ts";

/** Room for answers to a few hundred requests: who asks a thousand at once may lose some to a flood. */
const RECEIVE_BUFFER_BYTES = 1 << 18;

/** A reply with the largest payload (1452), ICMP and the longest IPv4 header; more is not ours. */
const MAX_PACKET_BYTES = 2048;

/** Where echo requests leave from. */
export interface EchoOrigin {
  readonly family: Family;
  /** Null for what the routing table chooses. */
  readonly sourceAddress: Ip | null;
  /** Bound to this interface (SO_BINDTODEVICE, socket(7)); null for any. */
  readonly device: string | null;
}

/** What a socket heard about an echo request, and from whom. */
export type EchoNews = (EchoReply | EchoError) & { readonly from: Ip };

/** One raw socket of ICMP or ICMPv6. Needs CAP_NET_RAW. */
export class EchoSocket {
  readonly fd: number;
  readonly #family: Family;
  readonly #identifier: number;
  readonly #packet: Bytes;
  readonly #message: MessageBuffer;

  /**
   * @param identifier Of all its requests; answers with another one do not wake the socket.
   * @throws {SysError} ENODEV without such an interface, EADDRNOTAVAIL without such a source address.
   */
  constructor({ family, sourceAddress, device }: EchoOrigin, identifier: number) {
    this.#family = family;
    this.#identifier = identifier;
    this.#packet = new Uint8Array(family === "ipv4" ? MAX_PACKET_BYTES : 0);
    this.#message = new MessageBuffer(family === "ipv6" ? MAX_PACKET_BYTES : 0);
    const doing = "open a socket for echo requests";
    this.fd = family === "ipv4"
      ? openSocket(AF.INET, SOCK.RAW, IPPROTO.ICMP, doing)
      : openSocket(AF.INET6, SOCK.RAW, IPPROTO.ICMPV6, doing);
    try {
      this.#filter();
      setReceiveBuffer(this.fd, RECEIVE_BUFFER_BYTES);
      // First the interface: a link-local source address means nothing without one (ipv6(7)).
      if (device !== null) bindToDevice(this.fd, device);
      if (sourceAddress !== null) bindSocket(this.fd, this.#sockaddr(sourceAddress));
    } catch (error) {
      closeFd(this.fd);
      throw error;
    }
  }

  /** First by type, which is cheap, then by what only our requests have. */
  #filter(): void {
    const { reply, errors } = ECHO_TYPES[this.#family], wanted = [reply, ...errors];
    if (this.#family === "ipv4") {
      setOption(this.fd, SOL.RAW, ICMP_FILTER, dropAllBut(wanted, 1), "filter ICMP");
    } else {
      setOption(this.fd, IPPROTO.ICMPV6, ICMPV6_FILTER, dropAllBut(wanted, 8), "filter ICMPv6");
    }
    attachFilter(this.fd, echoFilter(this.#family, this.#identifier));
  }

  /** Sends one echo request. @throws {SysError} What the kernel says: ENETUNREACH, EPERM and so on. */
  send(destination: Ip, sequence: number, payload: Uint8Array): void {
    const echo = encodeEcho(this.#family, { identifier: this.#identifier, sequence }, payload);
    sendTo(this.fd, echo, this.#sockaddr(destination), 0, "send an echo request");
  }

  /**
   * Takes one packet from the socket.
   * @returns What it says, "noise" if it says nothing about our requests, null if none is waiting.
   * @throws {SysError} An error of the socket, once, as recv(2).
   */
  receive(): EchoNews | "noise" | null {
    const news = this.#family === "ipv4" ? this.#receive4() : this.#receive6();
    if (news === null || news === "noise") return news;
    return news.identifier === this.#identifier ? news : "noise";
  }

  #receive4(): EchoNews | "noise" | null {
    const length = receive(this.fd, this.#packet);
    return length === null ? null : decodeEcho4(this.#packet.subarray(0, length)) ?? "noise";
  }

  #receive6(): EchoNews | "noise" | null {
    const got = receiveMessage(this.fd, this.#message);
    if (got === null) return null;
    const from = readSockaddrIn6(got.from), echo = decodeEcho("ipv6", got.data);
    return from === null || echo === null ? "noise" : { ...echo, from: formatIp(from.address) };
  }

  /** No scope: the interface that the socket is bound to stands for it. */
  #sockaddr(address: Ip): Bytes {
    const bytes = ipBytes(address);
    return this.#family === "ipv4" ? sockaddrIn(bytes) : sockaddrIn6(bytes, 0);
  }

  close(): void {
    closeFd(this.fd);
  }
}

/** ICMP_FILTER and ICMPV6_FILTER: 32-bit words in host order, a set bit drops that type. */
function dropAllBut(types: readonly number[], words: number): Bytes {
  const bits = new Uint32Array(words).fill(0xffff_ffff);
  for (const type of types) bits[type >> 5]! &= ~(1 << (type & 31));
  return new Uint8Array(bits.buffer);
}
