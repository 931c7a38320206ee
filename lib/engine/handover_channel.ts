/** What the guard of a hand-over and the image that it guards tell each other. */

import { closeFd } from "../../ffi/fd.ts";
import { makeMemoryFile } from "../../ffi/exec.ts";
import { SysError } from "../../ffi/errno.ts";
import { POLL, PollSet } from "../../ffi/poll.ts";
import { receive, sendTo, socketPair } from "../../ffi/socket.ts";
import type { StoodIn } from "./handover.ts";
import { now } from "./loop.ts";

/** What a guard is told. */
export type GuardOrder =
  /** The daemon execs now: send its adverts, and wait. */
  | { readonly do: "go" }
  /** The new engine sends adverts itself from now on; the answer is a `StoodIn[]`. */
  | { readonly do: "taken" }
  /** All is well, or called off. */
  | { readonly do: "end" };

/** Longer than any order or answer: 250 instances take 30 kB. */
const MAX_MESSAGE_BYTES = 262_144;

/** How long a new engine waits for the guard's answer; it is there in a millisecond. */
const ANSWER_US = 200_000;

/** The channel to a guard: its end and ours. */
export function makeGuardChannel(): { readonly ours: number; readonly theirs: number } {
  const [ours, theirs] = socketPair();
  return { ours, theirs };
}

/** Takes the adverts back from the guard. @returns What it has sent; nothing if it does not answer. */
export function takeFromGuard(channel: number): readonly StoodIn[] {
  orderGuard(channel, { do: "taken" });
  const poll = new PollSet(), until = now() + ANSWER_US;
  poll.add(channel, POLL.IN);
  const buffer = new Uint8Array(new ArrayBuffer(MAX_MESSAGE_BYTES));
  while (now() < until) {
    if (poll.wait(until - now()) === "interrupted") continue;
    const length = receive(channel, buffer);
    if (length === null || length === 0) return [];
    return JSON.parse(new TextDecoder().decode(buffer.subarray(0, length))) as StoodIn[];
  }
  return [];
}

/** The guard's answer to "taken". */
export function answerTaken(channel: number, sent: readonly StoodIn[]): void {
  send(channel, sent);
}

/** Gives the guard an order; one that has ended needs none. */
export function orderGuard(channel: number, order: GuardOrder): void {
  send(channel, order);
}

/** The last order: from now on nobody guards. */
export function dismissGuard(channel: number): void {
  orderGuard(channel, { do: "end" });
  closeFd(channel);
}

/** What the guard reads: "gone" if nobody is at the other end, null if there is nothing yet. */
export function readOrder(
  channel: number,
  buffer: Uint8Array<ArrayBuffer>,
): GuardOrder | "gone" | null {
  try {
    const length = receive(channel, buffer);
    if (length === null) return null;
    if (length === 0) return "gone";
    return JSON.parse(new TextDecoder().decode(buffer.subarray(0, length))) as GuardOrder;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return "gone";
  }
}

function send(channel: number, message: unknown): void {
  try {
    sendTo(channel, new TextEncoder().encode(JSON.stringify(message)), null);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
}

/** Why the guard has given an image up, for that image to read if it still can. */
export interface Veto {
  readonly why: string;
  /** Adverts of priority 0 were sent and addresses removed: whoever goes on begins anew. */
  readonly hasResigned: boolean;
}

/** A place for a veto, which holds none. @throws {SysError} */
export function makeVetoFile(): number {
  return makeMemoryFile("vigie-veto");
}

/** Gives an image up, or takes that back. */
export function writeVeto(fd: number, veto: Veto | null): void {
  Deno.writeTextFileSync(`/proc/self/fd/${fd}`, veto === null ? "" : JSON.stringify(veto));
}

/** The veto, if there is one. One that is just being written is read the next time. */
export function readVeto(fd: number): Veto | null {
  try {
    return JSON.parse(Deno.readTextFileSync(`/proc/self/fd/${fd}`)) as Veto;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
