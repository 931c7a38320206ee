/** Echo requests that others send, as promises: who asked, who gave up, and what came back. */

import type { Ip } from "../core/address.ts";
import type { PingProbe } from "../core/probe_spec.ts";
import { failed, GOOD, type Verdict } from "./checker.ts";

/** One echo request to be sent; the engine's PingRequest is the same. */
export interface DeskRequest {
  readonly id: number;
  readonly destination: Ip;
  readonly sourceAddress: Ip | null;
  readonly device: string | null;
  readonly payloadBytes: number;
}

/** What became of a request; the engine's "pong" is one. */
export interface DeskAnswer {
  readonly id: number;
  /** Why no echo will come, in words; null if it came. */
  readonly error: string | null;
}

/** Who sends. */
export interface DeskSender {
  send(request: DeskRequest): void;
  /** Nobody waits for this one any more. */
  cancel(id: number): void;
}

/** Gives each request an id of its own and brings its answer to the one who asked. */
export class PingDesk {
  readonly #sender: DeskSender;
  readonly #waiting = new Map<number, (verdict: Verdict) => void>();
  #lastId = 0;

  constructor(sender: DeskSender) {
    this.#sender = sender;
  }

  /** How many answers are waited for. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Has an echo request sent and waits for its answer, or for the signal: then the sender is told,
   * and the verdict is there at once.
   */
  async ping(probe: PingProbe, destination: Ip, signal: AbortSignal): Promise<Verdict> {
    if (signal.aborted) return failed("aborted");
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    const abort = () => {
      this.#sender.cancel(id);
      resolve(failed("aborted"));
    };
    this.#waiting.set(id, resolve);
    signal.addEventListener("abort", abort, { once: true });
    try {
      const { sourceAddress, device, payloadBytes } = probe;
      this.#sender.send({ id, destination, sourceAddress, device, payloadBytes });
      return await promise;
    } finally {
      this.#waiting.delete(id);
      signal.removeEventListener("abort", abort);
    }
  }

  /** An answer came. One that nobody waits for any more is passed over. */
  pong({ id, error }: DeskAnswer): void {
    this.#waiting.get(id)?.(error === null ? GOOD : failed(error));
  }
}
