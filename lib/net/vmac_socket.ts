/**
 * Sockets on the links of virtual routers. Adverts leave by them, and what another router sends with
 * the same MAC is heard by them alone: the kernel takes a frame from a macvlan's own MAC for the
 * macvlan's, and its parent never sees it (macvlan_handle_frame, drivers/net/macvlan.c).
 */

import {
  attachFilter,
  type FilterInstruction,
  IPPROTO,
  IPV6,
  setOption,
} from "../../ffi/socket.ts";
import { type Family, type Ip, type Mac, macBytes } from "../core/address.ts";
import type { HostTable, Link } from "./links.ts";
import { OpenSockets, type PoolObserver } from "./open_sockets.ts";
import { type AdvertSender, VrrpSocket } from "./vrrp_socket.ts";

/** Opcodes of classic BPF, assembled from linux/bpf_common.h. */
const BPF = { LD_WORD: 0x20, LD_HALF: 0x28, JEQ: 0x15, RET: 0x06 } as const;

/** SKF_LL_OFF (linux/filter.h): offsets from there on count from the link-layer header. */
const LINK_LAYER = -0x200000;

/** Where the sender's address is in an Ethernet header. */
const SENDER = 6;

const WHOLE_PACKET = 0xffff_ffff;

/**
 * Lets through what comes from one MAC. All other multicast reaches the parent too, and would count
 * twice.
 */
export function fromMac(mac: Mac): readonly FilterInstruction[] {
  const view = new DataView(macBytes(mac).buffer);
  const at = (offset: number) => (LINK_LAYER + SENDER + offset) >>> 0;
  return [
    { code: BPF.LD_WORD, jt: 0, jf: 0, k: at(0) },
    { code: BPF.JEQ, jt: 0, jf: 3, k: view.getUint32(0) },
    { code: BPF.LD_HALF, jt: 0, jf: 0, k: at(4) },
    { code: BPF.JEQ, jt: 0, jf: 1, k: view.getUint16(4) },
    { code: BPF.RET, jt: 0, jf: 0, k: WHOLE_PACKET },
    { code: BPF.RET, jt: 0, jf: 0, k: 0 },
  ];
}

/** Who has a link of its own, and where it finds the socket. */
export interface VmacSocketUser {
  readonly spec: {
    readonly router: {
      readonly family: Family;
      readonly group: Ip;
      readonly authentication: { readonly type: string };
    };
  };
  readonly vmacIfindex: number | null;
  vmacSocket: AdvertSender | null;
  socketError: string | null;
}

/** How the names of such sockets begin, where others are named too. */
const PREFIX = "vmac ";

/** Whether a handed-over socket is one of these. */
export function isVmacSocket(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** Opens, shares and closes them. */
export class VmacSockets {
  readonly #open: OpenSockets;

  constructor(observer: PoolObserver) {
    this.#open = new OpenSockets(observer);
  }

  /** Gives every user its socket; closes what nobody needs. After the `assign` of interfaces' sockets. */
  assign(users: readonly VmacSocketUser[], table: HostTable): void {
    const needed = new Set<string>();
    for (const user of users) {
      const link = user.vmacIfindex === null ? undefined : table.byIndex(user.vmacIfindex);
      const { family, group } = user.spec.router;
      user.vmacSocket = link === undefined
        ? null
        : this.#open.open(`${PREFIX}${family} ${link.index}`, user, needed, {
          make: (protocol) => {
            const socket = new VrrpSocket(family, link, undefined, protocol);
            setUp(socket, link);
            return socket;
          },
          ready: (socket) => socket.join(group),
        });
    }
    this.#open.closeOthers(needed);
  }

  /** Every open socket, by the name under which `adopt` takes it. */
  all(): readonly (readonly [string, VrrpSocket])[] {
    return this.#open.all();
  }

  /** Takes a socket that is open already; before the first `assign`, which closes it if nobody needs it. */
  adopt(name: string, socket: VrrpSocket): void {
    this.#open.adopt(name, socket);
  }

  /** Closes all of them. */
  close(): void {
    this.#open.closeOthers(new Set());
  }
}

/** @throws {SysError} The socket is closed then. */
function setUp(socket: VrrpSocket, { mac }: Link): void {
  try {
    if (mac !== null) attachFilter(socket.fd, fromMac(mac));
    // The source of adverts is the parent's address. Who writes an IPv4 header may say what he likes;
    // for IPv6 it must be asked for (linux/in6.h).
    if (socket.family !== "ipv6") return;
    setOption(socket.fd, IPPROTO.IPV6, IPV6.FREEBIND, 1, "set up VRRP socket (IPV6_FREEBIND)");
  } catch (error) {
    socket.close();
    throw error;
  }
}
