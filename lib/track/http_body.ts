/** The body of an answer against what it must be, as it arrives and no further than needed. */

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
  if (test.kind === "contains") return new ContainsReader(test);
  if (test.kind === "regex") return new TextReader(test);
  const { createHash } = await import("node:crypto");
  return new DigestReader(test.digest, createHash("sha256"));
}

/** Keeps of the body what the text may have begun in. */
class ContainsReader implements BodyReader {
  readonly #test: BodyTest & { readonly kind: "contains" };
  /** The bytes of the text, as characters. */
  readonly #needle: string;
  #bytes = 0;
  #tail = "";
  #found: boolean;

  constructor(test: BodyTest & { readonly kind: "contains" }) {
    this.#test = test;
    this.#needle = LATIN1.decode(new TextEncoder().encode(test.text));
    this.#found = this.#needle === "";
  }

  push(part: Uint8Array): boolean {
    const room = part.subarray(0, MAX_TEXT_BYTES - this.#bytes);
    this.#bytes += room.length;
    const text = this.#tail + LATIN1.decode(room);
    this.#found ||= text.includes(this.#needle);
    this.#tail = this.#needle.length > 1 ? text.slice(1 - this.#needle.length) : "";
    return this.#found || this.#bytes === MAX_TEXT_BYTES;
  }

  async verdict(): Promise<string | null> {
    if (this.#found) return null;
    // An empty content has no text in it either: the words are the same everywhere.
    return within(await matchBody(this.#test, new Uint8Array(0)), this.#bytes);
  }
}

/** A body begins with so much room; most are smaller. */
const FIRST_BYTES = 4096;

/** Keeps the body in one piece, for parts may be as small as a byte. */
class TextReader implements BodyReader {
  readonly #test: BodyTest;
  #content = new Uint8Array(FIRST_BYTES);
  #bytes = 0;

  constructor(test: BodyTest) {
    this.#test = test;
  }

  push(part: Uint8Array): boolean {
    const room = part.subarray(0, MAX_TEXT_BYTES - this.#bytes);
    this.#grow(this.#bytes + room.length);
    this.#content.set(room, this.#bytes);
    this.#bytes += room.length;
    return this.#bytes === MAX_TEXT_BYTES;
  }

  async verdict(): Promise<string | null> {
    const content = this.#content.subarray(0, this.#bytes);
    return within(await matchBody(this.#test, content), this.#bytes);
  }

  /** Doubled as often as needed: each byte is copied twice at the most, on average. */
  #grow(bytes: number): void {
    if (bytes <= this.#content.length) return;
    let size = this.#content.length;
    while (size < bytes) size *= 2;
    const larger = new Uint8Array(size);
    larger.set(this.#content.subarray(0, this.#bytes));
    this.#content = larger;
  }
}

/** Says of a body that was not read to its end how far it was. */
function within(why: string | null, bytes: number): string | null {
  return why !== null && bytes === MAX_TEXT_BYTES ? `${why} in its first MiB` : why;
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
