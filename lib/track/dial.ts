/** Deno.connect, so that an abort leaves nothing open. */

/**
 * An abort in the very moment in which the connection is made would make Deno.connect (2.9.6) reject
 * and leave it open for ever. So what was asked for has this long to be made, and then be closed,
 * before it is given up: longer than the event loop can be late.
 */
const GRACE_MS = 2000;

/**
 * Connects to an address.
 * @throws At once when the signal is aborted, or whatever Deno.connect throws.
 */
export function dial(
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const { promise, resolve, reject } = Promise.withResolvers<Deno.TcpConn>();
  if (signal.aborted) {
    reject(signal.reason);
    return promise;
  }
  const giveUp = new AbortController();
  let isPending = true;
  const abort = () => {
    reject(signal.reason);
    setTimeout(() => isPending && giveUp.abort(), GRACE_MS);
  };
  const settle = () => {
    isPending = false;
    signal.removeEventListener("abort", abort);
  };
  signal.addEventListener("abort", abort, { once: true });
  Deno.connect({ hostname, port, signal: giveUp.signal }).then(
    (connection) => {
      settle();
      if (signal.aborted) connection.close();
      else resolve(connection);
    },
    (error) => {
      settle();
      reject(error);
    },
  );
  return promise;
}
