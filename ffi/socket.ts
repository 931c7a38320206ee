/** Sockets: opening, binding, plain sending and receiving. The rest of the socket API is re-exported. */

import { AF, MSG, SOCK } from "./constants.ts";
import { ERRNO, lastErrno, must, retryInterrupted } from "./errno.ts";
import { type Bytes, HOST_ORDER, SOCKADDR_STORAGE, viewOf } from "./layout.ts";
import { libc } from "./libc.ts";

export * from "./constants.ts";
export * from "./message.ts";
export * from "./sockaddr.ts";
export * from "./socket_options.ts";

/**
 * Opens a socket, always close-on-exec and nonblocking.
 * @param domain AF.*. @param type SOCK.*. @param protocol IPPROTO.* or, for AF.PACKET, ETH_P.*.
 * @throws {SysError} EPERM without CAP_NET_RAW for raw and packet sockets.
 */
export function openSocket(domain: number, type: number, protocol: number, doing: string): number {
  // packet(7) wants the EtherType in network order; 0 receives nothing until bind.
  const wire = domain === AF.PACKET ? swap16(protocol) : protocol;
  return must("socket", libc.socket(domain, type | SOCK.CLOEXEC | SOCK.NONBLOCK, wire), doing);
}

/** Gives a socket its own address. @throws {SysError} */
export function bindSocket(fd: number, sockaddr: Bytes, doing = "bind a socket"): void {
  must("bind", libc.bind(fd, sockaddr, sockaddr.length), doing);
}

/** Fixes the peer: sends go there, only its datagrams arrive. @throws {SysError} */
export function connectSocket(fd: number, sockaddr: Bytes, doing = "connect a socket"): void {
  must("connect", libc.connect(fd, sockaddr, sockaddr.length), doing);
}

/** The socket's own address. @throws {SysError} */
export function socketName(fd: number, doing = "read a socket's address"): Bytes {
  const name = new Uint8Array(SOCKADDR_STORAGE.size), length = new Uint8Array(4);
  viewOf(length).setUint32(0, name.length, HOST_ORDER);
  must("getsockname", libc.getsockname(fd, name, length), doing);
  return name.slice(0, viewOf(length).getUint32(0, HOST_ORDER));
}

/**
 * Two connected AF_UNIX sockets that keep message boundaries (SOCK_SEQPACKET), nonblocking and
 * close-on-exec. A descriptor works in every thread of the process.
 * @throws {SysError} EMFILE if the process has too many descriptors.
 */
export function socketPair(): [number, number] {
  const pair = new Uint8Array(8), type = SOCK.SEQPACKET | SOCK.CLOEXEC | SOCK.NONBLOCK;
  must("socketpair", libc.socketpair(AF.UNIX, type, 0, pair), "open a socket pair");
  return [viewOf(pair).getInt32(0, HOST_ORDER), viewOf(pair).getInt32(4, HOST_ORDER)];
}

/**
 * Sends one datagram.
 * @param sockaddr Destination; null for a connected socket.
 * @param flags MSG.*; a closed peer never raises SIGPIPE.
 * @returns Bytes sent.
 * @throws {SysError} EAGAIN if the send buffer is full; ENETDOWN, EPERM and so on as send(2).
 */
export function sendTo(
  fd: number,
  data: Bytes,
  sockaddr: Bytes | null,
  flags = 0,
  doing = "send a packet",
): number {
  const all = flags | MSG.NOSIGNAL, length = sockaddr?.length ?? 0;
  const sent = retryInterrupted(() => {
    return libc.sendto(fd, data, BigInt(data.length), all, sockaddr, length);
  });
  return must("sendto", sent, doing);
}

/**
 * Receives one datagram into `buffer`.
 * @returns The datagram's true length: more than `buffer.length` if it did not fit (the rest is
 * lost), 0 at the end of a SEQPACKET; null if none is waiting.
 * @throws {SysError} ENETDOWN, ECONNREFUSED and so on, once, as recv(2).
 */
export function receive(fd: number, buffer: Bytes, doing = "receive a packet"): number | null {
  const length = retryInterrupted(() => libc.recv(fd, buffer, BigInt(buffer.length), MSG.TRUNC));
  if (length < 0 && lastErrno() === ERRNO.EAGAIN) return null;
  return must("recv", length, doing);
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8 & 0xff);
}
