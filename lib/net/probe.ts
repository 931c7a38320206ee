/**
 * A client that pings an address and sees which router answers: what a failover looks like from
 * outside.
 */

import { monotonicUs } from "../../ffi/clock.ts";
import { SysError } from "../../ffi/errno.ts";
import { closeFd } from "../../ffi/fd.ts";
import {
  AF,
  bindSocket,
  ETH_P,
  IPPROTO,
  MessageBuffer,
  openSocket,
  readSockaddrLinkLayer,
  receiveMessage,
  sendTo,
  SOCK,
  sockaddrIn,
  sockaddrLinkLayer,
} from "../../ffi/socket.ts";
import { formatMac, type Ip, ipBytes, type Mac } from "../core/address.ts";
import { type Bytes, internetChecksum } from "../core/bytes.ts";
import { type Micros, micros } from "../core/time.ts";
import { decodeIpv4, encodeIpv4 } from "../vrrp/ip.ts";
import { type Host, indexOf, within } from "./topology.ts";

/** ICMP echo (RFC 792): type, code, checksum, identifier, sequence number; no data. */
const ECHO = { type: 0, checksum: 2, identifier: 4, sequence: 6, size: 8 } as const;
const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;

/** Of all echo requests: nobody else pings in a namespace made for this. */
const IDENTIFIER = 0x7669;

/** An answer is 28 bytes; more of a larger packet is not looked at. */
const SNAPSHOT_BYTES = 256;

/** One echo request, and its answer. */
export interface Ping {
  readonly sentAt: Micros;
  readonly answer: Answer | null;
}

/** An echo reply. The Ethernet address tells which of two routers with the same IP address sent it. */
export interface Answer {
  readonly at: Micros;
  readonly from: Mac;
}

/** How long pings went unanswered. */
export interface Outage {
  /** Between the answered pings on either side of those that were lost; 0 if none was lost. */
  readonly us: Micros;
  /** Pings lost, in this outage and all others of the same time. */
  readonly lost: number;
}

/**
 * Pings from a host of a segment, over IPv4. Sending and receiving never block: the caller decides
 * when. The first hop is whom the host's kernel believes to hold the address, as for any program.
 */
export class Probe {
  readonly #target: Ip;
  readonly #source: Ip;
  readonly #sender: number;
  readonly #capture: number;
  readonly #buffer = new MessageBuffer(SNAPSHOT_BYTES);
  readonly #pings: Ping[] = [];

  /** @throws {SysError} EPERM without CAP_NET_RAW. */
  constructor(host: Host, source: Ip, target: Ip) {
    this.#source = source;
    this.#target = target;
    const ifindex = within(host.namespace, (socket) => indexOf(socket, host.device));
    [this.#sender, this.#capture] = host.namespace.run(() => openSockets(ifindex));
  }

  /** Every ping so far, the oldest first. */
  get pings(): readonly Ping[] {
    return this.#pings;
  }

  /** Sends one ping. What the host's own kernel refuses to send is a ping without an answer. */
  send(): void {
    const sequence = this.#pings.length & 0xffff;
    const packet = encodeIpv4(
      { source: this.#source, destination: this.#target, protocol: IPPROTO.ICMP, id: 0, tos: 0 },
      echoRequest(sequence),
    );
    this.#pings.push({ sentAt: micros(monotonicUs()), answer: null });
    try {
      sendTo(this.#sender, packet, sockaddrIn(ipBytes(this.#target)), 0, "send a ping");
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
    }
  }

  /** Reads the answers that have come. @returns The newest; null if there was none. */
  receive(): Answer | null {
    let newest: Answer | null = null;
    for (let got; (got = receiveMessage(this.#capture, this.#buffer)) !== null;) {
      const from = readSockaddrLinkLayer(got.from), sequence = this.#sequenceOf(got.data);
      if (from === null || sequence === null) continue;
      const answer = { at: micros(monotonicUs()), from: formatMac(from.address) };
      const at = this.#pingOf(sequence), ping = this.#pings[at];
      if (ping === undefined || ping.answer !== null) continue;
      this.#pings[at] = { ...ping, answer };
      newest = answer;
    }
    return newest;
  }

  close(): void {
    closeFd(this.#sender);
    closeFd(this.#capture);
  }

  /** The sequence number of an answer to us; null for any other packet. */
  #sequenceOf(bytes: Uint8Array): number | null {
    const packet = decodeIpv4(bytes);
    if (!packet.ok) return null;
    const { protocol, source, destination, payload } = packet.value;
    if (protocol !== IPPROTO.ICMP || payload.length < ECHO.size) return null;
    if (source !== this.#target || destination !== this.#source) return null;
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    if (view.getUint8(ECHO.type) !== ECHO_REPLY) return null;
    return view.getUint16(ECHO.identifier) === IDENTIFIER ? view.getUint16(ECHO.sequence) : null;
  }

  /** The newest ping that has these 16 bits as the end of its number. */
  #pingOf(sequence: number): number {
    const last = this.#pings.length - 1;
    return last - ((last - sequence) & 0xffff);
  }
}

/**
 * The longest outage among the pings that were sent from one instant to another. Gaps count only
 * around lost pings: where the client itself was held up and sent none, nothing was out.
 */
export function worstOutage(pings: readonly Ping[], from: Micros, until: Micros): Outage {
  let us = 0, lost = 0, lostBefore = 0, answeredAt = from;
  for (const { sentAt, answer } of pings) {
    if (sentAt < from || sentAt > until) continue;
    if (answer === null) {
      lost++;
      continue;
    }
    if (lost > lostBefore) us = Math.max(us, sentAt - answeredAt);
    lostBefore = lost;
    answeredAt = sentAt;
  }
  if (lost > lostBefore) us = Math.max(us, until - answeredAt);
  return { us: micros(us), lost };
}

/**
 * One socket to send by and one to receive by. A raw socket that receives does not say from which
 * Ethernet address; one of IPPROTO_RAW only sends (raw(7)), so that nothing piles up in it.
 */
function openSockets(ifindex: number): [number, number] {
  const sender = openSocket(AF.INET, SOCK.RAW, IPPROTO.RAW, "open a socket for pings");
  try {
    const capture = openSocket(AF.PACKET, SOCK.DGRAM, 0, "open a socket for answers to pings");
    bindSocket(capture, sockaddrLinkLayer(ifindex, ETH_P.IP), "listen for answers to pings");
    return [sender, capture];
  } catch (error) {
    closeFd(sender);
    throw error;
  }
}

function echoRequest(sequence: number): Bytes {
  const message = new Uint8Array(ECHO.size), view = new DataView(message.buffer);
  view.setUint8(ECHO.type, ECHO_REQUEST);
  view.setUint16(ECHO.identifier, IDENTIFIER);
  view.setUint16(ECHO.sequence, sequence);
  view.setUint16(ECHO.checksum, internetChecksum(message));
  return message;
}
