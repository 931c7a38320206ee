/** A master's adverts and addresses while its engine is between two images, or gone for ever. */

import { SysError } from "../../ffi/errno.ts";
import { NETLINK } from "../../ffi/netlink_constants.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { AddressOwner } from "../net/addresses.ts";
import { inodeOf } from "../net/descriptors.ts";
import { keepsAddressProtocol } from "../net/host.ts";
import { LinkTable } from "../net/links.ts";
import { VrrpSocket } from "../net/vrrp_socket.ts";
import type { Authenticator } from "../vrrp/authenticator.ts";
import { createAuthenticator } from "./auth.ts";
import type { StoodIn } from "./handover.ts";
import type { EngineState, SocketState, StandInAdvert, StandInPacket } from "./handover_state.ts";

type Packets =
  readonly (Omit<StandInPacket, "packet"> & { readonly packet: Uint8Array<ArrayBuffer> })[];

/** One master's adverts. */
export class Advert {
  dueUs: number;
  readonly #what: StandInAdvert;
  readonly #socket: VrrpSocket;
  readonly #packets: Packets;
  readonly #resigning: Packets;
  readonly #seal: Authenticator | null;
  #sent = 0;

  constructor(what: StandInAdvert, socket: VrrpSocket) {
    this.#what = what;
    this.#socket = socket;
    this.dueUs = what.dueUs;
    this.#packets = decode(what.packets);
    this.#resigning = decode(what.resigning ?? []);
    this.#seal = createAuthenticator(what.seal?.spec ?? null, what.seal?.state);
  }

  /** Sends what is due by then. */
  sendIfDue(at: number): void {
    if (this.dueUs > at) return;
    this.#send(this.#packets);
    this.#sent++;
    this.dueUs = Math.max(this.dueUs + this.#what.intervalUs, at + this.#what.intervalUs / 2);
  }

  /** Another image may have sent in this one's name. */
  skipAhead(): void {
    this.#seal?.skipAhead();
  }

  /** Priority 0: the backup need not wait. */
  resign(): void {
    this.#send(this.#resigning);
  }

  report(): StoodIn {
    const authentication = this.#seal?.state();
    return { instance: this.#what.instance, sent: this.#sent, dueUs: this.dueUs, authentication };
  }

  #send(packets: Packets): void {
    const { source } = this.#what, sealed = this.#seal?.seal(packets, source) ?? packets;
    for (const { destination, packet, hopLimit } of sealed) {
      try {
        this.#socket.send(packet, source, destination, hopLimit);
      } catch (error) {
        // The link may be down: the engine finds out as soon as it is back.
        if (!(error instanceof SysError)) throw error;
      }
    }
  }
}

function decode(packets: readonly StandInPacket[]): Packets {
  return packets.map(({ packet, ...rest }) => ({ ...rest, packet: Uint8Array.fromHex(packet) }));
}

/** The adverts that a state speaks of, as far as their sockets are here. */
export function advertsOf({ sockets, standIn }: EngineState): Advert[] {
  const byFd = new Map(sockets.map((socket) => [socket.fd, socket]));
  return standIn.flatMap((advert) => {
    const socket = byFd.get(advert.fd);
    // A socket that was opened after this process began is not here.
    if (socket === undefined || inodeOf(advert.fd) !== socket.inode) return [];
    return [new Advert(advert, senderOf(socket))];
  });
}

function senderOf({ family, ifindex, fd, groups }: SocketState): VrrpSocket {
  // Of the link, sending needs the index alone.
  const link = ifindex === null ? null : { index: ifindex } as VrrpSocket["link"];
  return new VrrpSocket(family, link, { fd, groups });
}

/** Takes from the interfaces what the engine has put there. @returns What went wrong, in words. */
export function removeAddresses({ instances }: EngineState): string[] {
  try {
    using requests = closing(new NetlinkSocket(NETLINK.ROUTE, "remove addresses"));
    const table = new LinkTable();
    table.load(requests.socket);
    const owner = new AddressOwner(
      requests.socket,
      table,
      keepsAddressProtocol(Deno.osRelease()),
    );
    for (const { spec, addresses } of instances) owner.restore(spec.router.name, addresses);
    return owner.removeAll().map(({ error }) => error.message);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return [error.message];
  }
}

function closing(socket: NetlinkSocket): Disposable & { readonly socket: NetlinkSocket } {
  return { socket, [Symbol.dispose]: () => socket.close() };
}
