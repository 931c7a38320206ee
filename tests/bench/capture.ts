/** A packet socket on a host of the segment that sees adverts and gratuitous ARP, with kernel time. */

import { monotonicUs } from "../../ffi/clock.ts";
import { readTimestampNs } from "../../ffi/control.ts";
import { closeFd } from "../../ffi/fd.ts";
import { NETWORK_ORDER, viewOf } from "../../ffi/layout.ts";
import { POLL, PollSet } from "../../ffi/poll.ts";
import {
  AF,
  attachFilter,
  bindSocket,
  ETH_P,
  type FilterInstruction,
  MessageBuffer,
  openSocket,
  PROTOCOL_VRRP,
  receiveMessage,
  setOption,
  setReceiveBuffer,
  SO,
  SOCK,
  sockaddrLinkLayer,
  SOL,
} from "../../ffi/socket.ts";
import { type Host, indexOf, within } from "../../lib/net/topology.ts";
import { sleep } from "./clock.ts";

/** What was seen. */
export interface Frame {
  readonly kind: "advert" | "arp";
  /** When the kernel received it, in microseconds of the wall clock. */
  readonly atUs: number;
  /** Source in the IPv4 header; of ARP, the sender's protocol address. */
  readonly source: string;
  /** Source in the Ethernet header. */
  readonly mac: string;
  /** Of an advert; 0 for ARP. */
  readonly vrid: number;
  readonly priority: number;
}

/** Offsets in bytes from the start of an Ethernet frame (RFC 791, RFC 826). */
const AT = { mac: 6, type: 12, ip: 14, protocol: 23, ipSource: 26, arpSender: 28 } as const;

/** Offsets in an advert (RFC 9568 5.1). */
const ADVERT_AT = { vrid: 1, priority: 2 } as const;

/** Enough for a minute of adverts of 100 routers: reading may wait until a measurement is over. */
const RECEIVE_BUFFER_BYTES = 64 << 20;

/** This process is deaf to signals while it waits in the kernel, so never for longer. */
const LONGEST_WAIT_US = 20_000;

/** Classic BPF: keep ARP and IPv4 of protocol 112, so that nothing else wakes this process. */
const LOAD_HALF = 0x28, LOAD_BYTE = 0x30, JUMP_EQUAL = 0x15, RETURN = 0x06;
const FILTER: readonly FilterInstruction[] = [
  { code: LOAD_HALF, jt: 0, jf: 0, k: AT.type },
  { code: JUMP_EQUAL, jt: 3, jf: 0, k: ETH_P.ARP },
  { code: JUMP_EQUAL, jt: 0, jf: 3, k: ETH_P.IP },
  { code: LOAD_BYTE, jt: 0, jf: 0, k: AT.protocol },
  { code: JUMP_EQUAL, jt: 0, jf: 1, k: PROTOCOL_VRRP },
  { code: RETURN, jt: 0, jf: 0, k: 0xffff },
  { code: RETURN, jt: 0, jf: 0, k: 0 },
];

/** Sees what passes by a host. */
export class Capture {
  /** Everything seen since `forget`, in order. */
  frames: Frame[] = [];
  readonly #fd: number;
  readonly #poll = new PollSet();
  readonly #message = new MessageBuffer(128);

  /** @throws {SysError} Without CAP_NET_RAW. */
  constructor(host: Host) {
    const ifindex = within(host.namespace, (socket) => indexOf(socket, host.device));
    this.#fd = host.namespace.run(() =>
      openSocket(AF.PACKET, SOCK.RAW, 0, "open the observer's packet socket")
    );
    attachFilter(this.#fd, FILTER);
    setReceiveBuffer(this.#fd, RECEIVE_BUFFER_BYTES);
    setOption(this.#fd, SOL.SOCKET, SO.TIMESTAMPNS, 1, "ask for time stamps");
    // Bound last: from here on it receives, and only what passes the filter.
    bindSocket(this.#fd, sockaddrLinkLayer(ifindex, ETH_P.ALL));
    this.#poll.add(this.#fd, POLL.IN);
  }

  /** Reads everything that has arrived. */
  drain(): void {
    for (;;) {
      const got = receiveMessage(this.#fd, this.#message);
      if (got === null) return;
      const frame = readFrame(got.data, readTimestampNs(got.control));
      if (frame !== null) this.frames.push(frame);
    }
  }

  /** Throws away what was seen and what waits to be read. */
  forget(): void {
    this.drain();
    this.frames = [];
  }

  /**
   * Waits until `find` finds something in the frames. It blocks in the kernel rather than in the
   * event loop, which costs nothing while nothing comes and answers within microseconds.
   * @returns What was found; null if that takes longer than `timeoutMs`.
   */
  async until<T>(find: (frames: readonly Frame[]) => T | null, timeoutMs: number) {
    const end = monotonicUs() + timeoutMs * 1000;
    for (;;) {
      this.drain();
      const found = find(this.frames);
      if (found !== null) return found;
      const restUs = end - monotonicUs();
      if (restUs <= 0) return null;
      if (this.#poll.wait(Math.min(restUs, LONGEST_WAIT_US)) === 0) await sleep(0);
    }
  }

  close(): void {
    closeFd(this.#fd);
  }
}

function readFrame(bytes: Uint8Array, stampNs: bigint | null): Frame | null {
  if (stampNs === null || bytes.length < AT.arpSender + 4) return null;
  const view = viewOf(bytes), atUs = Number(stampNs) / 1000;
  const mac = bytes.subarray(AT.mac, AT.mac + 6).toHex();
  if (view.getUint16(AT.type, NETWORK_ORDER) === ETH_P.ARP) {
    const source = dotted(bytes, AT.arpSender);
    return { kind: "arp", atUs, source, mac, vrid: 0, priority: 0 };
  }
  const advert = AT.ip + (view.getUint8(AT.ip) & 0x0f) * 4;
  if (bytes.length < advert + ADVERT_AT.priority + 1) return null;
  return {
    kind: "advert",
    atUs,
    source: dotted(bytes, AT.ipSource),
    mac,
    vrid: view.getUint8(advert + ADVERT_AT.vrid),
    priority: view.getUint8(advert + ADVERT_AT.priority),
  };
}

function dotted(bytes: Uint8Array, at: number): string {
  return bytes.subarray(at, at + 4).join(".");
}
