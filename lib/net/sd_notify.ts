/** What a service manager is told over its datagram socket (sd_notify(3)). */

import { monotonicUs } from "../../ffi/clock.ts";
import { SysError } from "../../ffi/errno.ts";
import { closeFd } from "../../ffi/fd.ts";
import { type Bytes, HOST_ORDER, SOCKADDR_UN, viewOf } from "../../ffi/layout.ts";
import { AF, openSocket, sendTo, SOCK } from "../../ffi/socket.ts";
import { err, ok, type Result } from "../core/result.ts";

/** The open end of a notification socket. */
export interface NotifySocket {
  /**
   * Sends assignments: "READY=1". Never waits, never throws.
   * @returns Why they were not sent, in words; null if they were.
   */
  send(...assignments: readonly string[]): string | null;
  close(): void;
}

/**
 * Opens the socket that NOTIFY_SOCKET names: a path, or behind an "@" an abstract name.
 * @returns Or why it cannot be used, in words.
 */
export function openNotifySocket(name: string): Result<NotifySocket, string> {
  const address = socketAddress(name);
  if (address === null) return err(`Cannot use NOTIFY_SOCKET "${name}": no such kind of address`);
  try {
    const fd = openSocket(AF.UNIX, SOCK.DGRAM, 0, "tell the service manager");
    return ok(new OpenSocket(fd, address));
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return err(error.message);
  }
}

/** "MONOTONIC_USEC=…", which goes with RELOADING=1. */
export function monotonicAssignment(): string {
  return `MONOTONIC_USEC=${monotonicUs()}`;
}

class OpenSocket implements NotifySocket {
  readonly #address: Bytes;
  #fd: number | null;

  constructor(fd: number, address: Bytes) {
    this.#fd = fd;
    this.#address = address;
  }

  send(...assignments: readonly string[]): string | null {
    if (this.#fd === null) return "it is closed";
    try {
      sendTo(this.#fd, new TextEncoder().encode(assignments.join("\n")), this.#address);
      return null;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      return error.message;
    }
  }

  close(): void {
    if (this.#fd !== null) closeFd(this.#fd);
    this.#fd = null;
  }
}

/** Null for what is neither a path nor an abstract name, or too long to be one. */
function socketAddress(name: string): Bytes | null {
  if (!/^[/@]./.test(name)) return null;
  const text = new TextEncoder().encode(name.replace(/^@/, "\0"));
  const at = SOCKADDR_UN.at.sun_path;
  // A path ends with a NUL, which must fit too; of an abstract name the length says where it ends.
  const length = at + text.length + (name.startsWith("/") ? 1 : 0);
  if (length > SOCKADDR_UN.size) return null;
  const bytes = new Uint8Array(length);
  viewOf(bytes).setUint16(SOCKADDR_UN.at.sun_family, AF.UNIX, HOST_ORDER);
  bytes.set(text, at);
  return bytes;
}
