/** What tests of the HTTP check share: probes, contexts, and servers that misbehave. */

import { type Ip } from "../../lib/core/address.ts";
import type { HttpProbe, TlsSpec } from "../../lib/core/probe_spec.ts";
import { millis } from "../../lib/core/time.ts";
import type { ProbeContext, ProbeHost, Verdict } from "../../lib/track/checker.ts";
import { checkHttp } from "../../lib/track/http.ts";

/** A probe with what the configuration would have by default. */
export function httpProbe(url: string, over: Partial<HttpProbe> = {}): HttpProbe {
  return {
    kind: "http",
    url,
    method: "GET",
    host: null,
    headers: [],
    status: [{ low: 200, high: 299 }],
    body: null,
    redirects: 0,
    unixSocket: null,
    tls: null,
    sourceAddress: null,
    device: null,
    ...over,
  };
}

/** What a TLS part has by default. */
export const PLAIN_TLS: TlsSpec = {
  serverName: null,
  caFile: null,
  clientCertificate: null,
  insecure: false,
  failDays: null,
  warnDays: null,
};

const HOST: ProbeHost = {
  addressOf: (device, family) => device === "lo" && family === "ipv4" ? "127.0.0.1" as Ip : null,
  ping: () => Promise.reject(new Error("an HTTP check sends no echo request")),
};

/** A context with a time limit; the device "lo" has the address 127.0.0.1. */
export function contextOf(signal: AbortSignal): ProbeContext {
  return { signal, timeoutUs: millis(10_000), host: HOST };
}

/** Far beyond what any of these servers takes. */
const TIMEOUT_MS = 60_000;

/** One check; the test fails if it takes for ever. */
export async function checkOnce(probe: HttpProbe): Promise<Verdict> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), TIMEOUT_MS);
  try {
    const verdict = await checkHttp(probe, contextOf(timeout.signal));
    if (timeout.signal.aborted) throw new Error(`The check of ${probe.url} hung`);
    return verdict;
  } finally {
    clearTimeout(timer);
  }
}

/** The words of a verdict: "good", "good: certificate expires in 5 days", "failed: HTTP 503". */
export async function verdictOf(probe: HttpProbe): Promise<string> {
  const verdict = await checkOnce(probe);
  if (!verdict.good) return `${verdict.kind}: ${verdict.why}`;
  return verdict.warning === undefined ? "good" : `good: ${verdict.warning}`;
}

/** A server that reads a request's head and then does as told. */
export class RawServer implements Disposable {
  readonly #listener: Deno.Listener;
  /** The heads of all requests. */
  readonly requests: string[] = [];
  /** Connections, from acceptance to their end. */
  accepted = 0;
  open = 0;

  /**
   * @param answer What to do with a connection whose request's head has come; it is closed then.
   * @param listener Defaults to 127.0.0.1.
   */
  constructor(
    answer: (connection: Deno.Conn, request: string) => Promise<unknown>,
    listener: Deno.Listener = Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  ) {
    this.#listener = listener;
    this.#serve(answer);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}/`;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }

  async #serve(answer: (connection: Deno.Conn, request: string) => Promise<unknown>) {
    for await (const connection of this.#listener) {
      this.accepted++;
      this.open++;
      this.#converse(connection, answer).catch(() => {}).finally(() => {
        this.open--;
        try {
          connection.close();
        } catch {
          // The handler closed it.
        }
      });
    }
  }

  async #converse(
    connection: Deno.Conn,
    answer: (connection: Deno.Conn, request: string) => Promise<unknown>,
  ): Promise<void> {
    let request = "";
    const buffer = new Uint8Array(4096);
    while (!request.includes("\r\n\r\n")) {
      const n = await connection.read(buffer);
      if (n === null) return;
      request += new TextDecoder().decode(buffer.subarray(0, n));
    }
    this.requests.push(request);
    await answer(connection, request);
  }
}

/** Writes text, all of it, as the bytes of its characters. */
export async function write(connection: Deno.Conn, text: string): Promise<void> {
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** A server that answers every request with this text, then closes. */
export function answering(text: string): RawServer {
  return new RawServer((connection) => write(connection, text));
}

/** Waits until the other end is gone. */
export async function hangUp(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(4096);
  while (await connection.read(buffer) !== null);
}
