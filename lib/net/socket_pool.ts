/** Which VRRP sockets are open: one for each interface and family that an instance needs. */

import { SysError } from "../../ffi/errno.ts";
import type { Family } from "../core/address.ts";
import type { Ip } from "../core/address.ts";
import type { HostTable } from "./links.ts";
import { type AdvertSender, type SocketProtocol, VrrpSocket } from "./vrrp_socket.ts";

/** What the pool must know of someone who needs a socket, and where it says which one it is. */
export interface SocketUser {
  readonly spec: {
    readonly interface: string | null;
    readonly router: {
      readonly family: Family;
      readonly group: Ip;
      readonly unicastPeers: readonly Ip[];
      readonly authentication: { readonly type: string };
    };
  };
  readonly facts: { readonly ifindex: number | null };
  socket: AdvertSender | null;
  /** Why there is no socket although the interface is there; null if all is well. */
  socketError: string | null;
}

/** Told of every socket that comes and goes. */
export interface PoolObserver {
  opened(socket: VrrpSocket): void;
  closing(socket: VrrpSocket): void;
}

/** Opens, shares and closes VRRP sockets. */
export class SocketPool {
  readonly #sockets = new Map<string, VrrpSocket>();
  readonly #observer: PoolObserver;

  constructor(observer: PoolObserver) {
    this.#observer = observer;
  }

  /**
   * Gives every user its socket: opens those that are missing, closes those that nobody needs any
   * more, because an interface has gone for example.
   */
  assign(users: readonly SocketUser[], table: HostTable): void {
    const needed = new Set<string>();
    for (const user of users) {
      const name = keyOf(user);
      user.socketError = null;
      user.socket = name === null ? null : this.#open(name, user, table, "vrrp");
      if (name === null) continue;
      needed.add(name);
      if (user.spec.router.authentication.type !== "ah") continue;
      needed.add(`${name} ah`);
      this.#open(`${name} ah`, user, table, "ah");
    }
    for (const [name, socket] of this.#sockets) if (!needed.has(name)) this.#close(name, socket);
  }

  /** Every open socket, by the name under which `adopt` takes it. */
  all(): readonly (readonly [string, VrrpSocket])[] {
    return [...this.#sockets];
  }

  /** Takes a socket that is open already; before the first `assign`, which closes it if nobody needs it. */
  adopt(name: string, socket: VrrpSocket): void {
    this.#sockets.set(name, socket);
    this.#observer.opened(socket);
  }

  close(): void {
    for (const [name, socket] of this.#sockets) this.#close(name, socket);
  }

  #open(
    name: string,
    user: SocketUser,
    table: HostTable,
    protocol: SocketProtocol,
  ): VrrpSocket | null {
    const { family, group, unicastPeers } = user.spec.router;
    try {
      let socket = this.#sockets.get(name);
      if (socket === undefined) {
        const { ifindex } = user.facts;
        const link = ifindex === null ? null : table.byIndex(ifindex) ?? null;
        socket = new VrrpSocket(family, link, undefined, protocol);
        this.#sockets.set(name, socket);
        this.#observer.opened(socket);
      }
      if (unicastPeers.length === 0) socket.join(group);
      return socket;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      user.socketError = error.message;
      return null;
    }
  }

  #close(name: string, socket: VrrpSocket): void {
    this.#observer.closing(socket);
    socket.close();
    this.#sockets.delete(name);
  }
}

/** Null while the interface that a user names does not exist. */
function keyOf({ spec, facts }: SocketUser): string | null {
  if (spec.interface !== null && facts.ifindex === null) return null;
  return `${spec.router.family} ${facts.ifindex ?? "any"}`;
}
