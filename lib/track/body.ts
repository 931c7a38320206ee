/** Whether what came back, or what a file holds, is what it must be. */

import { toHex } from "../core/bytes.ts";
import type { BodyTest } from "../core/probe_spec.ts";
import { compileRegex } from "./regex.ts";

/**
 * Why a content does not pass; null if it does. `noun` is what the content is called: 'body does not
 * contain "ok"'. A regular expression reads bytes as UTF-8, whatever is none of it as U+FFFD.
 * @throws {SyntaxError} If the pattern is none.
 */
export async function matchBody(
  test: BodyTest,
  content: Uint8Array,
  noun: "body" | "content" | "answer" = "body",
): Promise<string | null> {
  switch (test.kind) {
    case "contains":
      return includes(content, test.text) ? null : `${noun} does not contain "${test.text}"`;
    case "regex": {
      const matches = await compileRegex(test.pattern);
      return matches(new TextDecoder().decode(content))
        ? null
        : `${noun} does not match "${test.pattern}"`;
    }
    case "sha256": {
      const digest = await crypto.subtle.digest("SHA-256", content.slice());
      const same = toHex(new Uint8Array(digest)) === test.digest;
      return same ? null : `${noun} has another SHA-256`;
    }
  }
}

/** Loads what a test needs; a pattern is compiled. @throws {SyntaxError} If it is none. */
export async function prepareTest(test: BodyTest | null): Promise<void> {
  if (test?.kind === "regex") await compileRegex(test.pattern);
}

/**
 * Compared as bytes, each of them one character, so that text in the middle of binary content, or cut
 * in the middle of a character, is found.
 */
function includes(content: Uint8Array, text: string): boolean {
  const latin1 = new TextDecoder("latin1");
  return latin1.decode(content).includes(latin1.decode(new TextEncoder().encode(text)));
}
