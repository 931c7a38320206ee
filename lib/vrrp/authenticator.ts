/** What protects one virtual router's adverts beyond a password: `auth_hmac` inside, AH around it. */

import type { Ip } from "../core/address.ts";
import type { Bytes } from "../core/bytes.ts";
import type { AdvertAuthenticator, Opened, ReceivedPacket } from "./admission_rules.ts";
import { AhExchange } from "./ah_exchange.ts";
import {
  HmacExchange,
  type HmacRouter,
  type HmacSpec,
  type HmacState,
  withTrailer,
} from "./hmac_exchange.ts";
import { ipv4Payload, rewrapIpv4 } from "./ip.ts";
import type { Macs } from "./mac.ts";

/** What is to be done. Plain data, secrets included: never to be logged. */
export interface AuthenticatorSpec extends HmacRouter {
  /** Null without `auth_type AH`. */
  readonly ahPassword: string | null;
  /** Null without `auth_hmac`. */
  readonly hmac: HmacSpec | null;
}

/** What must outlive the process: plain data. */
export interface AuthenticatorState {
  /** The number that was last sent or accepted with AH. */
  readonly sequence?: number | undefined;
  readonly hmac?: HmacState | undefined;
}

/** A copy of an advert for one destination: over IPv4 with its header, over IPv6 the message alone. */
export interface Copy {
  readonly packet: Bytes;
}

/** How far counters jump where nobody knows what was sent: 10 s of adverts at the fastest rate. */
const UNKNOWN_ADVERTS = 1000;

/** Seals and opens the adverts of one virtual router. */
export class Authenticator implements AdvertAuthenticator {
  readonly #ah: AhExchange | null;
  readonly #hmac: HmacExchange | null;
  readonly #isIpv4: boolean;
  readonly #wallMs: () => number;

  /** @param wallMs The time of day, in milliseconds since 1970. */
  constructor(spec: AuthenticatorSpec, macs: Macs, wallMs: () => number) {
    const { ahPassword, hmac, unicastPeers } = spec;
    this.#ah = ahPassword === null
      ? null
      : new AhExchange(ahPassword, unicastPeers.length > 0, macs.md5);
    this.#hmac = hmac === null ? null : new HmacExchange(hmac, spec, macs.sha256);
    this.#isIpv4 = spec.family === "ipv4";
    this.#wallMs = wallMs;
  }

  /** One advert's copies as they leave, each call another advert. @returns None if none can be made. */
  seal<C extends Copy>(copies: readonly C[], source: Ip): readonly C[] {
    const signed = this.#sign(copies, source);
    if (this.#ah === null || signed.length === 0) return signed;
    const ah = this.#ah;
    ah.next();
    return signed.map((copy) => ({ ...copy, packet: ah.seal(copy.packet) }));
  }

  /** Judges a packet. What is in it counts once. */
  open(packet: ReceivedPacket): Opened {
    const refusal = this.#ah?.judge(packet) ?? null;
    if (refusal !== null) return { ok: false, ...refusal };
    if (this.#hmac !== null) return this.#hmac.judge(packet, this.#wallMs());
    return { ok: true, message: packet.message, notices: [] };
  }

  /** What the next image of this daemon must know. */
  state(): AuthenticatorState {
    return { sequence: this.#ah?.sequence, hmac: this.#hmac?.state() };
  }

  /** Goes on from there, unless it is further already. */
  restore({ sequence, hmac }: AuthenticatorState): void {
    if (sequence !== undefined) this.#ah?.goOnFrom(sequence);
    if (hmac !== undefined) this.#hmac?.restore(hmac);
  }

  /** Others may have sent in this router's name since the state was taken. */
  skipAhead(): void {
    this.#ah?.goOnFrom(this.#ah.sequence + UNKNOWN_ADVERTS);
    this.#hmac?.skip(UNKNOWN_ADVERTS);
  }

  #sign<C extends Copy>(copies: readonly C[], source: Ip): readonly C[] {
    const first = copies[0];
    if (this.#hmac === null || !this.#hmac.signs || first === undefined) return copies;
    const trailer = this.#hmac.trailer(this.#messageOf(first.packet), source, this.#wallMs());
    if (trailer === null) return [];
    return copies.map((copy) => {
      const message = withTrailer(this.#messageOf(copy.packet), trailer);
      const packet = this.#isIpv4 ? rewrapIpv4(copy.packet, {}, message) : message;
      return { ...copy, packet };
    });
  }

  #messageOf(packet: Bytes): Bytes {
    return this.#isIpv4 ? ipv4Payload(packet) : packet;
  }
}
