/** Gratuitous ARP and unsolicited neighbour advertisements, paced if asked for, by one packet socket. */

import { closeFd } from "../../ffi/fd.ts";
import { AF, ETH_P, SOCK } from "../../ffi/constants.ts";
import type { SysError } from "../../ffi/errno.ts";
import { openSocket, sendTo, sockaddrLinkLayer } from "../../ffi/socket.ts";
import { familyOf, type Ip } from "../core/address.ts";
import type { Bytes } from "../core/bytes.ts";
import { after, type Micros } from "../core/time.ts";
import { gratuitousArp, unsolicitedNa } from "../vrrp/announce_frames.ts";
import type { Link } from "./links.ts";

/** One address to announce on one link. */
export interface Announcement {
  /** Whose it is, for `cancel`. */
  readonly instance: string;
  readonly address: Ip;
  readonly link: Link;
}

interface Queued {
  readonly instance: string;
  readonly frame: Bytes;
  readonly ifindex: number;
}

/** The packets of one kind on one interface that wait for their turn. */
interface Lane {
  readonly queue: Queued[];
  nextAt: Micros;
}

/** Least gaps between packets on one interface; 0 for none. */
export interface Pacing {
  readonly garpIntervalUs: Micros;
  readonly gnaIntervalUs: Micros;
}

/** Announces addresses. Needs CAP_NET_RAW. */
export class Announcer {
  readonly #fd: number;
  readonly #pacing: Pacing;
  readonly #lanes = new Map<string, Lane>();
  readonly #failed: (announcement: string, error: SysError) => void;

  /** @throws {SysError} If the packet socket cannot be opened. */
  constructor(pacing: Pacing, failed: (instance: string, error: SysError) => void) {
    this.#pacing = pacing;
    this.#failed = failed;
    this.#fd = openSocket(AF.PACKET, SOCK.RAW, 0, "open packet socket for announcements");
  }

  /** So many rounds over all addresses, in order; at once unless a gap is kept. */
  announce(list: readonly Announcement[], rounds: number, now: Micros): void {
    const frames = list.flatMap((announcement) => frameOf(announcement));
    for (let round = 0; round < rounds; round++) {
      for (const { queued, lane, gapUs } of frames.map((frame) => this.#place(frame))) {
        if (gapUs === 0) this.#send(queued);
        else this.#enqueue(lane, queued, now);
      }
    }
    this.run(now);
  }

  /** Forgets what an instance still has waiting. */
  cancel(instance: string): void {
    for (const lane of this.#lanes.values()) {
      const kept = lane.queue.filter((queued) => queued.instance !== instance);
      lane.queue.splice(0, lane.queue.length, ...kept);
    }
  }

  /** When the next waiting packet may leave; null if none waits. */
  nextDeadline(): Micros | null {
    let next: Micros | null = null;
    for (const { queue, nextAt } of this.#lanes.values()) {
      if (queue.length > 0 && (next === null || nextAt < next)) next = nextAt;
    }
    return next;
  }

  /** Sends what may leave by now. */
  run(now: Micros): void {
    for (const [lane, { queue, nextAt }] of this.#lanes) {
      const due = queue.length > 0 && nextAt <= now ? queue.shift() : undefined;
      if (due === undefined) continue;
      this.#send(due);
      this.#lanes.get(lane)!.nextAt = after(now, this.#gap(lane));
    }
  }

  close(): void {
    closeFd(this.#fd);
  }

  #place({ queued, kind }: { queued: Queued; kind: Kind }) {
    const lane = `${kind} ${queued.ifindex}`;
    return { queued, lane, gapUs: this.#gap(lane) };
  }

  #gap(lane: string): Micros {
    return lane.startsWith("arp") ? this.#pacing.garpIntervalUs : this.#pacing.gnaIntervalUs;
  }

  #enqueue(name: string, queued: Queued, now: Micros): void {
    const lane = this.#lanes.get(name) ?? { queue: [], nextAt: now };
    this.#lanes.set(name, lane);
    lane.queue.push(queued);
  }

  #send({ frame, ifindex, instance }: Queued): void {
    try {
      sendTo(this.#fd, frame, sockaddrLinkLayer(ifindex, ETH_P.ALL));
    } catch (error) {
      this.#failed(instance, error as SysError);
    }
  }
}

type Kind = "arp" | "na";

/** No frame for a link without Ethernet addresses or without ARP: nobody there keeps a cache. */
function frameOf({ instance, address, link }: Announcement): { queued: Queued; kind: Kind }[] {
  if (link.mac === null || !link.arp) return [];
  const ipv4 = familyOf(address) === "ipv4";
  const frame = ipv4 ? gratuitousArp(address, link.mac) : unsolicitedNa(address, link.mac, true);
  return [{ queued: { instance, frame, ifindex: link.index }, kind: ipv4 ? "arp" : "na" }];
}
