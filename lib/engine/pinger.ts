/** Echo requests for the checks, sent and awaited by the engine's loop without ever blocking it. */

import { ERRNO, errnoText, SysError } from "../../ffi/errno.ts";
import { familyOf, type Ip } from "../core/address.ts";
import type { Micros } from "../core/time.ts";
import { type EchoNews, type EchoOrigin, EchoSocket } from "../net/echo.ts";
import type { EngineEvent, PingRequest } from "./messages.ts";

/** What the pinger needs of the engine. */
export interface PingerHooks {
  /** Calls `handler` whenever `fd` can be read. */
  watch(fd: number, handler: () => void): void;
  unwatch(fd: number): void;
  emit(event: EngineEvent): void;
  now(): Micros;
}

/** Packets read in one turn, so that a flood of answers cannot keep adverts waiting. */
const BURST = 64;

/** Sockets that nobody waits on may stay open, up to so many in all. */
const MAX_IDLE_SOCKETS = 16;

/** Sequence numbers have 16 bits; as many requests can be told apart. */
const SEQUENCES = 0x10000;

/** At the head of each payload: random, so that an answer can only come from who heard the request. */
const TOKEN_BYTES = 8;

/** What the kernel says when nothing can be sent, in the words of the ICMP errors. */
const SEND_ERRORS: Readonly<Record<number, string>> = {
  [ERRNO.EACCES]: "not allowed to send there",
  [ERRNO.EADDRNOTAVAIL]: "the source address is not on this host",
  [ERRNO.EAGAIN]: "no buffer space",
  [ERRNO.EHOSTUNREACH]: "host unreachable",
  [ERRNO.EMSGSIZE]: "packet too big",
  [ERRNO.ENETDOWN]: "network is down",
  [ERRNO.ENETUNREACH]: "network unreachable",
  [ERRNO.ENOBUFS]: "no buffer space",
  [ERRNO.ENODEV]: "no such device",
  [ERRNO.EPERM]: "not permitted",
};

/** One socket and who waits on it. */
interface Outlet {
  readonly key: string;
  readonly socket: EchoSocket;
  waiting: number;
}

/** A request that was sent. */
interface Waiting {
  readonly id: number;
  readonly sequence: number;
  readonly outlet: Outlet;
  readonly destination: Ip;
  readonly token: Uint8Array;
  readonly sentAt: Micros;
}

/**
 * Sends echo requests and says what came back; that nothing did is for the asker to notice, who then
 * cancels. Nothing here throws: what fails is the answer.
 */
export class Pinger {
  readonly #hooks: PingerHooks;
  /** Random, as nobody else on this host should have the same; what has is told apart by its token. */
  readonly #identifier = randomUint16();
  readonly #outlets = new Map<string, Outlet>();
  readonly #bySequence = new Map<number, Waiting>();
  readonly #byId = new Map<number, Waiting>();
  #sequence = randomUint16();

  constructor(hooks: PingerHooks) {
    this.#hooks = hooks;
  }

  /** Sends a request; a "pong" follows unless it is cancelled or nothing comes back. */
  send(request: PingRequest): void {
    const { id } = request;
    if (this.#byId.size >= SEQUENCES) return this.#refuse(id, "too many echo requests are waiting");
    this.cancel(id);
    const sequence = this.#freeSequence();
    const payload = new Uint8Array(Math.max(request.payloadBytes, TOKEN_BYTES));
    const token = crypto.getRandomValues(payload.subarray(0, TOKEN_BYTES));
    try {
      const sentAt = this.#hooks.now();
      const outlet = this.#transmit(request, sequence, payload);
      outlet.waiting++;
      const { destination } = request;
      const waiting = { id, sequence, outlet, destination, token, sentAt };
      this.#bySequence.set(sequence, waiting);
      this.#byId.set(id, waiting);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.#refuse(id, SEND_ERRORS[error.errno] ?? errnoText(error.errno).toLowerCase());
    }
  }

  /** Nobody waits for this request any more. */
  cancel(id: number): void {
    const waiting = this.#byId.get(id);
    if (waiting !== undefined) this.#forget(waiting);
  }

  /** Closes every socket; what was waited for is forgotten. */
  close(): void {
    for (const outlet of this.#outlets.values()) this.#drop(outlet);
    this.#bySequence.clear();
    this.#byId.clear();
  }

  /**
   * A socket stays bound to an interface that is gone though another has its name by now: what fails
   * on one is tried again on a new one, unless others still wait on it.
   */
  #transmit(request: PingRequest, sequence: number, payload: Uint8Array): Outlet {
    const outlet = this.#outletOf(request);
    try {
      outlet.socket.send(request.destination, sequence, payload);
      return outlet;
    } catch (error) {
      if (request.device === null || outlet.waiting > 0) throw error;
      this.#drop(outlet);
    }
    const fresh = this.#outletOf(request);
    fresh.socket.send(request.destination, sequence, payload);
    return fresh;
  }

  #outletOf({ destination, sourceAddress, device }: PingRequest): Outlet {
    const origin: EchoOrigin = { family: familyOf(destination), sourceAddress, device };
    const key = JSON.stringify([origin.family, sourceAddress, device]);
    const open = this.#outlets.get(key);
    if (open !== undefined) return open;
    this.#closeIdle();
    const outlet = { key, socket: new EchoSocket(origin, this.#identifier), waiting: 0 };
    this.#outlets.set(key, outlet);
    this.#hooks.watch(outlet.socket.fd, () => this.#receive(outlet));
    return outlet;
  }

  /** After a change of the configuration some are never used again. */
  #closeIdle(): void {
    if (this.#outlets.size < MAX_IDLE_SOCKETS) return;
    for (const outlet of this.#outlets.values()) {
      if (outlet.waiting === 0) this.#drop(outlet);
    }
  }

  #drop(outlet: Outlet): void {
    this.#outlets.delete(outlet.key);
    this.#hooks.unwatch(outlet.socket.fd);
    outlet.socket.close();
  }

  #receive(outlet: Outlet): void {
    for (let count = 0; count < BURST; count++) {
      const news = hear(outlet.socket);
      if (news === null) return;
      if (news !== "noise") this.#answer(outlet, news);
    }
  }

  /** A reply counts from its destination, by the socket that asked and with what was sent. */
  #answer(outlet: Outlet, news: EchoNews): void {
    const waiting = this.#bySequence.get(news.sequence);
    if (waiting === undefined || waiting.outlet !== outlet) return;
    const { id, destination, token, sentAt } = waiting;
    if (news.kind === "reply") {
      if (news.from !== destination || !startsWith(news.payload, token)) return;
      this.#forget(waiting);
      const rttUs = this.#hooks.now() - sentAt;
      this.#hooks.emit({ kind: "pong", id, rttUs, error: null });
    } else if (news.destination === destination) {
      this.#forget(waiting);
      this.#refuse(id, news.why);
    }
  }

  #refuse(id: number, error: string): void {
    this.#hooks.emit({ kind: "pong", id, rttUs: null, error });
  }

  #forget({ id, sequence, outlet }: Waiting): void {
    this.#byId.delete(id);
    this.#bySequence.delete(sequence);
    outlet.waiting--;
  }

  #freeSequence(): number {
    do this.#sequence = (this.#sequence + 1) % SEQUENCES; while (
      this.#bySequence.has(this.#sequence)
    );
    return this.#sequence;
  }
}

/** The next that a socket has; an error of the socket is gone once it was read, and others follow it. */
function hear(socket: EchoSocket): EchoNews | "noise" | null {
  try {
    return socket.receive();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return "noise";
  }
}

function startsWith(payload: Uint8Array, token: Uint8Array): boolean {
  return payload.length >= token.length && token.every((byte, at) => payload[at] === byte);
}

function randomUint16(): number {
  return crypto.getRandomValues(new Uint16Array(1))[0]!;
}
