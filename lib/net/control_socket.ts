/**
 * Requests to the running daemon: by the abstract socket that claims its network namespace
 * (lib/net/host.ts), so there is one for each namespace and nothing in the file system. One JSON
 * object a packet (SOCK_SEQPACKET) each way.
 */

import {
  abstractAddressOf,
  acceptConnection,
  peerCredentials,
  whenReadable,
} from "../../ffi/exec.ts";
import { AF, connectSocket, openSocket, receive, sendTo, SOCK } from "../../ffi/socket.ts";
import { ERRNO, SysError } from "../../ffi/errno.ts";
import { closeFd } from "../../ffi/fd.ts";
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
    const buffer = new Uint8Array(new ArrayBuffer(MAX_PACKET_BYTES));
    try {
      const length = receive(this.fd, buffer);
      if (length === null || length === 0 || length > buffer.length) return null;
      return JSON.parse(new TextDecoder().decode(buffer.subarray(0, length)));
    } catch (error) {
      if (error instanceof SysError || error instanceof SyntaxError) return null;
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

/**
 * Whether whoever is at the other end may ask, or answer, as this host's administrator: root or this
 * user, with this host's files. A container that shares the network namespace can have a root of its
 * own, to whom a path means another file.
 */
export function isTrustedPeer({ pid, uid }: ControlConnection["peer"]): boolean {
  if (uid !== 0 && uid !== Deno.uid()) return false;
  try {
    const theirs = Deno.statSync(`/proc/${pid}/root/`), own = Deno.statSync("/");
    const user = (who: string) => Deno.readLinkSync(`/proc/${who}/ns/user`);
    return theirs.dev === own.dev && theirs.ino === own.ino && user(`${pid}`) === user("self");
  } catch (error) {
    // Who is not root may not look at others, and has no files of root's to lose.
    const isDenied = error instanceof Deno.errors.PermissionDenied;
    return isDenied && Deno.uid() !== 0;
  }
}

/** Connects to the daemon of this network namespace. @returns Null if none runs. @throws {SysError} */
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

/** Waits for the next connection. @param fd The claim. */
export async function nextConnection(fd: number): Promise<ControlConnection> {
  for (;;) {
    await whenReadable(fd, null);
    const connection = acceptConnection(fd);
    if (connection !== null) return new ControlConnection(connection);
  }
}
