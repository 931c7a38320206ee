/**
 * Requests to the running daemon: by the abstract socket that claims its network namespace
 * (lib/net/host.ts), so there is one for each namespace and nothing in the file system. One JSON
 * object a packet (SOCK_SEQPACKET) each way.
 */

import {
  abstractAddressOf,
  acceptConnection,
  peerCredentials,
  whenAnyReadable,
  whenReadable,
} from "../../ffi/exec.ts";
import { AF, connectSocket, openSocket, receive, sendTo, SOCK } from "../../ffi/socket.ts";
import { ERRNO, SysError } from "../../ffi/errno.ts";
import { closeFd } from "../../ffi/fd.ts";
import { err, ok, type Result } from "../core/result.ts";
import { DAEMON_NAME } from "./host.ts";

/** The longest packet that is read; the kernel's send buffer has 208 KiB by default. */
const MAX_PACKET_BYTES = 262_144;

/** One connection, at either end. */
export class ControlConnection {
  readonly fd: number;
  /** Who is at the other end. */
  readonly peer: { readonly pid: number; readonly uid: number };
  #isClosed = false;

  /** @param fd An open connection; this object closes it. */
  constructor(fd: number) {
    this.fd = fd;
    this.peer = peerCredentials(fd);
  }

  /** Sends one object; one that nobody reads any more is lost. @returns Whether it was sent. */
  send(message: unknown): boolean {
    try {
      sendTo(this.fd, new TextEncoder().encode(JSON.stringify(message)), null);
      return true;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      return false;
    }
  }

  /** The next object; null at the end of the connection, when time is over, or for what is no JSON. */
  async receive(timeoutMs: number): Promise<unknown> {
    if (!await whenReadable(this.fd, timeoutMs) || this.#isClosed) return null;
    return this.read() ?? null;
  }

  /** The same without waiting; undefined while nothing has come. */
  read(): unknown {
    const buffer = new Uint8Array(new ArrayBuffer(MAX_PACKET_BYTES));
    try {
      const length = this.#receive(buffer);
      if (length === null) return undefined;
      if (length === 0 || length > buffer.length) return null;
      return JSON.parse(new TextDecoder().decode(buffer.subarray(0, length)));
    } catch (error) {
      if (error instanceof SysError || error instanceof SyntaxError) return null;
      throw error;
    }
  }

  /**
   * Who closes without having read all resets the other end, which is told so once, before what was
   * said to it (unix(7)): a refusal, for one.
   */
  #receive(buffer: Uint8Array<ArrayBuffer>): number | null {
    try {
      return receive(this.fd, buffer);
    } catch (error) {
      if (error instanceof SysError && error.code === "ECONNRESET") return receive(this.fd, buffer);
      throw error;
    }
  }

  /** Closes it; twice does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeFd(this.fd);
  }
}

/** Root, or this process's own user: nobody else asks or answers as the administrator. */
export function isAdministrator({ uid }: ControlConnection["peer"]): boolean {
  return uid === 0 || uid === Deno.uid();
}

/**
 * Whether whoever is at the other end is of this host as far as this process can see: root or this
 * user, with this host's files. A container that shares the network namespace can have a root of its
 * own, to whom a path means another file. Sees only those that have no more capabilities.
 */
export function isTrustedPeer(peer: ControlConnection["peer"]): boolean {
  if (!isAdministrator(peer)) return false;
  try {
    const theirs = Deno.statSync(`/proc/${peer.pid}/root/`), own = Deno.statSync("/");
    const user = (who: string) => Deno.readLinkSync(`/proc/${who}/ns/user`);
    return theirs.dev === own.dev && theirs.ino === own.ino &&
      user(`${peer.pid}`) === user("self");
  } catch (error) {
    // Who is not root may not look at others, and has no files of root's to lose.
    const isDenied = error instanceof Deno.errors.PermissionDenied;
    return isDenied && Deno.uid() !== 0;
  }
}

/**
 * Connects to the daemon of this network namespace. @returns Null if none runs.
 * @throws {SysError} EAGAIN if as many wait already as may (connect(2)).
 */
export function connectToDaemon(): ControlConnection | null {
  const fd = openSocket(AF.UNIX, SOCK.SEQPACKET, 0, "reach the daemon");
  try {
    connectSocket(fd, abstractAddressOf(DAEMON_NAME), "reach the daemon");
    return new ControlConnection(fd);
  } catch (error) {
    closeFd(fd);
    if (error instanceof SysError && error.errno === ERRNO.ECONNREFUSED) return null;
    throw error;
  }
}

/** Between two attempts at a daemon that many others want to reach. */
const AGAIN_MS = 50;

const CROWDED = "vigie takes no more requests, as too many wait already: it is stopped, or hangs";

/**
 * The same for a command: tries for so long if there is no room. The error is for whoever has asked.
 * @throws {SysError}
 */
export async function reachDaemon(patienceMs: number): Promise<Result<ControlConnection, string>> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      const connection = connectToDaemon();
      return connection === null ? err("No vigie runs in this network namespace") : ok(connection);
    } catch (error) {
      if (!(error instanceof SysError) || error.errno !== ERRNO.EAGAIN) throw error;
    }
    if (performance.now() >= until) return err(CROWDED);
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/**
 * Waits until one of these has something to say, all in one thread of the runtime's.
 * @param claim The listening socket: a connection waits there.
 * @returns Which; nothing when the time is over.
 */
export async function whenAnySpeaks(
  claim: number,
  connections: readonly ControlConnection[],
  timeoutMs: number | null,
): Promise<{ readonly claim: boolean; readonly connections: readonly ControlConnection[] }> {
  const fds = [claim, ...connections.map(({ fd }) => fd)];
  const ready = new Set(await whenAnyReadable(fds, timeoutMs));
  return { claim: ready.has(claim), connections: connections.filter(({ fd }) => ready.has(fd)) };
}

/** A host, or a process, that has too many files open or too little memory has not for ever. */
const PASSING: readonly string[] = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"];

/**
 * Connections that wait.
 * @param atMost So many of them.
 * @returns Null if there is no room for one at the moment: they go on waiting. @throws {SysError}
 */
export function waitingConnections(claim: number, atMost: number): ControlConnection[] | null {
  const accepted: ControlConnection[] = [];
  try {
    while (accepted.length < atMost) {
      const fd = acceptConnection(claim);
      if (fd === null) break;
      accepted.push(new ControlConnection(fd));
    }
    return accepted;
  } catch (error) {
    if (!(error instanceof SysError) || !PASSING.includes(error.code)) throw error;
    return accepted.length > 0 ? accepted : null;
  }
}
