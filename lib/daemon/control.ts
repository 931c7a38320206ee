/** Requests to the running daemon, one JSON object each: `{"do": "about"}`. */

import { type ControlConnection, isTrustedPeer, nextConnection } from "../net/control_socket.ts";
import type { Logger } from "./logger.ts";

/** A client that has connected says what it wants within this. */
const PATIENCE_MS = 5000;

/** What a client asks. */
export interface ControlRequest {
  readonly do: string;
}

/** Answers one kind of request, on the connection, which is closed when it is done. */
export type ControlHandler = (
  request: ControlRequest,
  connection: ControlConnection,
) => Promise<void> | void;

/** Serves requests for as long as the process lives, each on its own: a slow client holds up nobody. */
export class ControlServer {
  readonly #handlers: Readonly<Record<string, ControlHandler>>;
  readonly #log: Logger;

  constructor(handlers: Readonly<Record<string, ControlHandler>>, log: Logger) {
    this.#handlers = handlers;
    this.#log = log;
  }

  /** @param claim The listening socket. */
  async serve(claim: number): Promise<void> {
    try {
      for (;;) {
        const connection = await nextConnection(claim);
        // Anybody can connect; root and the daemon's own user are heard.
        if (isTrustedPeer(connection.peer)) {
          this.#attend(connection);
        } else {
          this.#refuse(connection);
        }
      }
    } catch (error) {
      this.#log({ level: "error", text: `Requests are not served any more: ${error}` });
    }
  }

  /** Only when the request is read: an end that is closed with something unread resets the other. */
  async #refuse(connection: ControlConnection): Promise<void> {
    await connection.receive(PATIENCE_MS);
    connection.send({ ok: false, text: "Only root of this host may ask" });
    connection.close();
  }

  async #attend(connection: ControlConnection): Promise<void> {
    try {
      const request = await connection.receive(PATIENCE_MS) as ControlRequest | null;
      // Who only wants to know whether somebody is here asks nothing.
      if (request === null) return;
      const handler = Object.hasOwn(this.#handlers, request.do) && this.#handlers[request.do];
      if (handler) await handler(request, connection);
      else connection.send({ ok: false, text: `Unknown request "${request.do}"` });
    } catch (error) {
      connection.send({ ok: false, text: error instanceof Error ? error.message : `${error}` });
    } finally {
      connection.close();
    }
  }
}
