/** Gratuitous ARP and unsolicited neighbour advertisements, paced if asked for, by one packet socket. */

import { closeFd } from "../../ffi/fd.ts";
import { SysError } from "../../ffi/errno.ts";
import { AF, ETH_P, openSocket, sendTo, SOCK, sockaddrLinkLayer } from "../../ffi/socket.ts";
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
  /** The interface that `link` stands on, if the gap between packets is that one's. */
  readonly pacedAs?: Pick<Link, "name" | "index">;
}

/** Least gaps between packets; 0 for none. */
export interface Gaps {
  readonly garpIntervalUs: Micros;
  readonly gnaIntervalUs: Micros;
}

/** The gaps on each interface, and on interfaces that share one (`garp_group`). */
export interface Pacing extends Gaps {
  readonly garpGroups: readonly (Gaps & { readonly interfaces: readonly string[] })[];
}

type Kind = "arp" | "na";

const GAP: Readonly<Record<Kind, keyof Gaps>> = { arp: "garpIntervalUs", na: "gnaIntervalUs" };

/** An address that has its turn, and how many times more. */
interface Queued {
  readonly announcement: Announcement;
  readonly frame: Bytes;
  rounds: number;
}

/** The packets of one kind that wait for each other. */
interface Lane {
  gapUs: Micros;
  readonly queue: Queued[];
  nextAt: Micros;
}

/** Packets that wait for each other, as plain data. */
export interface WaitingLane {
  readonly name: string;
  readonly gapUs: Micros;
  readonly nextAt: Micros;
  readonly queue: readonly { readonly announcement: Announcement; readonly rounds: number }[];
}

/** Announces addresses. Needs CAP_NET_RAW. */
export class Announcer {
  readonly #fd: number;
  #pacing: Pacing;
  readonly #lanes = new Map<string, Lane>();
  readonly #failed: (instance: string, error: SysError) => void;

  /** @throws {SysError} If the packet socket cannot be opened. */
  constructor(pacing: Pacing, failed: (instance: string, error: SysError) => void) {
    this.#pacing = pacing;
    this.#failed = failed;
    this.#fd = openSocket(AF.PACKET, SOCK.RAW, 0, "open packet socket for announcements");
  }

  /** So many rounds over all addresses, in order; at once unless a gap is kept. */
  announce(list: readonly Announcement[], rounds: number, now: Micros): void {
    const atOnce: Queued[] = [];
    for (const announcement of list) {
      const made = frameOf(announcement);
      if (made === null) continue;
      const queued = { announcement, frame: made.frame, rounds };
      const lane = this.#laneOf(made.kind, announcement.pacedAs ?? announcement.link, now);
      if (lane === null) atOnce.push(queued);
      else enqueue(lane, queued);
    }
    for (let round = 0; round < rounds; round++) for (const queued of atOnce) this.#send(queued);
    this.run(now);
  }

  /** Forgets what an instance still has waiting, or only what it has of these addresses. */
  cancel(instance: string, addresses?: ReadonlySet<Ip>): void {
    for (const { queue } of this.#lanes.values()) {
      const kept = queue.filter(({ announcement }) =>
        announcement.instance !== instance || addresses?.has(announcement.address) === false
      );
      queue.splice(0, queue.length, ...kept);
    }
  }

  /** Instances have other names from now on: old ones to new ones. */
  rename(names: ReadonlyMap<string, string>): void {
    for (const { queue } of this.#lanes.values()) {
      for (const [at, queued] of queue.entries()) {
        const { announcement } = queued, instance = names.get(announcement.instance);
        if (instance === undefined) continue;
        queue[at] = { ...queued, announcement: { ...announcement, instance } };
      }
    }
  }

  /** Keeps other gaps from now on. */
  pace(pacing: Pacing): void {
    this.#pacing = pacing;
    for (const [name, { queue }] of this.#lanes) if (queue.length === 0) this.#lanes.delete(name);
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
    for (const lane of this.#lanes.values()) {
      const due = lane.nextAt <= now ? lane.queue.shift() : undefined;
      if (due === undefined) continue;
      this.#send(due);
      lane.nextAt = after(now, lane.gapUs);
      // To the back of the queue: a round goes over all addresses before the next begins.
      if (--due.rounds > 0) lane.queue.push(due);
    }
  }

  /** What waits, for another image of this daemon to go on with. */
  waiting(): readonly WaitingLane[] {
    return [...this.#lanes].map(([name, { gapUs, nextAt, queue }]) => ({
      name,
      gapUs,
      nextAt,
      queue: queue.map(({ announcement, rounds }) => ({ announcement, rounds })),
    }));
  }

  /** Goes on with what waited elsewhere. */
  restore(lanes: readonly WaitingLane[]): void {
    for (const { name, gapUs, nextAt, queue } of lanes) {
      const restored = queue.flatMap(({ announcement, rounds }): Queued[] => {
        const made = frameOf(announcement);
        return made === null ? [] : [{ announcement, frame: made.frame, rounds }];
      });
      this.#lanes.set(name, { gapUs, nextAt, queue: restored });
    }
  }

  /** Closes the packet socket. */
  close(): void {
    closeFd(this.#fd);
  }

  /** Null where no gap is kept. */
  #laneOf(kind: Kind, link: Pick<Link, "name" | "index">, now: Micros): Lane | null {
    const group = this.#pacing.garpGroups.find(({ interfaces }) => interfaces.includes(link.name));
    const gapUs = (group ?? this.#pacing)[GAP[kind]];
    if (gapUs === 0) return null;
    const name = `${kind} ${group === undefined ? link.index : group.interfaces.join()}`;
    const lane = this.#lanes.get(name) ?? { gapUs, queue: [], nextAt: now };
    lane.gapUs = gapUs;
    this.#lanes.set(name, lane);
    return lane;
  }

  #send({ announcement: { instance, link }, frame }: Queued): void {
    try {
      sendTo(this.#fd, frame, sockaddrLinkLayer(link.index, ETH_P.ALL));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.#failed(instance, error);
    }
  }
}

/** An address that waits already gets more rounds, not a second place: the queue stays finite. */
function enqueue({ queue }: Lane, queued: Queued): void {
  const { instance, address, link } = queued.announcement;
  const waiting = queue.find(({ announcement: other }) =>
    other.instance === instance && other.address === address && other.link.index === link.index
  );
  if (waiting === undefined) queue.push(queued);
  else waiting.rounds = Math.max(waiting.rounds, queued.rounds);
}

/** Null for a link without Ethernet addresses or without ARP: nobody there keeps a cache. */
function frameOf({ address, link }: Announcement): { frame: Bytes; kind: Kind } | null {
  if (link.mac === null || !link.arp) return null;
  return familyOf(address) === "ipv4"
    ? { frame: gratuitousArp(address, link.mac), kind: "arp" }
    : { frame: unsolicitedNa(address, link.mac, true), kind: "na" };
}
