/** sendmsg and recvmsg: datagrams with an address and control messages. */

import { MSG } from "./constants.ts";
import { type ControlMessage, readControl } from "./control.ts";
import { ERRNO, lastErrno, must } from "./errno.ts";
import { type Bytes, HOST_ORDER, IOVEC, MSGHDR, SOCKADDR_STORAGE } from "./layout.ts";
import { libc } from "./libc.ts";

/** A received datagram. Its bytes belong to the `MessageBuffer`: valid until the next receive. */
export interface ReceivedMessage {
  /** Bytes of the datagram that are in `data`. */
  readonly length: number;
  /** The datagram. */
  readonly data: Bytes;
  /** The sender's socket address; empty if there is none. */
  readonly from: Bytes;
  /** MSG.* flags that recvmsg reported. */
  readonly flags: number;
  /** Whether the datagram was longer than the buffer. */
  readonly truncated: boolean;
  /** Control messages in the order of the kernel. */
  readonly control: readonly ControlMessage[];
}

/**
 * Memory for one message, made once and used for every datagram of a loop: msghdr, iovec, address,
 * control and data lie in one block off the JavaScript heap, so that the pointers in it stay right.
 */
export class MessageBuffer implements ReceivedMessage {
  readonly #block: Bytes;
  readonly #view: DataView;
  /** struct msghdr, for libc. */
  readonly header: Bytes;
  readonly #name: Bytes;
  readonly #control: Bytes;
  readonly #data: Bytes;
  #dataLength = 0;

  /** @param dataBytes Room for the datagram. @param controlBytes Room for control messages. */
  constructor(dataBytes = 2048, controlBytes = 256) {
    const nameAt = MSGHDR.size + IOVEC.size;
    const controlAt = nameAt + SOCKADDR_STORAGE.size;
    const dataAt = controlAt + align8(controlBytes);
    this.#block = new Uint8Array(new ArrayBuffer(dataAt + dataBytes));
    this.#view = new DataView(this.#block.buffer);
    this.header = this.#block.subarray(0, MSGHDR.size);
    this.#name = this.#block.subarray(nameAt, controlAt);
    this.#control = this.#block.subarray(controlAt, controlAt + controlBytes);
    this.#data = this.#block.subarray(dataAt);
    const base = Deno.UnsafePointer.value(Deno.UnsafePointer.of(this.#block));
    const pointer = (field: number, target: number) =>
      this.#view.setBigUint64(field, base + BigInt(target), HOST_ORDER);
    pointer(MSGHDR.at.msg_name, nameAt);
    pointer(MSGHDR.at.msg_iov, MSGHDR.size);
    pointer(MSGHDR.at.msg_control, controlAt);
    pointer(MSGHDR.size + IOVEC.at.iov_base, dataAt);
    this.#setSize(MSGHDR.at.msg_iovlen, 1);
  }

  /** Room for data and for control messages, in bytes. */
  get capacity(): { readonly data: number; readonly control: number } {
    return { data: this.#data.length, control: this.#control.length };
  }

  get length(): number {
    return this.#dataLength;
  }

  get data(): Bytes {
    return this.#data.subarray(0, this.#dataLength);
  }

  get from(): Bytes {
    return this.#name.subarray(0, this.#view.getUint32(MSGHDR.at.msg_namelen, HOST_ORDER));
  }

  get flags(): number {
    return this.#view.getInt32(MSGHDR.at.msg_flags, HOST_ORDER);
  }

  get truncated(): boolean {
    return (this.flags & MSG.TRUNC) !== 0;
  }

  get control(): readonly ControlMessage[] {
    return readControl(this.controlBytes);
  }

  /** The control messages undecoded, for the readers of control.ts. */
  get controlBytes(): Bytes {
    return this.#control.subarray(0, this.#view.getUint32(MSGHDR.at.msg_controllen, HOST_ORDER));
  }

  /** Gives all the room to the next receive, which overwrites the lengths. */
  prepareReceive(): void {
    this.#view.setUint32(MSGHDR.at.msg_namelen, this.#name.length, HOST_ORDER);
    this.#setSize(MSGHDR.at.msg_controllen, this.#control.length);
    this.#setSize(MSGHDR.size + IOVEC.at.iov_len, this.#data.length);
  }

  /** Notes how much a receive brought. */
  received(length: number): void {
    this.#dataLength = Math.min(length, this.#data.length);
  }

  /** Copies in what the next send sends. @throws {RangeError} If it does not fit. */
  fill(data: Uint8Array, to: Uint8Array | null, control: Uint8Array | null): void {
    this.#data.set(data);
    this.#setSize(MSGHDR.size + IOVEC.at.iov_len, data.length);
    if (to !== null) this.#name.set(to);
    this.#view.setUint32(MSGHDR.at.msg_namelen, to?.length ?? 0, HOST_ORDER);
    if (control !== null) this.#control.set(control);
    this.#setSize(MSGHDR.at.msg_controllen, control?.length ?? 0);
  }

  /** size_t whose upper half stays zero. */
  #setSize(offset: number, value: number): void {
    this.#view.setUint32(offset, value, HOST_ORDER);
  }
}

/** What to send. */
export interface OutgoingMessage {
  /** Destination; absent for a connected socket. */
  readonly to?: Uint8Array;
  readonly data: Uint8Array;
  /** Control messages built by control.ts. */
  readonly control?: Uint8Array;
}

/** Senders copy into it, so that no pointer ever leads into the JavaScript heap. Grows on demand. */
let outgoing = new MessageBuffer(2048, 512);

/**
 * Sends one datagram with control messages.
 * @returns Bytes sent.
 * @throws {SysError} EAGAIN if the send buffer is full; others as sendmsg(2).
 */
export function sendMessage(fd: number, message: OutgoingMessage, doing = "send a packet"): number {
  const { data, to = null, control = null } = message;
  const { capacity } = outgoing, controlLength = control?.length ?? 0;
  if (data.length > capacity.data || controlLength > capacity.control) {
    outgoing = new MessageBuffer(data.length * 2, Math.max(controlLength * 2, 512));
  }
  outgoing.fill(data, to, control);
  for (;;) {
    const sent = libc.sendmsg(fd, outgoing.header, MSG.NOSIGNAL);
    if (sent >= 0 || lastErrno() !== ERRNO.EINTR) return must("sendmsg", sent, doing);
  }
}

/**
 * Receives one datagram.
 * @returns `buffer` itself, filled; null if none is waiting.
 * @throws {SysError} ENOBUFS (netlink lost events), ENETDOWN and so on, once, as recvmsg(2).
 */
export function receiveMessage(
  fd: number,
  buffer: MessageBuffer,
  flags = 0,
  doing = "receive a packet",
): MessageBuffer | null {
  buffer.prepareReceive();
  for (;;) {
    const length = libc.recvmsg(fd, buffer.header, flags);
    if (length < 0) {
      const errno = lastErrno();
      if (errno === ERRNO.EINTR) continue;
      if (errno === ERRNO.EAGAIN) return null;
    }
    buffer.received(must("recvmsg", length, doing));
    return buffer;
  }
}

function align8(length: number): number {
  return (length + 7) & ~7;
}
