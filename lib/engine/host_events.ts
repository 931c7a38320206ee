/** What the kernel tells of links, addresses, routes and rules, as it changes. */

import { NETLINK, RTNLGRP } from "../../ffi/netlink_constants.ts";
import type { NetlinkReceived } from "../../ffi/netlink.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import type { EngineParts } from "./messages.ts";

/** What becomes of events. */
export interface HostListener {
  apply(messages: readonly NetlinkReceived[]): void;
  /** Events were lost: everything must be read anew. */
  reload(): void;
}

/** The socket that events come by. */
export class HostEvents {
  readonly #socket = new NetlinkSocket(NETLINK.ROUTE, "open netlink event socket");
  readonly #listener: HostListener;

  /** From now on events are kept until they are read. @throws {SysError} */
  constructor(listener: HostListener) {
    this.#listener = listener;
    this.#socket.subscribe([RTNLGRP.LINK, RTNLGRP.IPV4_IFADDR, RTNLGRP.IPV6_IFADDR]);
  }

  /** To be polled for what there is to read. */
  get fd(): number {
    return this.#socket.fd;
  }

  /** A router of the Internet has many routes: nobody listens to their changes without need. */
  watchRouting({ instances, statics }: Pick<EngineParts, "instances" | "statics">): void {
    if (![...instances, statics].some(({ routes, rules }) => routes.length + rules.length > 0)) {
      return;
    }
    const { IPV4_ROUTE, IPV6_ROUTE, IPV4_RULE, IPV6_RULE } = RTNLGRP;
    this.#socket.subscribe([IPV4_ROUTE, IPV6_ROUTE, IPV4_RULE, IPV6_RULE]);
  }

  /** Hands on what has come. */
  read(): void {
    const { messages, overrun } = this.#socket.receiveEvents();
    if (!overrun) return this.#listener.apply(messages);
    // ENOBUFS: the kernel had to drop events. What is queued is older than what is read anew now.
    while (this.#socket.receiveEvents().messages.length > 0);
    this.#listener.reload();
  }

  close(): void {
    this.#socket.close();
  }
}
