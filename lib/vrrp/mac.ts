/** Message authentication codes, as whoever has a cryptographic library hands them in. */

/** A keyed hash of some bytes: the whole of it, to be cut by who asked. */
export type Mac = (key: Uint8Array, data: Uint8Array) => Uint8Array;

/** Those that adverts need. */
export interface Macs {
  /** HMAC-MD5 (RFC 2104, RFC 1321): 16 bytes. */
  readonly md5: Mac;
  /** HMAC-SHA256 (RFC 2104, FIPS 180-4): 32 bytes. */
  readonly sha256: Mac;
}

/** Compares all bytes whatever the first ones say, so that the time taken tells nothing (AU-03). */
export function sameSecret(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at++) difference |= a[at]! ^ (b[at] ?? 0);
  return difference === 0;
}
