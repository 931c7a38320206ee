/** Readers of netlink messages and attributes, pure: bytes that are cut off are never read beyond. */

import {
  type Bytes,
  HOST_ORDER,
  NETWORK_ORDER,
  NLATTR,
  NLMSGERR,
  NLMSGHDR,
  viewOf,
} from "./layout.ts";
import { NLA, NLM_F, NLMSG, NLMSGERR_ATTR } from "./netlink_constants.ts";

/** A message from the kernel. */
export interface NetlinkReceived {
  readonly type: number;
  /** NLM_F.* bits. */
  readonly flags: number;
  readonly sequence: number;
  /** Port of the socket whose request caused it; 0 for the kernel's own doing. */
  readonly port: number;
  /** What follows the head, a view. */
  readonly payload: Uint8Array;
}

/** The whole messages of a datagram; one that is cut off, or claims to be longer, is left out. */
export function parseMessages(bytes: Uint8Array): NetlinkReceived[] {
  const view = viewOf(bytes), { at, size } = NLMSGHDR, messages: NetlinkReceived[] = [];
  for (let start = 0; start + size <= bytes.length;) {
    const length = view.getUint32(start + at.nlmsg_len, HOST_ORDER);
    if (length < size || start + length > bytes.length) break;
    messages.push({
      type: view.getUint16(start + at.nlmsg_type, HOST_ORDER),
      flags: view.getUint16(start + at.nlmsg_flags, HOST_ORDER),
      sequence: view.getUint32(start + at.nlmsg_seq, HOST_ORDER),
      port: view.getUint32(start + at.nlmsg_pid, HOST_ORDER),
      payload: bytes.subarray(start + size, start + length),
    });
    start += align4(length);
  }
  return messages;
}

/** One attribute; `type` without the NLA.F_* bits. */
export interface NetlinkAttribute {
  readonly type: number;
  /** A view of the value. */
  readonly data: Uint8Array;
}

/** Attributes in order, repeated ones too; stops at one that claims more than there is. */
export function* eachAttribute(bytes: Uint8Array): Generator<NetlinkAttribute> {
  const view = viewOf(bytes), { at, size } = NLATTR;
  for (let start = 0; start + size <= bytes.length;) {
    const length = view.getUint16(start + at.nla_len, HOST_ORDER);
    if (length < size || start + length > bytes.length) return;
    const type = view.getUint16(start + at.nla_type, HOST_ORDER) & NLA.TYPE_MASK;
    yield { type, data: bytes.subarray(start + size, start + length) };
    start += align4(length);
  }
}

/** Attributes by type; of repeated ones the last. A value that is too short counts as absent. */
export class Attributes {
  readonly #byType = new Map<number, Uint8Array>();

  /** @param bytes Attributes one after another: what follows a payload head, or a nest's value. */
  constructor(bytes: Uint8Array) {
    for (const { type, data } of eachAttribute(bytes)) this.#byType.set(type, data);
  }

  /** The value, a view; null if absent. */
  get(type: number): Uint8Array | null {
    return this.#byType.get(type) ?? null;
  }

  /** Whether the attribute is there. */
  has(type: number): boolean {
    return this.#byType.has(type);
  }

  /** The value, a copy that may be kept; null if absent. */
  bytes(type: number): Bytes | null {
    const data = this.get(type);
    return data && new Uint8Array(data);
  }

  /** An 8-bit value. */
  u8(type: number): number | null {
    return this.#view(type, 1)?.getUint8(0) ?? null;
  }

  /** A 16-bit value in host order. */
  u16(type: number): number | null {
    return this.#view(type, 2)?.getUint16(0, HOST_ORDER) ?? null;
  }

  /** A 32-bit value in host order. */
  u32(type: number): number | null {
    return this.#view(type, 4)?.getUint32(0, HOST_ORDER) ?? null;
  }

  /** A 32-bit value in network order. */
  be32(type: number): number | null {
    return this.#view(type, 4)?.getUint32(0, NETWORK_ORDER) ?? null;
  }

  /** A 64-bit value in network order. */
  be64(type: number): bigint | null {
    return this.#view(type, 8)?.getBigUint64(0, NETWORK_ORDER) ?? null;
  }

  /** Text up to its first zero byte. */
  text(type: number): string | null {
    const data = this.get(type);
    return data && textOf(data);
  }

  /** The attributes inside a nest. */
  nested(type: number): Attributes | null {
    const data = this.get(type);
    return data && new Attributes(data);
  }

  #view(type: number, size: number): DataView | null {
    const data = this.get(type);
    return data !== null && data.length >= size ? viewOf(data) : null;
  }
}

/** How a request ended. */
export interface Acknowledgement {
  /** Positive Linux error number; 0 is success. */
  readonly errno: number;
  /** The kernel's own words: of a failure, or a warning about a success; null if it had none. */
  readonly text: string | null;
}

/** Reads NLMSG_ERROR, which also says success, and the number in NLMSG_DONE; null for others. */
export function parseAcknowledgement(message: NetlinkReceived): Acknowledgement | null {
  const { type, flags, payload } = message;
  if (type !== NLMSG.ERROR && type !== NLMSG.DONE || payload.length < 4) return null;
  const view = viewOf(payload), errno = -view.getInt32(NLMSGERR.at.error, HOST_ORDER) | 0;
  if (!(flags & NLM_F.ACK_TLVS)) return { errno, text: null };
  // The request comes back between number and attributes: only its head if CAPPED.
  let attributesAt = 4;
  if (type === NLMSG.ERROR) {
    attributesAt = NLMSGERR.size;
    if (payload.length < attributesAt) return { errno, text: null };
    if (!(flags & NLM_F.CAPPED)) {
      const request = view.getUint32(NLMSGERR.at.msg + NLMSGHDR.at.nlmsg_len, HOST_ORDER);
      attributesAt = NLMSGERR.at.msg + align4(request);
    }
  }
  return { errno, text: new Attributes(payload.subarray(attributesAt)).text(NLMSGERR_ATTR.MSG) };
}

function textOf(data: Uint8Array): string {
  const end = data.indexOf(0);
  return new TextDecoder().decode(end < 0 ? data : data.subarray(0, end));
}

function align4(length: number): number {
  return (length + 3) & ~3;
}
