/** Socket options; those that take a struct have a function of their own. */

import { IP, IPPROTO, IPV6, PACKET, SO, SOL } from "./constants.ts";
import { ERRNO, must, SysError } from "./errno.ts";
import {
  type Bytes,
  HOST_ORDER,
  IP_MREQN,
  IPV6_MREQ,
  PACKET_MREQ,
  SOCK_FILTER,
  SOCK_FPROG,
  viewOf,
} from "./layout.ts";
import { cString, libc } from "./libc.ts";

/**
 * Sets an option.
 * @param level SOL.* or IPPROTO.*. @param name The option, for example IP.HDRINCL.
 * @param value A number is passed as int; bytes are passed as they are.
 * @throws {SysError} ENOPROTOOPT if the kernel does not know the option; EPERM and so on.
 */
export function setOption(
  fd: number,
  level: number,
  name: number,
  value: number | Bytes,
  doing: string,
): void {
  const bytes = typeof value === "number" ? int(value) : value;
  must("setsockopt", libc.setsockopt(fd, level, name, bytes, bytes.length), doing);
}

/** Value of an option that is an int. SO.RCVBUF reads back doubled, see socket(7). @throws {SysError} */
export function getOption(
  fd: number,
  level: number,
  name: number,
  doing = `read socket option ${level}/${name}`,
): number {
  const value = new Uint8Array(4), length = int(4);
  must("getsockopt", libc.getsockopt(fd, level, name, value, length), doing);
  return viewOf(value).getInt32(0, HOST_ORDER);
}

/** Receives a group's packets that arrive on one interface. @throws {SysError} EADDRINUSE if it does already. */
export function joinGroup4(fd: number, group4: Uint8Array, ifindex: number): void {
  const doing = `join an IPv4 group on interface ${ifindex}`;
  setOption(fd, IPPROTO.IP, IP.ADD_MEMBERSHIP, ipMreqn(group4, ifindex), doing);
}

/** Undoes `joinGroup4`. @throws {SysError} EADDRNOTAVAIL if it had not joined. */
export function leaveGroup4(fd: number, group4: Uint8Array, ifindex: number): void {
  const doing = `leave an IPv4 group on interface ${ifindex}`;
  setOption(fd, IPPROTO.IP, IP.DROP_MEMBERSHIP, ipMreqn(group4, ifindex), doing);
}

/** Interface that IPv4 multicast leaves by. @throws {SysError} */
export function setMulticastInterface4(fd: number, ifindex: number): void {
  const doing = `send IPv4 multicast on interface ${ifindex}`;
  setOption(fd, IPPROTO.IP, IP.MULTICAST_IF, ipMreqn(new Uint8Array(4), ifindex), doing);
}

/** Receives a group's packets that arrive on one interface. @throws {SysError} EADDRINUSE if it does already. */
export function joinGroup6(fd: number, group16: Uint8Array, ifindex: number): void {
  const doing = `join an IPv6 group on interface ${ifindex}`;
  setOption(fd, IPPROTO.IPV6, IPV6.JOIN_GROUP, ipv6Mreq(group16, ifindex), doing);
}

/** Undoes `joinGroup6`. @throws {SysError} EADDRNOTAVAIL if it had not joined. */
export function leaveGroup6(fd: number, group16: Uint8Array, ifindex: number): void {
  const doing = `leave an IPv6 group on interface ${ifindex}`;
  setOption(fd, IPPROTO.IPV6, IPV6.LEAVE_GROUP, ipv6Mreq(group16, ifindex), doing);
}

/** Interface that IPv6 multicast leaves by. @throws {SysError} */
export function setMulticastInterface6(fd: number, ifindex: number): void {
  const doing = `send IPv6 multicast on interface ${ifindex}`;
  setOption(fd, IPPROTO.IPV6, IPV6.MULTICAST_IF, ifindex, doing);
}

/** Sends and receives on one interface only. Empty name: on all again. @throws {SysError} ENODEV */
export function bindToDevice(fd: number, name: string): void {
  setOption(fd, SOL.SOCKET, SO.BINDTODEVICE, cString(name), `bind a socket to interface ${name}`);
}

/** Lets a packet socket see frames for every station of the segment. @throws {SysError} */
export function setPromiscuous(fd: number, ifindex: number): void {
  const request = new Uint8Array(PACKET_MREQ.size), view = viewOf(request);
  view.setInt32(PACKET_MREQ.at.mr_ifindex, ifindex, HOST_ORDER);
  view.setUint16(PACKET_MREQ.at.mr_type, PACKET.MR_PROMISC, HOST_ORDER);
  const doing = `listen to all frames on interface ${ifindex}`;
  setOption(fd, SOL.PACKET, PACKET.ADD_MEMBERSHIP, request, doing);
}

/**
 * Asks for a receive buffer of so many bytes: beyond net.core.rmem_max with CAP_NET_ADMIN, up to it
 * without.
 * @throws {SysError}
 */
export function setReceiveBuffer(fd: number, bytes: number): void {
  const doing = `set a receive buffer of ${bytes} bytes`;
  try {
    setOption(fd, SOL.SOCKET, SO.RCVBUFFORCE, bytes, doing);
  } catch (error) {
    if (!(error instanceof SysError) || error.errno !== ERRNO.EPERM) throw error;
    setOption(fd, SOL.SOCKET, SO.RCVBUF, bytes, doing);
  }
}

/** One instruction of classic BPF (linux/filter.h, struct sock_filter). */
export interface FilterInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/**
 * Drops in the kernel what a classic BPF program rejects.
 * @throws {SysError} EINVAL if the kernel finds the program wrong.
 */
export function attachFilter(fd: number, program: readonly FilterInstruction[]): void {
  // The kernel follows a pointer to the program: memory off the JavaScript heap, which never moves.
  const code = new Uint8Array(new ArrayBuffer(program.length * SOCK_FILTER.size));
  const view = viewOf(code), { at } = SOCK_FILTER;
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    const from = index * SOCK_FILTER.size;
    view.setUint16(from + at.code, code, HOST_ORDER);
    view.setUint8(from + at.jt, jt);
    view.setUint8(from + at.jf, jf);
    view.setUint32(from + at.k, k, HOST_ORDER);
  }
  const head = new Uint8Array(SOCK_FPROG.size);
  viewOf(head).setUint16(SOCK_FPROG.at.len, program.length, HOST_ORDER);
  const pointer = Deno.UnsafePointer.value(Deno.UnsafePointer.of(code));
  viewOf(head).setBigUint64(SOCK_FPROG.at.filter, pointer, HOST_ORDER);
  setOption(fd, SOL.SOCKET, SO.ATTACH_FILTER, head, `attach a filter of ${program.length} steps`);
}

function int(value: number): Bytes {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setInt32(0, value, HOST_ORDER);
  return bytes;
}

function ipMreqn(group4: Uint8Array, ifindex: number): Bytes {
  const request = new Uint8Array(IP_MREQN.size);
  request.set(group4.subarray(0, 4), IP_MREQN.at.imr_multiaddr);
  viewOf(request).setInt32(IP_MREQN.at.imr_ifindex, ifindex, HOST_ORDER);
  return request;
}

function ipv6Mreq(group16: Uint8Array, ifindex: number): Bytes {
  const request = new Uint8Array(IPV6_MREQ.size);
  request.set(group16.subarray(0, 16), IPV6_MREQ.at.ipv6mr_multiaddr);
  viewOf(request).setInt32(IPV6_MREQ.at.ipv6mr_interface, ifindex, HOST_ORDER);
  return request;
}
