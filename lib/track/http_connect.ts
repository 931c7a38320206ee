/** The connection under an HTTP check: to which address, from which, and with TLS if asked for. */

import type { Socket } from "node:net";
import type { HttpProbe, TlsSpec } from "../core/probe_spec.ts";
import { err, ok, type Result } from "../core/result.ts";
import { couldNotRun, failed, type ProbeContext, type Verdict } from "./checker.ts";
import { dial } from "./dial.ts";
import { DenoWire, nodeWire, type Wire } from "./http_wire.ts";
import { prepareLookup, routesTo } from "./source.ts";
import { type Handshake, prepareTls, type Refusal, secure, type Secured } from "./tls.ts";
import { tlsFiles } from "./tls_files.ts";
import { enoughFor, forget, learn } from "./tls_trust.ts";
import { codeOf, inWords } from "./words.ts";

/** A connection on which HTTP can be spoken. */
export interface Connection {
  readonly wire: Wire;
  /** About the certificate. */
  readonly warning: string | null;
}

/** Sockets of one probe: whatever was opened for it is closed at its end. */
export class Sockets {
  readonly #open: { destroy(): unknown }[] = [];
  #isClosed = false;

  /** Keeps a socket until the end. */
  keep<S extends { destroy(): unknown }>(socket: S): S {
    this.#open.push(socket);
    if (this.#isClosed) socket.destroy();
    return socket;
  }

  /** Closes all, at once, and whatever may come later. */
  close(): void {
    this.#isClosed = true;
    // What lies above another goes first.
    for (const socket of this.#open.toReversed()) socket.destroy();
  }
}

/** The host of a URL as a name or an address: without the brackets of IPv6. */
export function hostOf({ hostname }: URL): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/** Connects to where a URL points. @param tls Of https: URLs. The error is the verdict. */
export async function connectTo(
  url: URL,
  tls: TlsSpec | null,
  probe: HttpProbe,
  context: ProbeContext,
  sockets: Sockets,
): Promise<Result<Connection, Verdict>> {
  const ways = await waysTo(url, probe, context);
  if (!ways.ok) return ways;
  if (tls === null) {
    const open = (way: Way) => plainWire(way, context.signal, sockets);
    const plain = await firstOf(ways.value, open, context.signal);
    return plain.ok ? ok({ wire: plain.value, warning: null }) : plain;
  }
  const dial = () => firstOf(ways.value, (way) => nodeSocket(way, sockets), context.signal);
  const files = await tlsFiles(tls);
  if (!files.ok) return err(couldNotRun(files.error));
  const name = tls.serverName ?? hostOf(url);
  const all = files.value.authorities;
  const server = `${url.host} ${name}`;
  const enough = enoughFor(server, all);
  const shake = { spec: tls, name, files: files.value, authorities: enough };
  let secured = await handshake(dial, shake, sockets);
  if (!secured.ok && secured.error.isUnknownAuthority && enough !== all) {
    forget(server);
    secured = await handshake(dial, { ...shake, authorities: all }, sockets);
  }
  if (!secured.ok) return err(secured.error.verdict);
  if (!tls.insecure) await learn(server, all, secured.value.certificate);
  return ok({ wire: nodeWire(secured.value.socket), warning: secured.value.warning });
}

/** Loads what `connectTo` needs for the same. */
export async function prepareConnection(
  url: URL,
  tls: TlsSpec | null,
  { unixSocket, sourceAddress, device }: HttpProbe,
): Promise<void> {
  if (unixSocket === null) await prepareLookup(hostOf(url));
  if (tls !== null || unixSocket !== null || sourceAddress !== null || device !== null) {
    await import("node:net");
  }
  if (tls === null) return;
  await prepareTls();
  await tlsFiles(tls);
}

interface Failure extends Pick<Refusal, "isUnknownAuthority"> {
  readonly verdict: Verdict;
}

async function handshake(
  dial: () => Promise<Result<Socket, Verdict>>,
  shake: Handshake,
  sockets: Sockets,
): Promise<Result<Secured, Failure>> {
  const plain = await dial();
  if (!plain.ok) return err({ verdict: plain.error, isUnknownAuthority: false });
  const secured = await secure(plain.value, shake, (socket) => keepQuiet(socket, sockets));
  if (secured.ok) return secured;
  const { why, isUnknownAuthority } = secured.error;
  return err({ verdict: failed(why), isUnknownAuthority });
}

/** Tries each address of the host in turn; the first that answers is it. */
async function firstOf<T>(
  ways: readonly Way[],
  open: (way: Way) => Promise<Result<T, Error>>,
  signal: AbortSignal,
): Promise<Result<T, Verdict>> {
  let refusal = failed("host name has no address");
  for (const way of ways) {
    if (signal.aborted) break;
    const opened = await open(way);
    if (opened.ok) return opened;
    refusal = explain(opened.error, "localAddress" in way);
  }
  return err(refusal);
}

/** To an address and port, perhaps from an address, or to a unix socket. */
type Way =
  | { readonly path: string }
  | { readonly host: string; readonly port: number; readonly localAddress?: string };

async function plainWire(
  way: Way,
  signal: AbortSignal,
  sockets: Sockets,
): Promise<Result<Wire, Error>> {
  if ("path" in way || way.localAddress !== undefined) {
    const socket = await nodeSocket(way, sockets);
    return socket.ok ? ok(nodeWire(socket.value)) : socket;
  }
  try {
    const connection = await dial(way.host, way.port, signal);
    return ok(sockets.keep(new DenoWire(connection)));
  } catch (error) {
    return err(error as Error);
  }
}

async function nodeSocket(way: Way, sockets: Sockets): Promise<Result<Socket, Error>> {
  const { connect } = await import("node:net");
  const socket = keepQuiet(connect(way), sockets);
  const error = await connected(socket);
  if (error === null) return ok(socket);
  socket.destroy();
  return err(error);
}

/** An error that nobody waits for is no reason to die. */
function keepQuiet<S extends Socket>(socket: S, sockets: Sockets): S {
  socket.on("error", () => {});
  return sockets.keep(socket);
}

async function waysTo(
  url: URL,
  probe: HttpProbe,
  context: ProbeContext,
): Promise<Result<readonly Way[], Verdict>> {
  if (probe.unixSocket !== null) return ok([{ path: probe.unixSocket }]);
  const routes = await routesTo(hostOf(url), probe, context);
  if (!routes.ok) return routes;
  const port = url.port === "" ? DEFAULT_PORTS[url.protocol]! : Number(url.port);
  return ok(routes.value.map(({ destination, source }) => ({
    host: destination,
    port,
    ...(source === null ? {} : { localAddress: source }),
  })));
}

/** Resolves to null when the connection is open, or to what prevented it. */
function connected(socket: Socket): Promise<Error | null> {
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(null));
    socket.once("error", resolve);
    socket.once("close", () => resolve(new Error("connection closed")));
  });
}

function explain(error: Error, hasSource: boolean): Verdict {
  // bind(2) says EADDRNOTAVAIL for an address that this host has not; Deno's node:net makes it EINVAL.
  const isSource = codeOf(error) === "EADDRNOTAVAIL" || hasSource && codeOf(error) === "EINVAL";
  return isSource ? couldNotRun("the source address is not on this host") : failed(inWords(error));
}
