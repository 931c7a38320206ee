/**
 * What keepalived's AH does with one virtual router's adverts (RFC 2402, sheet AH-01 to AH-12). One
 * counter serves both directions: a backup takes over the master's, and goes on from it as master;
 * a master that hears a lower one's advert goes on from that.
 */

import type { Bytes } from "../core/bytes.ts";
import { concatBytes } from "../core/bytes.ts";
import { ipBytes } from "../core/address.ts";
import type { ReceivedPacket, Refusal } from "./admission_rules.ts";
import { authenticatedBytes, encodeAh, ICV_AT, ICV_BYTES } from "./ah.ts";
import { IP_PROTOCOL, ipv4Payload, rewrapIpv4 } from "./ip.ts";
import { type Mac, sameSecret } from "./mac.ts";
import { authData } from "./packet.ts";

const MAX_SEQUENCE = 0xffff_ffff;
const MAX_IDENTIFICATION = 0xffff;
const NO_ICV = new Uint8Array(ICV_BYTES);

/** Signs one virtual router's IPv4 packets and judges those of others. */
export class AhExchange {
  readonly #key: Bytes;
  readonly #ttl: "zeroed" | "kept";
  readonly #md5: Mac;
  #sequence = 0;

  /** @param unicast keepalived signs without the TTL then, and with it in multicast. */
  constructor(password: string, unicast: boolean, md5: Mac) {
    this.#key = authData({ type: "pass", password });
    this.#ttl = unicast ? "zeroed" : "kept";
    this.#md5 = md5;
  }

  /** The number that was last sent or accepted; 0 before the first. */
  get sequence(): number {
    return this.#sequence;
  }

  /** From now on no number up to this one is sent or accepted. */
  goOnFrom(sequence: number): void {
    this.#sequence = Math.min(Math.max(this.#sequence, sequence), MAX_SEQUENCE);
  }

  /** A number for the next advert, which all of its copies carry. */
  next(): void {
    this.goOnFrom(this.#sequence + 1);
  }

  /**
   * The packet of protocol 112 as one of protocol 51. The kernel fills an identification of 0, which
   * would break the signature: it counts from 1 with the sequence, as keepalived's.
   */
  seal(packet: Bytes): Bytes {
    const header = { spi: spiOf(packet), sequence: this.#sequence, icv: NO_ICV };
    const id = (this.#sequence - 1) % MAX_IDENTIFICATION + 1;
    const payload = concatBytes(encodeAh(header), ipv4Payload(packet));
    const sealed = rewrapIpv4(packet, { id, protocol: IP_PROTOCOL.ah }, payload);
    sealed.set(this.#icv(sealed, this.#ttl), sealed.length - payload.length + ICV_AT);
    return sealed;
  }

  /** Why a packet is not to be believed; null if it is, and then it is not believed again. */
  judge({ source, ah }: ReceivedPacket): Refusal | null {
    if (ah === undefined) return failure("received an advert without authentication header");
    const { header: { spi, sequence, icv }, packet } = ah;
    const expected = new DataView(ipBytes(source).buffer).getUint32(0);
    if (spi !== expected) return failure(`invalid SPI ${spi}, expecting the source address`);
    // RFC 2402 zeroes the TTL, keepalived keeps it in multicast (AH-06).
    const forms = this.#ttl === "zeroed"
      ? ["zeroed", "kept"] as const
      : ["kept", "zeroed"] as const;
    if (!forms.some((ttl) => sameSecret(this.#icv(packet, ttl), icv))) {
      return failure("received an invalid ICV: another password, or a changed packet");
    }
    if (sequence <= this.#sequence) {
      return {
        reason: "authSequence",
        text: `AH sequence number ${sequence} already processed, the last was ${this.#sequence}`,
      };
    }
    this.goOnFrom(sequence);
    return null;
  }

  #icv(packet: Uint8Array, ttl: "zeroed" | "kept"): Uint8Array {
    return this.#md5(this.#key, authenticatedBytes(packet, ttl)).subarray(0, ICV_BYTES);
  }
}

/** AH-04: the source address of the header. */
function spiOf(packet: Uint8Array): number {
  return new DataView(packet.buffer, packet.byteOffset).getUint32(12);
}

function failure(text: string): Refusal {
  return { reason: "authFailure", text };
}
