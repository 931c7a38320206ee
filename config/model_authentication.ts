/** How adverts are authenticated, as a configuration says it. */

import type { Position } from "./model.ts";

/** `authentication`: VRRPv2 over IPv4 only. */
export type Authentication = { readonly type: "none" } | {
  readonly type: "pass" | "ah";
  /** At most 8 bytes. */
  readonly password: string;
};

/** One `key` of `auth_hmac`. */
export interface HmacKey {
  /** 1 to 255. */
  readonly id: number;
  /** As written: "hex:DIGITS", "file:PATH", which is read at the start, or the key itself. */
  readonly secret: string;
  readonly position: Position;
}

/** `auth_hmac`: a signature behind each advert. */
export interface HmacDefs {
  /** Those that can be used, as far as their files are; no id twice. */
  readonly keys: readonly HmacKey[];
  /** The key that signs; null if none was given that can be used. */
  readonly activeKey: number | null;
  /** `time_window`, in seconds. */
  readonly windowS: number;
  readonly antiReplay: "time" | "monotonic";
  readonly mode: "enforce" | "permissive" | "receive-only";
}

/** What a key must be long, in bytes. */
export const HMAC_KEY_BYTES = { min: 32, max: 64 } as const;
