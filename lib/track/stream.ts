/** Stream sockets that can be aborted at any moment without a trace. */

import type { Socket } from "node:net";
import type { Ip } from "../core/address.ts";
import { dial } from "./dial.ts";

/** What can be connected to. */
export type Way =
  | { readonly unixSocket: string }
  | { readonly host: Ip; readonly port: number; readonly source: Ip | null };

/** A connected stream socket. */
export interface Stream {
  /** Resolves once the kernel has all of it. */
  write(bytes: Uint8Array): Promise<void>;
  /** What has come; null at the end. */
  read(): Promise<Uint8Array | null>;
  /** Resolves once the descriptor is closed; who reads or writes meanwhile is rejected. */
  close(): Promise<void>;
}

/**
 * Connects, or rejects: at once when the signal is aborted, with nothing left open. Deno's own
 * connections need a third less memory than those of node:net, but cannot choose the source address.
 */
export async function openStream(way: Way, signal: AbortSignal): Promise<Stream> {
  if ("host" in way && way.source === null) {
    return new DenoStream(await dial(way.host, way.port, signal));
  }
  return await openNodeStream(way, signal);
}

/** An answer to a health check fits, mostly. */
const READ_BYTES = 4096;

/** A connection of Deno's. */
class DenoStream implements Stream {
  readonly #connection: Deno.Conn;
  #isClosed = false;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  async read(): Promise<Uint8Array | null> {
    const buffer = new Uint8Array(READ_BYTES);
    const length = await this.#connection.read(buffer);
    return length === null ? null : buffer.subarray(0, length);
  }

  close(): Promise<void> {
    if (!this.#isClosed) this.#connection.close();
    this.#isClosed = true;
    return Promise.resolve();
  }
}

/** Loads what streams to unix sockets, or from a source address, need. */
export async function prepareNodeStream(): Promise<void> {
  await nodeModules();
}

function nodeModules() {
  return Promise.all([import("node:net"), import("node:events")]);
}

async function openNodeStream(way: Way, signal: AbortSignal): Promise<Stream> {
  const [{ connect }, { EventEmitter }] = await nodeModules();
  signal.throwIfAborted();
  const socket = connect(
    "unixSocket" in way
      ? { path: way.unixSocket }
      : { host: way.host, port: way.port, localAddress: way.source ?? undefined },
  );
  const close = closer(socket);
  signal.addEventListener("abort", close, { once: true });
  try {
    await EventEmitter.once(socket, "connect");
  } catch (error) {
    await close();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
  const chunks = socket[Symbol.asyncIterator]();
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (error) => error ? reject(error) : resolve());
      }),
    read: async () => (await chunks.next()).value ?? null,
    close,
  };
}

/** What ends a socket, and resolves when it is closed. */
function closer(socket: Socket): () => Promise<void> {
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  // Errors come to whoever waits at the time; one that nobody waits for is no reason to die.
  socket.on("error", () => {});
  return () => {
    socket.destroy(new Error("closed"));
    return closed;
  };
}
