/** The socket of the local syslog daemon. */

import { SysError } from "../../ffi/errno.ts";
import { closeFd } from "../../ffi/fd.ts";
import { connectDatagram } from "../../ffi/local_datagram.ts";
import { sendTo } from "../../ffi/socket.ts";
import type { Bytes } from "../core/bytes.ts";

/** Where syslog(3) writes (_PATH_LOG of sys/syslog.h). */
export const SYSLOG_PATH = "/dev/log";

/** Datagrams to a path; whoever reads them may be restarted meanwhile. */
export class SyslogSocket {
  readonly #path: string;
  #fd: number | null = null;

  constructor(path = SYSLOG_PATH) {
    this.#path = path;
  }

  /** Never waits. @returns False if it is lost: nobody listens, or its reader is too slow. */
  send(bytes: Bytes): boolean {
    return this.#trySend(bytes) || this.#trySend(bytes);
  }

  /** Lets go of the socket. */
  close(): void {
    if (this.#fd !== null) closeFd(this.#fd);
    this.#fd = null;
  }

  /** After a failure the next attempt begins with a new socket: the old reader may be gone. */
  #trySend(bytes: Bytes): boolean {
    try {
      this.#fd ??= connectDatagram(this.#path);
      sendTo(this.#fd, bytes, null);
      return true;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.close();
      return false;
    }
  }
}
