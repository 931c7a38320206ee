/** Listening to a host's interface, and putting frames on it. */

import { readTimestampNs } from "../../ffi/control.ts";
import { closeFd } from "../../ffi/fd.ts";
import {
  AF,
  bindSocket,
  ETH_P,
  MessageBuffer,
  openSocket,
  PACKET,
  readSockaddrLinkLayer,
  receiveMessage,
  sendTo,
  setOption,
  setReceiveBuffer,
  SO,
  SOCK,
  sockaddrLinkLayer,
  SOL,
} from "../../ffi/socket.ts";
import type { Ip } from "../../lib/core/address.ts";
import type { Bytes } from "../../lib/core/bytes.ts";
import { type Host, indexOf, within } from "../../lib/net/topology.ts";
import {
  type AdvertFrame,
  type ArpFrame,
  decodeFrame,
  type Frame,
  type NaFrame,
} from "./frames.ts";
import { TIMEOUT_MS, until } from "./until.ts";

/** The kernel keeps frames until somebody looks: room for a flood. */
const BUFFER_BYTES = 16 << 20;

/** What a host's interface sees, in and out, since this was made. Nothing runs in the background. */
export class Wire implements Disposable {
  readonly #fd: number;
  readonly #ifindex: number;
  readonly #frames: Frame[] = [];
  readonly #buffer = new MessageBuffer(4096, 256);

  constructor({ namespace, device }: Pick<Host, "namespace" | "device">) {
    this.#ifindex = within(namespace, (socket) => indexOf(socket, device));
    this.#fd = namespace.run(() => openSocket(AF.PACKET, SOCK.RAW, 0, "listen in the lab"));
    setReceiveBuffer(this.#fd, BUFFER_BYTES);
    setOption(this.#fd, SOL.SOCKET, SO.TIMESTAMPNS, 1, "ask for time stamps");
    bindSocket(this.#fd, sockaddrLinkLayer(this.#ifindex, ETH_P.ALL));
  }

  /** Every frame so far. */
  get frames(): readonly Frame[] {
    for (;;) {
      const got = receiveMessage(this.#fd, this.#buffer);
      if (got === null) return this.#frames;
      const at = Number((readTimestampNs(got.control) ?? 0n) / 1000n);
      const outgoing = readSockaddrLinkLayer(got.from)?.packetType === PACKET.OUTGOING;
      this.#frames.push(decodeFrame(got.data.slice(), at, outgoing));
    }
  }

  /** The adverts so far, of one sender or of one virtual router if so wished. */
  adverts(wanted: { readonly source?: Ip; readonly vrid?: number } = {}): AdvertFrame[] {
    return this.frames.filter((frame) => frame.kind === "advert").filter(({ source, advert }) =>
      (wanted.source === undefined || source === wanted.source) &&
      (wanted.vrid === undefined || advert.vrid === wanted.vrid)
    );
  }

  /** The gratuitous ARPs so far, of one address if so wished. */
  garps(address?: string): ArpFrame[] {
    return this.frames.filter((frame) => frame.kind === "arp").filter((frame) =>
      frame.senderIp === frame.targetIp && (address === undefined || frame.senderIp === address)
    );
  }

  /** The neighbour advertisements to all nodes so far, of one address if so wished. */
  announcements6(address?: string): NaFrame[] {
    return this.frames.filter((frame) => frame.kind === "na").filter((frame) =>
      frame.destination === "ff02::1" && (address === undefined || frame.target === address)
    );
  }

  /** Waits for a frame that fits, from the first one kept on. */
  async saw<F extends Frame>(
    fits: (frame: Frame) => frame is F,
    what: string,
    timeoutMs?: number,
  ): Promise<F>;
  async saw(
    fits: (frame: Frame) => boolean,
    what: string,
    timeoutMs?: number,
  ): Promise<Frame>;
  async saw(
    fits: (frame: Frame) => boolean,
    what: string,
    timeoutMs = TIMEOUT_MS,
  ): Promise<Frame> {
    let found: Frame | undefined;
    await until(() => (found = this.frames.find(fits)) !== undefined, what, timeoutMs);
    return found!;
  }

  /** Waits for an advert that fits. */
  async sawAdvert(
    fits: (frame: AdvertFrame) => boolean,
    what: string,
    timeoutMs?: number,
  ): Promise<AdvertFrame> {
    const isIt = (frame: Frame): frame is AdvertFrame => frame.kind === "advert" && fits(frame);
    return await this.saw(isIt, what, timeoutMs);
  }

  /** Forgets what was seen: what comes next is news. */
  forget(): void {
    void this.frames;
    this.#frames.length = 0;
  }

  /** Sends a frame as it is. */
  inject(frame: Bytes): void {
    sendTo(this.#fd, frame, sockaddrLinkLayer(this.#ifindex, ETH_P.ALL));
  }

  [Symbol.dispose](): void {
    closeFd(this.#fd);
  }
}
