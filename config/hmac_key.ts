/** Keys of `auth_hmac`: what their text means, and what is wrong with it. Never quotes a secret. */

import { HMAC_KEY_BYTES } from "./model_authentication.ts";

const HEX = "hex:", FILE = "file:";

/** keepalived knows no such prefix, though its "hex:" makes one expect it. */
const ASCII = "ascii:";

/** Random bytes of the least length that is allowed repeat few values; text of words many. */
const FEW_VALUES = 8;

const MAKE_ONE = "Make a key: openssl rand -hex 32, and write it as hex:DIGITS";

/** Something that is wrong, and what to do about it. */
export interface KeyTrouble {
  readonly why: string;
  readonly remedy: string;
}

/** The bytes of a key that is given in the configuration; null if it is in a file, or malformed. */
export function keyBytes(secret: string): Uint8Array<ArrayBuffer> | null {
  if (secret.startsWith(FILE)) return null;
  if (!secret.startsWith(HEX)) return new TextEncoder().encode(secret);
  const digits = secret.slice(HEX.length);
  return /^([0-9a-fA-F]{2})+$/.test(digits) ? Uint8Array.fromHex(digits) : null;
}

/** Why a number of bytes cannot be a key; null if it can. */
export function lengthFault(bytes: number): string | null {
  const { min, max } = HMAC_KEY_BYTES;
  return bytes >= min && bytes <= max ? null : `it has ${bytes} bytes, must be ${min} to ${max}`;
}

/** Why a key as written cannot be used; null if it can, or if a file decides. */
export function keyFault(secret: string): KeyTrouble | null {
  if (secret.startsWith(FILE)) {
    return secret.startsWith(`${FILE}/`)
      ? null
      : { why: "the path of its file is not absolute", remedy: 'Write "file:/PATH"' };
  }
  const bytes = keyBytes(secret);
  if (bytes === null) {
    return { why: "it is not pairs of hexadecimal digits", remedy: MAKE_ONE };
  }
  const why = lengthFault(bytes.length);
  return why === null ? null : { why, remedy: MAKE_ONE };
}

/** What makes a usable key easier to guess than it looks, or another one than was meant; null for nothing. */
export function keyWeakness(secret: string): KeyTrouble | null {
  const bytes = keyBytes(secret);
  if (bytes === null) return null;
  if (secret.startsWith(ASCII)) {
    return {
      why: `begins with "${ASCII}", which is part of it: there is no such prefix`,
      remedy: `Delete "${ASCII}" on all routers alike, or leave it on all of them`,
    };
  }
  if (new Set(bytes).size < FEW_VALUES) {
    return { why: "has few different bytes: it can be guessed", remedy: MAKE_ONE };
  }
  if (!secret.startsWith(HEX) && /^([0-9a-fA-F]{2})+$/.test(secret)) {
    return {
      why: "looks hexadecimal, but is taken as text",
      remedy: `Write "${HEX}" before it on all routers alike if digits are meant`,
    };
  }
  return null;
}

/** A key on a line of its own or behind others, with its id or, by mistake, without. */
const KEY = /(\bkey\s+)(\d{1,3}\s+)?(\S.*)/;

/** What is no secret behind the word: where a key is. */
const PLACE = /^(file:|\/)/;

/** A line of the file for people, who may send it to others: every sign of a key is a star. */
export function withoutKeys(line: string): string {
  return line.replace(KEY, (all, word: string, id: string | undefined, key: string) => {
    return PLACE.test(key) ? all : word + (id ?? "") + key.replaceAll(/[^\s}]/g, "*");
  });
}
