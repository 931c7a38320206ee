/** Names that one process of a network namespace can hold: abstract UNIX-domain sockets (unix(7)). */

import { AF, SO, SOCK, SOL } from "./constants.ts";
import { ERRNO, must, SysError } from "./errno.ts";
import { closeFd } from "./fd.ts";
import { type Bytes, HOST_ORDER, SOCKADDR_UN, UCRED, viewOf } from "./layout.ts";
import { libc } from "./libc.ts";
import { bindSocket, connectSocket, openSocket } from "./socket.ts";

/** Who holds a name. */
export interface NameHolder {
  readonly pid: number;
  readonly uid: number;
}

/** Whoever wants to know the holder connects; nobody is ever accepted. */
const BACKLOG = 8;

/**
 * Takes a name for this process; it is free again when the descriptor is closed, or the process ends.
 * @returns The descriptor, or who has the name already.
 * @throws {SysError}
 */
export function claimName(name: string): number | NameHolder {
  const doing = `claim the name "${name}"`, address = abstractAddress(name);
  const fd = openSocket(AF.UNIX, SOCK.SEQPACKET, 0, doing);
  try {
    bindSocket(fd, address, doing);
    must("listen", libc.listen(fd, BACKLOG), doing);
    return fd;
  } catch (error) {
    closeFd(fd);
    if (!(error instanceof SysError) || error.errno !== ERRNO.EADDRINUSE) throw error;
    return holderOf(address, doing);
  }
}

function holderOf(address: Bytes, doing: string): NameHolder {
  const fd = openSocket(AF.UNIX, SOCK.SEQPACKET, 0, doing);
  try {
    connectSocket(fd, address, doing);
    const found = new Uint8Array(UCRED.size), length = new Uint8Array(4);
    viewOf(length).setUint32(0, found.length, HOST_ORDER);
    const result = libc.getsockopt(fd, SOL.SOCKET, SO.PEERCRED, found, length);
    must("getsockopt", result, doing);
    const view = viewOf(found);
    return {
      pid: view.getInt32(UCRED.at.pid, HOST_ORDER),
      uid: view.getUint32(UCRED.at.uid, HOST_ORDER),
    };
  } finally {
    closeFd(fd);
  }
}

/** A name behind a zero byte; the length of the address says where it ends. */
function abstractAddress(name: string): Bytes {
  const text = new TextEncoder().encode(name), path = SOCKADDR_UN.at.sun_path;
  const bytes = new Uint8Array(path + 1 + text.length);
  viewOf(bytes).setUint16(SOCKADDR_UN.at.sun_family, AF.UNIX, HOST_ORDER);
  bytes.set(text, path + 1);
  return bytes;
}
