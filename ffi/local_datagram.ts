/** Datagram sockets to a path, such as /dev/log (unix(7)). Deno has none without an unstable flag. */

import { AF, SOCK } from "./constants.ts";
import { closeFd } from "./fd.ts";
import { type Bytes, HOST_ORDER, SOCKADDR_UN, viewOf } from "./layout.ts";
import { connectSocket, openSocket } from "./socket.ts";

/**
 * Opens a datagram socket whose peer is a path. Nonblocking, close-on-exec.
 * @throws {SysError} ENOENT, ECONNREFUSED if nobody listens, EPROTOTYPE if it is of another type.
 */
export function connectDatagram(path: string): number {
  const doing = `reach "${path}"`;
  const fd = openSocket(AF.UNIX, SOCK.DGRAM, 0, doing);
  try {
    connectSocket(fd, pathAddress(path), doing);
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/** @throws {TypeError} If the path is longer than an address can be. */
function pathAddress(path: string): Bytes {
  const text = new TextEncoder().encode(path), { size, at } = SOCKADDR_UN;
  if (at.sun_path + text.length >= size) throw new TypeError(`Cannot reach "${path}": too long`);
  const bytes = new Uint8Array(at.sun_path + text.length + 1);
  viewOf(bytes).setUint16(at.sun_family, AF.UNIX, HOST_ORDER);
  bytes.set(text, at.sun_path);
  return bytes;
}
