/** The body of an answer against what it must be, as it arrives and no further than needed. */

import { concatBytes } from "../core/bytes.ts";
import type { BodyTest } from "../core/probe_spec.ts";
import { matchBody } from "./body.ts";

/** Looks at a body part by part. */
export interface BodyReader {
  /** Takes a part. @returns Whether more would change nothing. */
  push(part: Uint8Array): boolean;
  /** Why the body does not pass; null if it does. Once, after the last part. */
  verdict(): Promise<string | null>;
}

/** Texts and patterns are looked for in so much: a health page is short. */
const MAX_TEXT_BYTES = 1_048_576;
/** A digest needs the whole body; nobody publishes more as a health check. */
const MAX_DIGEST_BYTES = 16 * 1_048_576;

/** A reader for a test. */
export async function bodyReader(test: BodyTest): Promise<BodyReader> {
  if (test.kind !== "sha256") return new TextReader(test);
  const { createHash } = await import("node:crypto");
  return new DigestReader(test.digest, createHash("sha256"));
}

class TextReader implements BodyReader {
  readonly #test: BodyTest;
  /** What ends the search early: the bytes of the text, as characters. */
  readonly #needle: string | null;
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;
  #tail = "";
  #found = false;

  constructor(test: BodyTest) {
    this.#test = test;
    this.#needle = test.kind === "contains"
      ? LATIN1.decode(new TextEncoder().encode(test.text))
      : null;
  }

  push(part: Uint8Array): boolean {
    const room = part.subarray(0, MAX_TEXT_BYTES - this.#bytes);
    this.#bytes += room.length;
    if (this.#needle !== null) {
      const text = this.#tail + LATIN1.decode(room);
      if (text.includes(this.#needle)) return this.#found = true;
      this.#tail = this.#needle.length > 1 ? text.slice(1 - this.#needle.length) : "";
    }
    this.#parts.push(room.slice());
    return this.#bytes === MAX_TEXT_BYTES;
  }

  async verdict(): Promise<string | null> {
    if (this.#found) return null;
    const why = await matchBody(this.#test, concatBytes(...this.#parts));
    return why !== null && this.#bytes === MAX_TEXT_BYTES ? `${why} in its first MiB` : why;
  }
}

/** What of node:crypto's Hash is used. */
interface Hash {
  update(part: Uint8Array): unknown;
  digest(encoding: "hex"): string;
}

/** Keeps nothing of the body. */
class DigestReader implements BodyReader {
  readonly #digest: string;
  readonly #hash: Hash;
  #bytes = 0;

  constructor(digest: string, hash: Hash) {
    this.#digest = digest;
    this.#hash = hash;
  }

  push(part: Uint8Array): boolean {
    this.#bytes += part.length;
    if (this.#bytes > MAX_DIGEST_BYTES) return true;
    this.#hash.update(part);
    return false;
  }

  verdict(): Promise<string | null> {
    if (this.#bytes > MAX_DIGEST_BYTES) return Promise.resolve("body is longer than 16 MiB");
    const digest = this.#hash.digest("hex");
    return Promise.resolve(
      digest === this.#digest ? null : `body has another SHA-256: ${digest}`,
    );
  }
}

const LATIN1 = new TextDecoder("latin1");
