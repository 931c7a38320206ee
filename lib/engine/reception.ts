/** Received packets on their way to a router: admission, counting, and one log line per fault. */

import { type PacketHandler, VrrpSocket } from "../net/vrrp_socket.ts";
import { isMulticast } from "../core/address.ts";
import {
  admit,
  NOTICE_COUNTERS,
  type ReceivedPacket,
  refuseIp,
  REJECT_COUNTERS,
  type RejectReason,
} from "../vrrp/admission.ts";
import { decodeHead } from "../vrrp/packet.ts";
import { type Event, RESIGN_PRIORITY } from "../vrrp/types.ts";
import type { CounterName, Strays } from "./counters.ts";
import type { Instance } from "./instance.ts";
import { LogLimiter } from "./log_limiter.ts";
import { now } from "./loop.ts";
import { type Emitter, sayOnce } from "./say.ts";

/** The receiving side of the engine. */
export class Reception {
  readonly #emitter: Emitter;
  #byVrid: ReadonlyMap<number, readonly Instance[]>;
  /** Feeds an event as of the instant at which its packet was found. */
  readonly #feed: (instance: Instance, event: Event) => void;
  readonly #handlers = new WeakMap<VrrpSocket, PacketHandler>();
  readonly #strays: Record<string, Partial<Record<CounterName, number>>> = {};
  readonly #limiter = new LogLimiter();

  constructor(
    emitter: Emitter,
    instances: readonly Instance[],
    feed: (instance: Instance, event: Event) => void,
  ) {
    this.#emitter = emitter;
    this.#byVrid = Map.groupBy(instances, ({ spec }) => spec.router.vrid);
    this.#feed = feed;
  }

  /** These are the instances from now on. */
  reconfigure(instances: readonly Instance[]): void {
    this.#byVrid = Map.groupBy(instances, ({ spec }) => spec.router.vrid);
  }

  /** Where the packets of a socket go. */
  handlerOf(socket: VrrpSocket): PacketHandler {
    let handler = this.#handlers.get(socket);
    if (handler === undefined) {
      handler = {
        arrived: (packet) => this.#arrived(packet, socket),
        failed: (error) => this.#say(`receive ${error.code}`, error.message),
        malformed: (error) => {
          const { reason, text } = refuseIp(error);
          this.#refused(reason, text, socket);
        },
      };
      this.#handlers.set(socket, handler);
    }
    return handler;
  }

  /** Packets for no router of ours, counted by interface and by what was wrong with them. */
  strays(): Strays {
    return this.#strays;
  }

  /** Counts on from what another image of this daemon has counted. */
  restore(strays: Strays): void {
    for (const [where, counts] of Object.entries(strays)) this.#strays[where] = { ...counts };
  }

  #arrived(packet: ReceivedPacket, socket: VrrpSocket): void {
    const verdict = admit(packet, (vrid) => this.#lookup(vrid, packet, socket));
    if (!verdict.ok) {
      if (verdict.receiver === null) this.#refused(verdict.reason, verdict.text, socket, packet);
      else this.#rejected(verdict.receiver, verdict.reason, verdict.text, packet);
      return;
    }
    const { receiver, advert, notices } = verdict;
    receiver.counters.rcvdAdvertisements++;
    if (advert.priority === RESIGN_PRIORITY) receiver.counters.rcvdPriZeroPackets++;
    for (const { kind, text } of notices) {
      const counter = NOTICE_COUNTERS[kind];
      if (counter !== null) receiver.counters[counter]++;
      const line = {
        of: "packets",
        key: `${kind} ${packet.source}`,
        level: "warning",
        text,
      } as const;
      sayOnce(this.#emitter, receiver, line, now());
    }
    this.#feed(receiver, { kind: "advert", advert });
  }

  /**
   * By interface, family and VRID; where unicast instances share a VRID, by who has the sender as
   * peer. Only instances that use this very socket count: a packet may reach several.
   */
  #lookup(vrid: number, packet: ReceivedPacket, socket: VrrpSocket): Instance | null {
    const sharing = (this.#byVrid.get(vrid) ?? []).filter((instance) => uses(instance, socket));
    if (sharing.length <= 1) return sharing[0] ?? null;
    const multicast = isMulticast(packet.destination);
    return sharing.find(({ spec: { router } }) =>
      multicast
        ? router.unicastPeers.length === 0 && router.group === packet.destination
        : router.unicastPeers.includes(packet.source)
    ) ?? sharing[0]!;
  }

  #rejected(instance: Instance, reason: RejectReason, text: string, packet: ReceivedPacket): void {
    instance.counters[REJECT_COUNTERS[reason]]++;
    const key = `${reason} ${packet.source}`,
      dropped = `Dropped advert from ${packet.source}: ${text}`;
    const line = { of: "packets", key, level: "warning", text: dropped } as const;
    sayOnce(this.#emitter, instance, line, now());
  }

  /** Refused before a router was found: counted by interface, and logged once for each sender. */
  #refused(
    reason: RejectReason,
    text: string,
    socket: VrrpSocket,
    packet?: ReceivedPacket,
  ): void {
    // A socket without an interface sees what other sockets are there for, and they what it is for.
    if (socket.link === null || (packet !== undefined && this.#isForAnother(packet))) return;
    const where = socket.link.name;
    const counts = this.#strays[where] ??= {}, counter = REJECT_COUNTERS[reason];
    counts[counter] = (counts[counter] ?? 0) + 1;
    const from = packet === undefined ? "" : ` from ${packet.source}`;
    this.#say(`${where} ${reason}${from} ${text}`, `Dropped packet${from} on ${where}: ${text}`);
  }

  /** Whether a router on another socket has the VRID; only unicast ones can have no interface. */
  #isForAnother({ message, destination }: ReceivedPacket): boolean {
    const sharing = this.#byVrid.get(decodeHead(message)?.vrid ?? 0) ?? [];
    return !isMulticast(destination) && sharing.some(({ spec }) => spec.interface === null);
  }

  #say(key: string, text: string): void {
    const line = this.#limiter.say(key, text, now());
    if (line !== null) this.#emitter.emit({ kind: "log", log: { level: "warning", text: line } });
  }
}

/** A socket for authentication headers serves those that use the other one of its interface. */
function uses({ socket: heard, vmacSocket }: Instance, socket: VrrpSocket): boolean {
  return [heard, vmacSocket].some((own) =>
    socket.protocol === "vrrp"
      ? own === socket
      : own instanceof VrrpSocket && own.family === socket.family &&
        own.link?.index === socket.link?.index
  );
}
