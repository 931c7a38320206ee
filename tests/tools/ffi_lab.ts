/** A laboratory for the tests of ffi: two network namespaces of their own, joined by a veth pair. */

import { capabilities } from "../../ffi/capabilities.ts";
import { IFF } from "../../ffi/constants.ts";
import { NetworkNamespace } from "../../ffi/namespace.ts";
import { NETLINK } from "../../ffi/netlink.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import {
  addAddress,
  addLink,
  type AddressSpec,
  dumpLinks,
  IFA_F,
  type LinkInfo,
  setLink,
} from "../../ffi/rtnetlink.ts";

/** Whether this process may make namespaces and raw sockets. */
export const PRIVILEGED = ["CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_NET_RAW"]
  .every((name) => (capabilities().effective as ReadonlySet<string>).has(name));

/** A test that needs privileges; without them it is skipped and its name says why. */
export function privilegedTest(name: string, body: () => void | Promise<void>): void {
  const suffix = PRIVILEGED ? "" : " [skipped: needs CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_NET_RAW]";
  Deno.test({ name: `${name}${suffix}`, ignore: !PRIVILEGED, fn: body });
}

/** One end of the pair. */
export interface Side {
  readonly namespace: NetworkNamespace;
  /** A route socket inside the namespace. */
  readonly route: NetlinkSocket;
  /** Index of its veth interface. */
  readonly index: number;
  /** Name of its veth interface. */
  readonly name: string;
}

/** Two joined namespaces; `using` ends them. */
export interface Pair {
  readonly a: Side;
  readonly b: Side;
  [Symbol.dispose](): void;
}

/** 10.99.0.1 and 10.99.0.2. */
export const ADDRESS4 = { a: Uint8Array.of(10, 99, 0, 1), b: Uint8Array.of(10, 99, 0, 2) } as const;

/** fe80::a and fe80::b. */
export const ADDRESS6 = { a: linkLocal(0x0a), b: linkLocal(0x0b) } as const;

/** Opens a route socket inside a namespace. */
export function routeSocket(namespace: NetworkNamespace): NetlinkSocket {
  return namespace.run(() => new NetlinkSocket(NETLINK.ROUTE, "test rtnetlink"));
}

/** The link of a name. @throws {Error} If there is none. */
export function linkNamed(socket: NetlinkSocket, name: string): LinkInfo {
  const link = dumpLinks(socket).find((candidate) => candidate.name === name);
  if (link === undefined) throw new Error(`Cannot find link ${name}`);
  return link;
}

/** Two namespaces with addresses on a veth pair, up: 10.99.0.1-2/24, fe80::a-b/64. */
export function joinedNamespaces(): Pair {
  const spaces = { a: NetworkNamespace.create(), b: NetworkNamespace.create() };
  const routes = { a: routeSocket(spaces.a), b: routeSocket(spaces.b) };
  addLink(routes.a, {
    name: "left",
    kind: "veth",
    peerName: "right",
    peerNamespaceFd: spaces.b.fd,
  });
  const side = (key: "a" | "b", name: string): Side => {
    const route = routes[key], { index } = linkNamed(route, name);
    setLink(route, index, { up: true });
    addAddress(route, { index, local: ADDRESS4[key], prefixLength: 24 });
    addAddress(route, noDuplicateDetection(index, ADDRESS6[key]));
    return { namespace: spaces[key], route, index, name };
  };
  const a = side("a", "left"), b = side("b", "right");
  for (const end of [a, b]) waitForCarrier(end);
  const dispose = () => {
    for (const { route, namespace } of [a, b]) {
      route.close();
      namespace.close();
    }
  };
  return { a, b, [Symbol.dispose]: dispose };
}

/** Waits until the kernel has noticed that a link can carry something: before, it drops what is sent. */
function waitForCarrier({ route, name }: Side): void {
  const pause = new Int32Array(new SharedArrayBuffer(4)), deadline = performance.now() + 60_000;
  while ((linkNamed(route, name).flags & IFF.RUNNING) === 0) {
    if (performance.now() > deadline) throw new Error(`Waited in vain for the carrier of ${name}`);
    Atomics.wait(pause, 0, 0, 2);
  }
}

function noDuplicateDetection(index: number, local: Uint8Array): AddressSpec {
  return { index, local, prefixLength: 64, flags: IFA_F.NODAD };
}

function linkLocal(last: number): Uint8Array {
  const address = new Uint8Array(16);
  address.set([0xfe, 0x80]);
  address[15] = last;
  return address;
}
