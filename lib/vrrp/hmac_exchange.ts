/** Signing one virtual router's adverts with `auth_hmac`, and judging those of others. */

import type { Family, Ip } from "../core/address.ts";
import { type Bytes, concatBytes, fromHex } from "../core/bytes.ts";
import type { Opened, ReceivedPacket, Refusal } from "./admission_rules.ts";
import type { Notice } from "./admission_notices.ts";
import { ReplayTable } from "./hmac_replay.ts";
import { nextStamp, secondsFrom, type Stamp, stampOf } from "./hmac_stamp.ts";
import {
  decodeTrailer,
  encodeTrailer,
  SIGNATURE_BYTES,
  signedBytes,
  signTrailer,
  type Trailer,
  TRAILER_BYTES,
} from "./hmac_trailer.ts";
import { type Mac, sameSecret } from "./mac.ts";
import { advertLength, decodeHead } from "./packet.ts";
import type { Version } from "./types.ts";

/** `auth_hmac` of an instance, its keys read. Plain data, secrets included: never to be logged. */
export interface HmacSpec {
  /** Those that can be used; any of them verifies. */
  readonly keys: readonly { readonly id: number; readonly hex: string }[];
  /** The key that signs; null if it cannot be used. */
  readonly activeKey: number | null;
  /** How far a stamp may be from the clock, in seconds. */
  readonly windowS: number;
  /** `monotonic`: the order of stamps counts, not their time. */
  readonly antiReplay: "time" | "monotonic";
  /** `permissive` takes unsigned adverts too, `receive-only` signs none besides. */
  readonly mode: "enforce" | "permissive" | "receive-only";
  /** Why the router cannot do what is asked of it; null if it can. */
  readonly fault: string | null;
}

/** Whose adverts they are. */
export interface HmacRouter {
  readonly family: Family;
  readonly version: Version;
  readonly vrid: number;
  readonly unicastPeers: readonly Ip[];
}

/** What must outlive the process: plain data, stamps in hexadecimal. */
export interface HmacState {
  /** The last that was sent. */
  readonly stamp: string | null;
  readonly marks: readonly (readonly [Ip, string])[];
}

/** Signs and judges. The clock is whoever calls; it may be set at any time. */
export class HmacExchange {
  readonly #spec: HmacSpec;
  readonly #router: HmacRouter;
  readonly #keys: ReadonlyMap<number, Bytes>;
  readonly #sha256: Mac;
  readonly #windowS: number | null;
  readonly #heard: ReplayTable;
  #last: Stamp | null = null;

  constructor(spec: HmacSpec, router: HmacRouter, sha256: Mac) {
    this.#spec = spec;
    this.#router = router;
    this.#keys = new Map(spec.keys.map(({ id, hex }) => [id, fromHex(hex)]));
    this.#sha256 = sha256;
    this.#windowS = spec.antiReplay === "time" ? spec.windowS : null;
    this.#heard = new ReplayTable(router.unicastPeers.length, this.#windowS);
  }

  /** Whether adverts are signed. */
  get signs(): boolean {
    return this.#spec.mode !== "receive-only";
  }

  /**
   * The trailer of an advert: one serves all of its copies, for neither the destination nor the
   * checksum, which depends on it, is signed.
   * @returns Null without a key to sign with.
   */
  trailer(message: Uint8Array, source: Ip, wallMs: number): Bytes | null {
    const { activeKey } = this.#spec;
    const key = activeKey === null ? undefined : this.#keys.get(activeKey);
    if (activeKey === null || key === undefined) return null;
    const stamp = this.#last = nextStamp(this.#last, stampOf(wallMs), this.#windowS);
    const trailer = encodeTrailer(activeKey, stamp);
    return signTrailer(trailer, this.#sign(key, source, message, trailer));
  }

  /** Judges a packet whose version is this router's. What it says is taken once. */
  judge(packet: ReceivedPacket, wallMs: number): Opened {
    const { message, family, source } = packet;
    const { unicastPeers, version } = this.#router;
    if (unicastPeers.length > 0 && !unicastPeers.includes(source)) {
      return refuse("unicastSource", `unicast source address ${source} not a unicast peer`);
    }
    const bytes = advertLength(version, family, decodeHead(message)!.count);
    // One that is cut short is a matter of its length, not of its trailer.
    if (message.length < bytes) return { ok: true, message, notices: [] };
    if (message.length === bytes) return this.#unsigned(message);
    const advert = message.subarray(0, bytes), behind = message.subarray(bytes);
    const trailer = decodeTrailer(behind);
    if (trailer === null) {
      const text = `${behind.length} bytes behind the advert are no authentication trailer`;
      return refuse("authMalformed", text);
    }
    const clock = stampOf(wallMs);
    const refusal = this.#refusal(advert, behind, trailer, source, clock);
    if (refusal !== null) return { ok: false, ...refusal };
    this.#heard.mark(source, trailer.stamp);
    return { ok: true, message: advert, notices: this.#skew(source, trailer.stamp, clock) };
  }

  /** What the next image of this daemon must know. */
  state(): HmacState {
    const marks = this.#heard.marks().map(([source, stamp]) => [source, hex(stamp)] as const);
    return { stamp: this.#last === null ? null : hex(this.#last), marks };
  }

  /** Goes on from there. */
  restore({ stamp, marks }: HmacState): void {
    if (stamp !== null) this.#last = BigInt(`0x${stamp}`);
    for (const [source, mark] of marks) this.#heard.mark(source, BigInt(`0x${mark}`));
  }

  /** Leaves out that many stamps. */
  skip(count: number): void {
    if (this.#last !== null) this.#last = BigInt.asUintN(64, this.#last + BigInt(count));
  }

  #unsigned(message: Uint8Array): Opened {
    return this.#spec.mode === "enforce"
      ? refuse("authMissing", "received an advert without authentication trailer")
      : { ok: true, message, notices: [] };
  }

  /** Time and order are looked at last: until the signature is right they are anybody's words. */
  #refusal(
    advert: Uint8Array,
    behind: Uint8Array,
    trailer: Trailer,
    source: Ip,
    clock: Stamp,
  ): Refusal | null {
    const { keyId, stamp, signature } = trailer, key = this.#keys.get(keyId);
    if (key === undefined) {
      return {
        reason: "authUnknownKey",
        text: `signed with key ${keyId}, which is not configured`,
      };
    }
    if (!sameSecret(this.#sign(key, source, advert, behind), signature)) {
      return { reason: "authInvalidHmac", text: `invalid HMAC with key ${keyId}` };
    }
    const ahead = secondsFrom(clock, stamp);
    if (this.#windowS !== null && Math.abs(ahead) > this.#windowS) {
      const text = `its time is ${offText(ahead)}, more than the ${this.#windowS} s allowed`;
      return { reason: "authStale", text };
    }
    return this.#heard.isNew(source, stamp, clock) ? null : {
      reason: "authReplay",
      text: "received an advert a second time, or one older than the last",
    };
  }

  #skew(source: Ip, stamp: Stamp, clock: Stamp): readonly Notice[] {
    const ahead = secondsFrom(clock, stamp);
    if (this.#windowS === null || Math.abs(ahead) <= this.#windowS / 2) return [];
    const text =
      `The clock of ${source} is off by more than half of the ${this.#windowS} s allowed`;
    return [{ kind: "clockSkew", text }];
  }

  #sign(key: Bytes, source: Ip, message: Uint8Array, trailer: Uint8Array): Uint8Array {
    const { family, version, vrid } = this.#router;
    const bytes = signedBytes({ family, version, vrid, source }, message, trailer);
    return this.#sha256(key, bytes).subarray(0, SIGNATURE_BYTES);
  }
}

/** A message with its trailer. */
export function withTrailer(message: Uint8Array, trailer: Bytes): Bytes {
  if (trailer.length !== TRAILER_BYTES) throw new RangeError(`${trailer.length} bytes of trailer`);
  return concatBytes(message, trailer);
}

function refuse(reason: Refusal["reason"], text: string): Opened {
  return { ok: false, reason, text };
}

function offText(aheadS: number): string {
  return `${Math.abs(aheadS).toFixed(1)} s ${aheadS > 0 ? "ahead of" : "behind"} ours`;
}

function hex(stamp: Stamp): string {
  return stamp.toString(16);
}
