/** VRRP sockets by name: opened once for all who share them, closed when nobody needs them. */

import { SysError } from "../../ffi/errno.ts";
import type { SocketProtocol, VrrpSocket } from "./vrrp_socket.ts";

/** Told of every socket that comes and goes. */
export interface PoolObserver {
  opened(socket: VrrpSocket): void;
  closing(socket: VrrpSocket): void;
}

/** Who needs sockets, as far as opening them goes. */
interface Needy {
  readonly spec: { readonly router: { readonly authentication: { readonly type: string } } };
  /** Why there is no socket; null if all is well. */
  socketError: string | null;
}

/** How a socket is made, and made ready for one more user. Both throw SysError. */
interface Ways {
  make(protocol: SocketProtocol): VrrpSocket;
  ready(socket: VrrpSocket): void;
}

/** The sockets of one kind. */
export class OpenSockets {
  readonly #sockets = new Map<string, VrrpSocket>();
  readonly #observer: PoolObserver;

  constructor(observer: PoolObserver) {
    this.#observer = observer;
  }

  /**
   * The socket of a user by its name, and, for who signs with AH, a second one for that protocol.
   * @param needed Gets the names. @returns Null if it cannot be had; the user is told why.
   */
  open(name: string, user: Needy, needed: Set<string>, ways: Ways): VrrpSocket | null {
    needed.add(name);
    const socket = this.#open(name, user, "vrrp", ways);
    if (user.spec.router.authentication.type === "ah") {
      needed.add(`${name} ah`);
      this.#open(`${name} ah`, user, "ah", ways);
    }
    return socket;
  }

  /** Every open socket, by the name under which `adopt` takes it. */
  all(): readonly (readonly [string, VrrpSocket])[] {
    return [...this.#sockets];
  }

  /** Takes a socket that is open already. */
  adopt(name: string, socket: VrrpSocket): void {
    this.#sockets.set(name, socket);
    this.#observer.opened(socket);
  }

  /** Closes all but those that are needed. */
  closeOthers(needed: ReadonlySet<string>): void {
    for (const [name, socket] of this.#sockets) {
      if (needed.has(name)) continue;
      this.#observer.closing(socket);
      socket.close();
      this.#sockets.delete(name);
    }
  }

  #open(name: string, user: Needy, protocol: SocketProtocol, ways: Ways): VrrpSocket | null {
    try {
      let socket = this.#sockets.get(name);
      if (socket === undefined) {
        socket = ways.make(protocol);
        this.adopt(name, socket);
      }
      ways.ready(socket);
      return socket;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      user.socketError = error.message;
      return null;
    }
  }
}
