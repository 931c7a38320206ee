/** The engine's pinger in a host of the lab, with a loop of its own in the thread of the test. */

import { Loop, now } from "../../lib/engine/loop.ts";
import type { EngineEvent, PingRequest } from "../../lib/engine/messages.ts";
import { Pinger } from "../../lib/engine/pinger.ts";
import { type Ip, ip } from "../../lib/core/address.ts";
import { after, type Micros, millis } from "../../lib/core/time.ts";
import type { Place } from "./addresses.ts";
import { TIMEOUT_MS } from "./until.ts";

/** Long enough for an answer that must not come; one that does is here in a fraction of it. */
export const SILENCE_MS = 400;

/** What the pinger says about a request. */
export type Pong = Extract<EngineEvent, { readonly kind: "pong" }>;

/** Where a request leaves from, and its payload; what is left out is not chosen. */
export interface Origin {
  readonly source?: Ip;
  readonly device?: string;
  readonly bytes?: number;
}

/** A loop and a pinger; disposing closes both. */
export class Pings implements Disposable {
  readonly pinger: Pinger;
  readonly loop: Loop;
  /** Everything the pinger said, in order. */
  readonly pongs: Pong[] = [];
  /** The sockets of the pinger. */
  readonly watched = new Set<number>();
  /** How often a socket of the pinger woke the loop. */
  wakeUps = 0;
  readonly #host: Pick<Place, "namespace">;
  #deadline: Micros | null = null;
  #lastId = 0;
  /** Answers to wait for. */
  #wanted = 0;

  constructor(host: Pick<Place, "namespace">) {
    this.#host = host;
    this.loop = new Loop({
      next: () => this.#deadline,
      fire: () => this.loop.stop(),
      rest() {},
      strained() {},
    });
    this.pinger = new Pinger({
      watch: (fd, handler) => {
        this.watched.add(fd);
        this.loop.watch(fd, () => {
          this.wakeUps++;
          handler();
        });
      },
      unwatch: (fd) => {
        this.watched.delete(fd);
        this.loop.unwatch(fd);
      },
      emit: (event) => this.#heard(event as Pong),
      now,
    });
  }

  /** Sends a request from the host. @returns Its id. */
  send(destination: string, origin: Origin = {}): number {
    const request: PingRequest = {
      id: ++this.#lastId,
      destination: ip(destination),
      sourceAddress: origin.source ?? null,
      device: origin.device ?? null,
      payloadBytes: origin.bytes ?? 56,
    };
    this.#host.namespace.run(() => this.pinger.send(request));
    return request.id;
  }

  /** Runs the loop until so many answers are there, or the time is over. */
  run(answers: number, forMs = TIMEOUT_MS): void {
    if (this.pongs.length >= answers) return;
    this.#wanted = answers;
    this.#deadline = after(now(), millis(forMs));
    this.loop.run();
    this.#deadline = null;
  }

  /** One request and its answer; null if none came in time. */
  ask(
    destination: string,
    origin: Origin = {},
    forMs = TIMEOUT_MS,
  ): Pong | null {
    const id = this.send(destination, origin), before = this.pongs.length;
    const already = this.pongs.find((pong) => pong.id === id);
    if (already !== undefined) return already;
    this.run(before + 1, forMs);
    this.pinger.cancel(id);
    return this.pongs.find((pong) => pong.id === id) ?? null;
  }

  [Symbol.dispose](): void {
    this.pinger.close();
    this.loop.close();
  }

  #heard(pong: Pong): void {
    this.pongs.push(pong);
    if (this.pongs.length >= this.#wanted) this.loop.stop();
  }
}

/** Pings until there is an answer: a new segment loses packets at first. */
export function answered(pings: Pings, destination: string, origin: Origin = {}): void {
  const tries = Math.ceil(TIMEOUT_MS / SILENCE_MS);
  for (let left = tries; pings.ask(destination, origin, SILENCE_MS)?.error !== null; left--) {
    if (left === 0) throw new Error(`Pinged ${destination} in vain`);
  }
}
