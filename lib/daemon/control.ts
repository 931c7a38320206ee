/** Requests to the running daemon, one JSON object each: `{"do": "about"}`. */

import { controlKey, isSameKey } from "../net/control_key.ts";
import {
  type ControlConnection,
  isAdministrator,
  isTrustedPeer,
  waitingConnections,
  whenAnySpeaks,
} from "../net/control_socket.ts";
import type { Logger } from "./logger.ts";

/** A client that has connected says what it wants within this. */
const PATIENCE_MS = 5000;

/** So many may have connected and said nothing: of more, the one that has waited longest must go. */
const MAX_SILENT = 16;

/** Connections in one turn; between two turns the rest of the daemon has its own. */
const AT_ONCE = 64;

/** Until there may be descriptors again. */
const SHORTAGE_MS = 1000;

const STRANGER = "Only root of this host, or the user that the daemon runs as, may ask";
const POWERLESS = "Only root of this host, with all capabilities that the daemon has, may ask";

/** What a client asks. */
export interface ControlRequest {
  readonly do: string;
}

/** What is answered to a request that cannot be met. */
export interface ControlFailure {
  readonly ok: false;
  readonly text: string;
  /** The daemon's. */
  readonly pid: number;
  /** Whether it is because of who asks. */
  readonly isRefused: boolean;
}

/** Answers one kind of request, on the connection, which is closed when it is done. */
export type ControlHandler = (
  request: ControlRequest,
  connection: ControlConnection,
) => Promise<void> | void;

/** A client that has not said anything yet. */
interface Silent {
  readonly connection: ControlConnection;
  /** Of performance.now(). */
  readonly untilMs: number;
  /** The daemon's own user need not prove more, unless that is root. */
  readonly isOwner: boolean;
}

/**
 * Serves requests for as long as the process lives, each on its own: a slow client holds up nobody.
 * Anybody can connect, so that no more than one thread ever waits for clients, however many there are.
 */
export class ControlServer {
  readonly #handlers: Readonly<Record<string, ControlHandler>>;
  readonly #log: Logger;
  /** In the order of their time. */
  #silent: Silent[] = [];

  constructor(handlers: Readonly<Record<string, ControlHandler>>, log: Logger) {
    this.#handlers = handlers;
    this.#log = log;
  }

  /** @param claim The listening socket. */
  async serve(claim: number): Promise<void> {
    try {
      const key = controlKey();
      for (;;) await this.#turn(claim, key);
    } catch (error) {
      this.#log({ level: "error", text: `Requests are not served any more: ${error}` });
    }
  }

  async #turn(claim: number, key: string): Promise<void> {
    const connections = this.#silent.map(({ connection }) => connection);
    const [first] = this.#silent;
    const leftMs = first === undefined ? null : Math.max(0, first.untilMs - performance.now());
    const speaks = await whenAnySpeaks(claim, connections, leftMs);
    this.#hear(new Set(speaks.connections), key);
    if (!speaks.claim) return;
    const waiting = waitingConnections(claim, AT_ONCE);
    if (waiting === null) await new Promise((resolve) => setTimeout(resolve, SHORTAGE_MS));
    for (const connection of waiting ?? []) this.#welcome(connection, key);
  }

  /** Serves those that speak; lets go of those that have not for too long. */
  #hear(speaking: ReadonlySet<ControlConnection>, key: string): void {
    const now = performance.now(), before = this.#silent;
    this.#silent = [];
    for (const one of before) {
      if (speaking.has(one.connection) || one.untilMs <= now) this.#attend(one, key);
      else this.#silent.push(one);
    }
  }

  #welcome(connection: ControlConnection, key: string): void {
    // At once, whatever they want: nobody waits for those who are not heard anyway.
    if (!isAdministrator(connection.peer)) return this.#refuse(connection, STRANGER);
    const isOwner = connection.peer.uid !== 0 && isTrustedPeer(connection.peer);
    this.#silent.push({ connection, untilMs: performance.now() + PATIENCE_MS, isOwner });
    if (this.#silent.length > MAX_SILENT) this.#attend(this.#silent.shift()!, key);
  }

  #refuse(connection: ControlConnection, text: string): void {
    connection.send(failure(text, true));
    connection.close();
  }

  /** Who only wants to know whether somebody is here asks nothing. */
  #attend({ connection, isOwner }: Silent, key: string): void {
    const message = connection.read();
    if (typeof message !== "object" || message === null) return connection.close();
    const { key: given, ...request } = message as ControlRequest & { readonly key?: unknown };
    if (isOwner || isSameKey(given, key)) this.#serve(request, connection);
    else this.#refuse(connection, POWERLESS);
  }

  async #serve(request: ControlRequest, connection: ControlConnection): Promise<void> {
    try {
      const handler = Object.hasOwn(this.#handlers, request.do) && this.#handlers[request.do];
      if (handler) await handler(request, connection);
      else connection.send(failure(`Unknown request "${request.do}"`));
    } catch (error) {
      connection.send(failure(error instanceof Error ? error.message : `${error}`));
    } finally {
      connection.close();
    }
  }
}

function failure(text: string, isRefused = false): ControlFailure {
  return { ok: false, text, pid: Deno.pid, isRefused };
}
