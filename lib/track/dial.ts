/** Deno.connect, so that an abort leaves nothing open. */

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
  const giveUp = mildController();
  const abort = () => {
    reject(signal.reason);
    giveUp.abort();
  };
  signal.addEventListener("abort", abort, { once: true });
  Deno.connect({ hostname, port, signal: giveUp.signal }).then(
    (connection) => {
      signal.removeEventListener("abort", abort);
      if (signal.aborted) connection.close();
      else resolve(connection);
    },
    (error) => {
      signal.removeEventListener("abort", abort);
      reject(error);
    },
  );
  return promise;
}

/**
 * A controller whose abort ends an attempt, but takes no connection away that is made already.
 * Deno.connect (2.9.6) asks its signal once more when it has the connection, and if that throws, the
 * connection stays open for ever: after an abort in the same turn of the event loop, or after any one
 * if the loop was held up.
 */
function mildController(): AbortController {
  const controller = new AbortController();
  controller.signal.throwIfAborted = () => {};
  return controller;
}
