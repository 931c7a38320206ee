/**
 * The connection under HTTP, of two makes. Deno's own does without node:net, which takes 15 MB when it
 * is loaded and a tenth more CPU; but it has no source address and no TLS that shows its certificate.
 */

import type { Socket } from "node:net";

/** What a connection tells. After `end` or `error`, nothing more. */
export interface WireListener {
  data(bytes: Uint8Array): void;
  /** The other end has closed its half. */
  end(): void;
  error(error: Error): void;
}

/** An open connection. */
export interface Wire {
  /** Sends a request and tells of what comes back. Once. */
  converse(request: Uint8Array, listener: WireListener): void;
  /** Closes it at once; any number of times. */
  destroy(): void;
}

/** A connection of node:net or node:tls. */
export function nodeWire(socket: Socket): Wire {
  return {
    destroy: () => socket.destroy(),
    converse(request, listener) {
      // It may have ended since it was opened, and then nothing more happens on it.
      if (socket.destroyed) return socket.errored ? listener.error(socket.errored) : listener.end();
      socket.on("data", (bytes: Uint8Array) => listener.data(bytes));
      socket.once("end", () => listener.end());
      socket.once("error", (error) => listener.error(error));
      socket.once("close", () => listener.end());
      socket.write(request);
    },
  };
}

/** Most answers to a health check fit. */
const READ_BYTES = 8192;

/** A connection of Deno's. */
export class DenoWire implements Wire {
  readonly #connection: Deno.Conn;
  #isClosed = false;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  destroy(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }

  converse(request: Uint8Array, listener: WireListener): void {
    this.#converse(request, listener).then(() => listener.end(), (error) => listener.error(error));
  }

  async #converse(request: Uint8Array, listener: WireListener): Promise<void> {
    for (let at = 0; at < request.length;) at += await this.#connection.write(request.subarray(at));
    const buffer = new Uint8Array(READ_BYTES);
    while (!this.#isClosed) {
      const n = await this.#connection.read(buffer);
      if (n === null) return;
      listener.data(buffer.subarray(0, n));
    }
  }
}
