/**
 * The guard of a hand-over: a small process of the old image that sends a master's adverts while
 * the daemon is between two images, and goes on in its place if the new one does not.
 */

import { closeFd } from "../../ffi/fd.ts";
import { kill, setRealtimePriority } from "../../ffi/process.ts";
import { SIGNALS } from "../../ffi/signal.ts";
import { POLL, PollSet } from "../../ffi/poll.ts";
import { SysError } from "../../ffi/errno.ts";
import { receive, sendTo } from "../../ffi/socket.ts";
import type { LogEvent } from "../core/log.ts";
import { inodeOf, keepDescriptorsToOurselves } from "../net/descriptors.ts";
import { VrrpSocket } from "../net/vrrp_socket.ts";
import { becomeImage, putBack, readState, writeState } from "./handover_exec.ts";
import type { StoodIn } from "./handover.ts";
import { decodeState, type HandoverState, type StandInAdvert } from "./handover_state.ts";
import { now } from "./loop.ts";

/** How a guard is started: descriptors that it has inherited, and whom it guards. */
export interface GuardSetup {
  readonly channel: number;
  readonly state: number;
  readonly pid: number;
  readonly realtime: boolean;
  /** From the exec until the new image must have said that it is healthy. */
  readonly patienceMs: number;
}

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

/** What would be due while this process becomes the daemon leaves before. */
const LAST_ADVERT_US = 500_000;

/** After SIGKILL, so long until the process is taken for gone. */
const GONE_MS = 3000;

/** Runs until its order is "end", or becomes the daemon. @returns The exit code. */
export function runGuard(
  setup: GuardSetup,
  log: (event: LogEvent) => void,
  ready: () => void,
): number {
  const guard = new Guard(setup, log);
  ready();
  return guard.run();
}

class Guard {
  readonly #setup: GuardSetup;
  readonly #log: (event: LogEvent) => void;
  readonly #poll = new PollSet();
  readonly #buffer = new Uint8Array(new ArrayBuffer(4096));
  /** Tells the daemon from another process that gets its number. */
  readonly #born: string;
  #state: HandoverState | null = null;
  #adverts: Advert[] = [];
  #stopped: StoodIn[] = [];
  #deadlineUs: number | null = null;

  constructor(setup: GuardSetup, log: (event: LogEvent) => void) {
    this.#setup = setup;
    this.#log = log;
    this.#born = bornOf(setup.pid) ?? "";
    keepDescriptorsToOurselves();
    if (setup.realtime) tryRealtime();
    this.#poll.add(setup.channel, POLL.IN);
    this.#rehearse();
  }

  /** With the state of before, so that all is compiled when it counts. Nothing is sent. */
  #rehearse(): void {
    this.#go();
    for (const advert of this.#adverts) advert.sendIfDue(-1);
    void this.#waitUs();
    JSON.stringify(this.#adverts.map((advert) => advert.report()));
    this.#adverts = [];
    this.#deadlineUs = null;
  }

  run(): number {
    for (;;) {
      const ready = this.#poll.wait(this.#waitUs());
      if (ready !== "interrupted" && ready > 0) {
        const order = this.#read();
        if (order === "end" || (order === "gone" && this.#deadlineUs === null)) return 0;
        if (order === "gone") return this.#recover("it ended");
      }
      const at = now();
      for (const advert of this.#adverts) advert.sendIfDue(at);
      if (this.#deadlineUs !== null && at >= this.#deadlineUs) {
        return this.#recover(`it was not healthy within ${this.#setup.patienceMs / 1000} s`);
      }
    }
  }

  #waitUs(): number | null {
    const dues = this.#adverts.map(({ dueUs }) => dueUs);
    if (this.#deadlineUs !== null) dues.push(this.#deadlineUs);
    return dues.length === 0 ? null : Math.min(...dues) - now();
  }

  #read(): "end" | "gone" | null {
    let length: number | null;
    try {
      length = receive(this.#setup.channel, this.#buffer);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      return "gone";
    }
    if (length === null) return null;
    if (length === 0) return "gone";
    const text = new TextDecoder().decode(this.#buffer.subarray(0, length));
    const order = JSON.parse(text) as GuardOrder;
    if (order.do === "end") return "end";
    if (order.do === "go") this.#go();
    else this.#taken();
    return null;
  }

  #go(): void {
    this.#deadlineUs = now() + this.#setup.patienceMs * 1000;
    const state = decodeState(readState(this.#setup.state));
    if (!state.ok) throw new Error(state.error.text);
    this.#state = state.value;
    const { sockets, standIn } = state.value.engine;
    const inodes = new Map(sockets.map(({ fd, inode }) => [fd, inode]));
    const links = new Map(sockets.map((socket) => [socket.fd, socket]));
    this.#adverts = standIn.flatMap((advert) => {
      const socket = links.get(advert.fd);
      // A socket that was opened after this process began is not here.
      if (socket === undefined || inodeOf(advert.fd) !== inodes.get(advert.fd)) return [];
      return [new Advert(advert, senderOf(socket))];
    });
  }

  #taken(): void {
    this.#stopped = this.#adverts.map((advert) => advert.report());
    this.#adverts = [];
    send(this.#setup.channel, this.#stopped);
  }

  /** Becomes the daemon: the new image cannot be asked any more. Addresses have stayed where they are. */
  #recover(why: string): number {
    const { pid, state: fd } = this.#setup, state = this.#state!;
    const text = `The new image (${state.to}) did not go on: ${why}`;
    this.#log({ level: "error", text: `${text}; process ${Deno.pid} goes on in place of ${pid}` });
    if (bornOf(pid) === this.#born) this.#end(pid);
    const failure = putBack(state.replaced);
    if (failure !== null) this.#log({ level: "error", text: failure });
    const next = {
      ...state,
      previous: { ...state.previous, path: "/proc/self/exe" },
      rolledBack: why,
      guardPid: null,
      descriptors: { ...state.descriptors, state: fd, guard: null, previous: null },
    };
    writeState(fd, next);
    for (const advert of this.#adverts) advert.sendIfDue(now() + LAST_ADVERT_US);
    becomeImage(next.previous, next);
  }

  /** Two daemons must not be. Adverts go on meanwhile. */
  #end(pid: number): void {
    try {
      kill(pid, SIGNALS.SIGKILL);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
    }
    const until = now() + GONE_MS * 1000;
    while (now() < until && bornOf(pid) === this.#born) new PollSet().wait(2000);
  }
}

/** One master's adverts. */
class Advert {
  dueUs: number;
  readonly #what: StandInAdvert;
  readonly #socket: VrrpSocket;
  readonly #packets: readonly {
    readonly destination: string;
    readonly bytes: Uint8Array<ArrayBuffer>;
  }[];
  #sent = 0;

  constructor(what: StandInAdvert, socket: VrrpSocket) {
    this.#what = what;
    this.#socket = socket;
    this.dueUs = what.dueUs;
    this.#packets = what.packets.map(({ destination, packet }) => ({
      destination,
      bytes: Uint8Array.fromHex(packet),
    }));
  }

  sendIfDue(at: number): void {
    if (this.dueUs > at) return;
    for (const { destination, bytes } of this.#packets) {
      try {
        this.#socket.send(bytes, this.#what.source, destination as StandInAdvert["source"]);
      } catch (error) {
        // The link may be down: the engine finds out as soon as it is back.
        if (!(error instanceof SysError)) throw error;
      }
    }
    this.#sent++;
    this.dueUs = Math.max(this.dueUs + this.#what.intervalUs, at + this.#what.intervalUs / 2);
  }

  report(): StoodIn {
    return { instance: this.#what.instance, sent: this.#sent, dueUs: this.dueUs };
  }
}

function senderOf({ family, ifindex, fd, groups }: HandoverState["engine"]["sockets"][number]) {
  // Of the link, sending needs the index alone.
  const link = ifindex === null ? null : { index: ifindex } as VrrpSocket["link"];
  return new VrrpSocket(family, link, { fd, groups });
}

/** Takes the adverts back from the guard. @returns What it has sent; nothing if it does not answer. */
export function takeFromGuard(channel: number): readonly StoodIn[] {
  send(channel, { do: "taken" });
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

/** Gives the guard an order; one that has ended needs none. */
export function orderGuard(channel: number, order: GuardOrder): void {
  send(channel, order);
}

/** The last order: from now on nobody guards. */
export function dismissGuard(channel: number): void {
  send(channel, { do: "end" });
  closeFd(channel);
}

function send(channel: number, message: unknown): void {
  try {
    sendTo(channel, new TextEncoder().encode(JSON.stringify(message)), null);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
}

function tryRealtime(): void {
  try {
    setRealtimePriority(1);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
}

/** When a process began, in ticks since boot; null for one that has ended (proc_pid_stat(5)). */
export function bornOf(pid: number): string | null {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // Behind the name, which may hold anything: the state is field 3, the start field 22.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? null : fields[19] ?? null;
  } catch {
    return null;
  }
}
