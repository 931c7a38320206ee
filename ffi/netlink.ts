/**
 * The netlink message format (netlink(7), linux/netlink.h), pure: the builder here, the readers in
 * netlink_parse.ts. Heads are in host order; what attributes hold is each protocol's matter
 * (addresses: network order).
 */

import { type Bytes, HOST_ORDER, NETWORK_ORDER, NLATTR, NLMSGHDR, viewOf } from "./layout.ts";
import { NLA } from "./netlink_constants.ts";

export * from "./netlink_constants.ts";
export * from "./netlink_parse.ts";

/** The longest attribute: its length has 16 bits. */
const ATTRIBUTE_MAX = 0xffff;

/** Builds one message. Owns lengths, padding and nesting; grows as needed. Calls can be chained. */
export class NetlinkMessage {
  /** RTM.* or another protocol's number. */
  readonly type: number;
  /** NLM_F.* bits. */
  readonly flags: number;
  /** What it attempts, an infinitive for error messages: "add 10.0.0.1/24 to interface 3". */
  readonly doing: string;
  #bytes = new Uint8Array(256);
  #view = viewOf(this.#bytes);
  #end = NLMSGHDR.size;

  constructor(type: number, flags: number, doing = `send netlink message ${type}`) {
    this.type = type;
    this.flags = flags;
    this.doing = doing;
  }

  /** Appends a payload head (ifaddrmsg, ...) or any bytes, padded with zeros to 4 bytes. */
  put(payload: Uint8Array): this {
    this.#bytes.set(payload, this.#reserve(payload.length));
    return this;
  }

  /** Appends `size` zero bytes and lets `fill` write fields into them. */
  head(size: number, fill: (view: DataView) => void): this {
    const start = this.#reserve(size);
    fill(new DataView(this.#bytes.buffer, start, size));
    return this;
  }

  /** Appends an attribute of raw bytes. @throws {RangeError} If it is longer than 65531 bytes. */
  attribute(type: number, payload: Uint8Array): this {
    const start = this.#open(type, payload.length);
    this.#bytes.set(payload, start + NLATTR.size);
    return this;
  }

  /** Appends an attribute without a value, whose presence means yes. */
  flag(type: number): this {
    return this.attribute(type, new Uint8Array(0));
  }

  /** Appends an 8-bit attribute. */
  u8(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value));
  }

  /** Appends a 16-bit attribute in host order. */
  u16(type: number, value: number): this {
    const start = this.#open(type, 2); // replaces the view if it grows: never in one expression
    this.#view.setUint16(start + NLATTR.size, value, HOST_ORDER);
    return this;
  }

  /** Appends a 32-bit attribute in host order. */
  u32(type: number, value: number): this {
    const start = this.#open(type, 4);
    this.#view.setUint32(start + NLATTR.size, value, HOST_ORDER);
    return this;
  }

  /** Appends a 64-bit attribute in host order. */
  u64(type: number, value: bigint): this {
    const start = this.#open(type, 8);
    this.#view.setBigUint64(start + NLATTR.size, value, HOST_ORDER);
    return this;
  }

  /** Appends a 16-bit attribute in network order. */
  be16(type: number, value: number): this {
    const start = this.#open(type, 2);
    this.#view.setUint16(start + NLATTR.size, value, NETWORK_ORDER);
    return this;
  }

  /** Appends a 32-bit attribute in network order, as nftables wants its numbers. */
  be32(type: number, value: number): this {
    const start = this.#open(type, 4);
    this.#view.setUint32(start + NLATTR.size, value, NETWORK_ORDER);
    return this;
  }

  /** Appends a 64-bit attribute in network order. */
  be64(type: number, value: bigint): this {
    const start = this.#open(type, 8);
    this.#view.setBigUint64(start + NLATTR.size, value, NETWORK_ORDER);
    return this;
  }

  /** Appends text with a final zero byte. */
  text(type: number, value: string): this {
    return this.attribute(type, new TextEncoder().encode(`${value}\0`));
  }

  /**
   * Appends an attribute that holds what `fill` appends.
   * @param flag NLA.F_NESTED, which newer protocols demand; 0 for old ones that refuse it.
   * @throws {RangeError} If it grows beyond 65535 bytes.
   */
  nest(type: number, fill: (message: this) => void, flag: number = NLA.F_NESTED): this {
    const start = this.#open(type | flag, 0);
    fill(this);
    // Written last: only now is the length known, and the buffer may have been replaced.
    this.#view.setUint16(start + NLATTR.at.nla_len, checked(this.#end - start), HOST_ORDER);
    return this;
  }

  /**
   * The bytes to send.
   * @param sequence Number that the answers carry. @param extraFlags NLM_F.* added to `flags`.
   */
  finish(sequence: number, extraFlags = 0): Bytes {
    const { at } = NLMSGHDR;
    this.#view.setUint32(at.nlmsg_len, this.#end, HOST_ORDER);
    this.#view.setUint16(at.nlmsg_type, this.type, HOST_ORDER);
    this.#view.setUint16(at.nlmsg_flags, this.flags | extraFlags, HOST_ORDER);
    this.#view.setUint32(at.nlmsg_seq, sequence, HOST_ORDER);
    return this.#bytes.slice(0, this.#end);
  }

  /** Starts an attribute with room for its payload; returns where it starts. */
  #open(type: number, payloadLength: number): number {
    const length = checked(NLATTR.size + payloadLength);
    const start = this.#reserve(length);
    this.#view.setUint16(start + NLATTR.at.nla_len, length, HOST_ORDER);
    this.#view.setUint16(start + NLATTR.at.nla_type, type, HOST_ORDER);
    return start;
  }

  /** Appends zeros, padded to 4 bytes; returns where they start. */
  #reserve(length: number): number {
    const start = this.#end;
    this.#end += align4(length);
    if (this.#end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, align4(this.#end)));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = viewOf(larger);
    }
    return start;
  }
}

function align4(length: number): number {
  return (length + 3) & ~3;
}

function checked(length: number): number {
  if (length <= ATTRIBUTE_MAX) return length;
  throw new RangeError(`Cannot put ${length} bytes into a netlink attribute: at most 65535 fit`);
}
