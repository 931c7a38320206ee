/** Which VRRP sockets are open: one for each interface and family that an instance needs. */

import type { Family } from "../core/address.ts";
import type { Ip } from "../core/address.ts";
import type { HostTable } from "./links.ts";
import { OpenSockets, type PoolObserver } from "./open_sockets.ts";
import { type AdvertSender, VrrpSocket } from "./vrrp_socket.ts";

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

/** Opens, shares and closes VRRP sockets. */
export class SocketPool {
  readonly #open: OpenSockets;

  constructor(observer: PoolObserver) {
    this.#open = new OpenSockets(observer);
  }

  /**
   * Gives every user its socket: opens those that are missing, closes those that nobody needs any
   * more, because an interface has gone for example.
   */
  assign(users: readonly SocketUser[], table: HostTable): void {
    const needed = new Set<string>();
    for (const user of users) {
      const name = keyOf(user), { ifindex } = user.facts;
      const { family, group, unicastPeers } = user.spec.router;
      user.socketError = null;
      user.socket = name === null ? null : this.#open.open(name, user, needed, {
        make: (protocol) => {
          const link = ifindex === null ? null : table.byIndex(ifindex) ?? null;
          return new VrrpSocket(family, link, undefined, protocol);
        },
        ready: (socket) => {
          if (unicastPeers.length === 0) socket.join(group);
        },
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

  close(): void {
    this.#open.closeOthers(new Set());
  }
}

/** Null while the interface that a user names does not exist. */
function keyOf({ spec, facts }: SocketUser): string | null {
  if (spec.interface !== null && facts.ifindex === null) return null;
  return `${spec.router.family} ${facts.ifindex ?? "any"}`;
}
