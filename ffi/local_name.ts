/** Names that one process of a network namespace can hold: abstract UNIX-domain sockets (unix(7)). */

import { AF, SO, SOCK, SOL } from "./constants.ts";
import { ERRNO, must, SysError } from "./errno.ts";
import { closeFd } from "./fd.ts";
import { type Bytes, HOST_ORDER, SOCKADDR_UN, UCRED, viewOf } from "./layout.ts";
import { libc } from "./libc.ts";
import { PollSet } from "./poll.ts";
import { bindSocket, connectSocket, openSocket } from "./socket.ts";

/** Who holds a name; null where that cannot be found out: whoever it is does not answer. */
export interface NameHolder {
  readonly pid: number | null;
  readonly uid: number | null;
}

/** Whoever wants to know the holder connects; nobody is ever accepted, so there is room for many. */
const BACKLOG = 4096;

/** A holder that has bound the name but does not listen yet gets this long, so many times. */
const PATIENCE = { waitUs: 5000, tries: 20 } as const;

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
  for (let attempt = 0; attempt < PATIENCE.tries; attempt++) {
    const answer = askHolder(address, doing);
    if (answer !== "not listening") return answer === "too busy" ? NOBODY_KNOWN : answer;
    new PollSet().wait(PATIENCE.waitUs);
  }
  return NOBODY_KNOWN;
}

const NOBODY_KNOWN: NameHolder = { pid: null, uid: null };

function askHolder(address: Bytes, doing: string): NameHolder | "not listening" | "too busy" {
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
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (error.errno === ERRNO.ECONNREFUSED) return "not listening";
    if (error.errno === ERRNO.EAGAIN) return "too busy";
    throw error;
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
