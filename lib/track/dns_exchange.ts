/** One DNS question over the network and what came back: by UDP, or by TCP (RFC 1035 4.2). */

import type { Socket as Datagrams } from "node:dgram";
import type { Socket } from "node:net";
import { familyOf, type Ip, parseIp } from "../core/address.ts";
import { concatBytes } from "../core/bytes.ts";
import { codeOf } from "./words.ts";

/** Where a question goes, and from where. */
export interface DnsServer {
  readonly address: Ip;
  readonly port: number;
  /** The source address; null for what the routing table chooses. */
  readonly source: Ip | null;
}

/** What went wrong, in the words that people see. */
export class ExchangeError extends Error {
  override readonly name = "ExchangeError";
}

/**
 * Sends the question as one datagram and waits for what `isAnswer` takes. What comes from another
 * address or port, or is another's answer, a late or a forged one, is passed over in silence. The
 * socket has a port of its own choice of the kernel and lives for this question alone.
 * @throws {ExchangeError} Also when aborted. Nobody listening is silence: Deno's sockets are not
 * connected, so the kernel keeps the ICMP error to itself.
 */
export async function askByUdp(
  server: DnsServer,
  message: Uint8Array,
  isAnswer: (message: Uint8Array) => boolean,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { createSocket } = await import("node:dgram");
  return await settled<Uint8Array>(signal, (resolve, reject) => {
    const ipv6 = familyOf(server.address) === "ipv6";
    // The addresses are addresses: without this, each send would ask getaddrinfo in a thread.
    const lookup = (host: string, _options: unknown, done: Done) => done(null, host, ipv6 ? 6 : 4);
    const socket: Datagrams = createSocket({
      type: ipv6 ? "udp6" : "udp4",
      ipv6Only: ipv6,
      // deno-lint-ignore no-explicit-any -- node's type of a lookup has more overloads
      lookup: lookup as any,
    });
    socket.on("error", reject);
    socket.on("message", (received, { address, port }) => {
      if (port !== server.port || parseIp(address) !== server.address) return;
      if (isAnswer(received)) resolve(received);
    });
    socket.bind({ port: 0, address: server.source ?? (ipv6 ? "::" : "0.0.0.0") }, () => {
      if (signal.aborted) return;
      socket.send(message, server.port, server.address, (error) => {
        if (error) reject(sendError(error, server));
      });
    });
    return () => socket.close();
  });
}

/** What node calls the end of a lookup. */
type Done = (error: Error | null, address: string, family: number) => void;

/** Deno says UNKNOWN for whatever keeps a datagram from leaving: no route, mostly. */
function sendError(error: Error, { address }: DnsServer): Error {
  return codeOf(error) === "UNKNOWN" ? new ExchangeError(`cannot send to ${address}`) : error;
}

/**
 * Asks over a connection of its own, where each message has its length in front (RFC 1035 4.2.2).
 * @throws {ExchangeError} Also when aborted. What the connection fails with is thrown as it is.
 */
export async function askByTcp(
  server: DnsServer,
  message: Uint8Array,
  isAnswer: (message: Uint8Array) => boolean,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { connect } = await import("node:net");
  return await settled<Uint8Array>(signal, (resolve, reject) => {
    const socket: Socket = connect({
      host: server.address,
      port: server.port,
      family: familyOf(server.address) === "ipv6" ? 6 : 4,
      ...(server.source === null ? {} : { localAddress: server.source }),
    });
    let received: Uint8Array = new Uint8Array(0);
    socket.on("error", reject);
    socket.on("close", () => reject(new ExchangeError("connection closed before the answer")));
    socket.on("connect", () => socket.write(concatBytes(lengthOf(message), message)));
    socket.on("data", (chunk) => {
      received = concatBytes(received, new Uint8Array(chunk));
      for (let next; (next = firstMessage(received)) !== null;) {
        if (isAnswer(next)) return resolve(next);
        received = received.subarray(LENGTH_BYTES + next.length);
      }
    });
    return () => socket.destroy();
  });
}

/** In front of each message over TCP: its length, in network order. */
const LENGTH_BYTES = 2;

function lengthOf({ length }: Uint8Array): Uint8Array {
  return Uint8Array.of(length >> 8, length & 0xff);
}

/** The first message of what has come over TCP; null if it is not there whole. */
function firstMessage(received: Uint8Array): Uint8Array | null {
  if (received.length < LENGTH_BYTES) return null;
  const end = LENGTH_BYTES + (received[0]! << 8 | received[1]!);
  return received.length < end ? null : received.subarray(LENGTH_BYTES, end);
}

/**
 * Starts an exchange and waits until it has an end or the signal is aborted; either way it is closed
 * before anybody hears of it.
 */
async function settled<T>(
  signal: AbortSignal,
  start: (resolve: (value: T) => void, reject: (error: Error) => void) => () => void,
): Promise<T> {
  const aborted = () => new ExchangeError("aborted");
  if (signal.aborted) throw aborted();
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const abort = () => reject(aborted());
  const close = start(resolve, reject);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", abort);
    close();
  }
}
