/** One request and its answer over a connection that is open. */

import { err, ok, type Result } from "../core/result.ts";
import { type AnswerHead, AnswerReader, NotHttp } from "./http_answer.ts";
import type { Wire } from "./http_wire.ts";

/** What the caller wants of the answer. */
export interface Interest {
  /** Whether the body is wanted; if not, nobody waits for it. */
  wantsBody(head: AnswerHead): boolean;
  /** Takes a part of the body. @returns Whether more would change nothing. */
  body(part: Uint8Array): boolean;
}

/** What broke a connection: words of ours, or an error of the socket's. */
export type Broken = string | Error;

/**
 * Sends a request, and resolves as soon as what is wanted of the answer is there. The connection
 * is the caller's to close; it resolves then too.
 */
export function exchange(
  wire: Wire,
  method: string,
  request: Uint8Array,
  interest: Interest,
): Promise<Result<AnswerHead, Broken>> {
  return new Promise((resolve) => {
    let isEnough = false;
    const reader = new AnswerReader(method, (part) => {
      // The head comes first, always: whether the body is wanted is known.
      if (reader.head !== null && !isEnough && interest.wantsBody(reader.head)) {
        isEnough = interest.body(part);
      }
    });
    const settleIfDone = () => {
      const { head } = reader;
      if (head === null) return;
      if (reader.done || isEnough || !interest.wantsBody(head)) resolve(ok(head));
    };
    wire.converse(request, {
      data(bytes) {
        try {
          reader.push(bytes);
          settleIfDone();
        } catch (error) {
          resolve(err(error instanceof NotHttp ? error.message : error as Error));
        }
      },
      end() {
        const tooEarly = reader.end();
        if (tooEarly === null) settleIfDone();
        else resolve(err(tooEarly));
      },
      error: (error) => resolve(err(error)),
    });
  });
}
