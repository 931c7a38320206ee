/**
 * The guard of a hand-over: a small process of the old image that sends a master's adverts while
 * the daemon is between two images. A new image that does not come up is given up: it is asked to go
 * back by itself, then killed, and the guard goes on in its place. What cannot be killed, process 1
 * of its own namespace, keeps its place: two daemons must not be, so the guard resigns for it.
 */

import { kill, setRealtimePriority } from "../../ffi/process.ts";
import { SIGNALS } from "../../ffi/signal.ts";
import { POLL, PollSet } from "../../ffi/poll.ts";
import { SysError } from "../../ffi/errno.ts";
import type { LogEvent } from "../core/log.ts";
import { keepDescriptorsToOurselves } from "../net/descriptors.ts";
import { answerTaken, readOrder, writeVeto } from "./handover_channel.ts";
import { becomeImage, putBack, readState, writeState } from "./handover_exec.ts";
import { type Advert, advertsOf, removeAddresses } from "./handover_stand_in.ts";
import { decodeState, type HandoverState } from "./handover_state.ts";
import { now } from "./loop.ts";

/** How a guard is started: descriptors that it has inherited, and whom it guards. */
export interface GuardSetup {
  readonly channel: number;
  readonly state: number;
  /** Where the image that is guarded reads that it is given up. */
  readonly veto: number;
  readonly pid: number;
  readonly realtime: boolean;
  /** From the exec until the new image must have said that it is healthy. */
  readonly patienceMs: number;
}

/** What a guard needs of the world outside of the engine. */
export interface GuardHost {
  readonly log: (event: LogEvent) => void;
  /** Called once, when there is nothing left to prepare. */
  readonly ready: () => void;
  /** This process is about to become the daemon in place of another one. */
  readonly succeeding: () => void;
  /** Nobody else can tell any more how it went. */
  readonly answer: (asker: number, text: string) => void;
}

/** Orders are short. */
const MAX_ORDER_BYTES = 4096;

/** What would be due while this process becomes the daemon leaves before. */
const LAST_ADVERT_US = 500_000;

/** An image that lives looks for a veto five times a second (lib/daemon/handover_resume.ts). */
const VETO_MS = 1500;

/** After SIGKILL, so long until the process is taken for one that cannot be killed. */
const GONE_MS = 3000;

/** Between two looks whether a killed process is gone. */
const LOOK_US = 2000;

/** Runs until its order is "end", or becomes the daemon. @returns The exit code. */
export function runGuard(setup: GuardSetup, host: GuardHost): number {
  const guard = new Guard(setup, host);
  host.ready();
  return guard.run();
}

/** What a guard is about: nothing yet; the new image's health; its answer to a veto; its end. */
type Phase = "ready" | "watching" | "vetoed" | "killed";

class Guard {
  readonly #setup: GuardSetup;
  readonly #host: GuardHost;
  readonly #poll = new PollSet();
  readonly #buffer = new Uint8Array(new ArrayBuffer(MAX_ORDER_BYTES));
  /** Tells the daemon from another process that gets its number. */
  readonly #born: string;
  #state: HandoverState | null = null;
  /** Of all masters. */
  #masters: Advert[] = [];
  /** What is sent: nothing any more once the new engine does. */
  #adverts: Advert[] = [];
  #phase: Phase = "ready";
  #deadlineUs: number | null = null;
  /** Why the image was given up. */
  #why = "";

  constructor(setup: GuardSetup, host: GuardHost) {
    this.#setup = setup;
    this.#host = host;
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
    this.#enter("ready", null);
  }

  run(): number {
    for (;;) {
      const ready = this.#phase === "killed" ? this.#look() : this.#poll.wait(this.#waitUs());
      const isOver = ready !== "interrupted" && ready > 0 && this.#obey();
      if (isOver) return 0;
      const at = now();
      for (const advert of this.#adverts) advert.sendIfDue(at);
      if (this.#phase === "killed" && !this.#isThere()) return this.#succeed();
      if (this.#deadlineUs === null || at < this.#deadlineUs) continue;
      if (this.#phase === "killed") return this.#standDown();
      if (this.#phase === "vetoed") this.#kill();
      else this.#veto();
    }
  }

  /** The channel has nothing to say any more once the other end is closed: it would never sleep. */
  #look(): number | "interrupted" {
    return new PollSet().wait(LOOK_US) === "interrupted" ? "interrupted" : this.#poll.wait(0);
  }

  #waitUs(): number | null {
    const dues = this.#adverts.map(({ dueUs }) => dueUs);
    if (this.#deadlineUs !== null) dues.push(this.#deadlineUs);
    return dues.length === 0 ? null : Math.min(...dues) - now();
  }

  #enter(phase: Phase, lastsMs: number | null): void {
    this.#phase = phase;
    this.#deadlineUs = lastsMs === null ? null : now() + lastsMs * 1000;
  }

  /** Does what the channel says. @returns Whether all is over. */
  #obey(): boolean {
    const order = readOrder(this.#setup.channel, this.#buffer);
    if (order === null) return false;
    if (order !== "gone") return this.#do(order.do);
    if (this.#phase === "ready") return true;
    if (this.#phase === "killed") return false;
    if (this.#why === "") this.#giveUp("it ended");
    this.#kill();
    return false;
  }

  #do(order: "go" | "taken" | "end"): boolean {
    if (order === "go") this.#go();
    if (order === "taken") this.#taken();
    return order === "end";
  }

  /** The same for the new image and, if that has gone back by itself, for the old one. */
  #go(): void {
    this.#enter("watching", this.#setup.patienceMs);
    this.#why = "";
    const state = decodeState(readState(this.#setup.state));
    if (!state.ok) throw new Error(state.error.text);
    this.#state = state.value;
    this.#masters = state.value.anew ? [] : advertsOf(state.value.engine);
    const isBack = (state.value.rolledBack ?? null) !== null;
    if (isBack) { for (const advert of this.#masters) advert.skipAhead(); }
    this.#adverts = this.#masters;
  }

  #taken(): void {
    answerTaken(this.#setup.channel, this.#adverts.map((advert) => advert.report()));
    this.#adverts = [];
  }

  #giveUp(why: string): void {
    this.#why = why;
    const text = `The new image (${this.#state!.to}) did not go on: ${why}`;
    this.#host.log({ level: "error", text });
  }

  /** An image that is only slow goes back by itself, and the process stays the same one. */
  #veto(): void {
    this.#giveUp(`it was not healthy within ${this.#setup.patienceMs / 1000} s`);
    writeVeto(this.#setup.veto, { why: this.#why, hasResigned: false });
    this.#enter("vetoed", VETO_MS);
  }

  /** Two daemons must not be. Adverts go on meanwhile. */
  #kill(): void {
    this.#enter("killed", GONE_MS);
    // Before: who starts the service again because of its end shall find the old executable.
    this.#putBack();
    if (!this.#isThere()) return;
    // Its end must not be taken for the daemon's.
    if (this.#setup.pid !== 1) this.#host.succeeding();
    try {
      kill(this.#setup.pid, SIGNALS.SIGKILL);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
    }
  }

  #isThere(): boolean {
    return bornOf(this.#setup.pid) === this.#born;
  }

  /** Becomes the daemon. Addresses have stayed where they are. */
  #succeed(): number {
    const { pid, state: fd } = this.#setup, state = this.#state!;
    const text = `Process ${Deno.pid} goes on in place of ${pid}`;
    this.#host.log({ level: "error", text });
    this.#host.succeeding();
    const next = {
      ...state,
      previous: { ...state.previous, path: "/proc/self/exe" },
      rolledBack: this.#why,
      guardPid: null,
      descriptors: { ...state.descriptors, state: fd, guard: null, previous: null, veto: null },
    };
    writeState(fd, next);
    for (const advert of this.#adverts) advert.sendIfDue(now() + LAST_ADVERT_US);
    becomeImage(next.previous, next);
  }

  /** Nobody can end what hangs there, and it hears and checks nothing: another router must take over. */
  #standDown(): number {
    const { pid, veto } = this.#setup, { engine, anew, descriptors } = this.#state!;
    // First of all: it must not go on with what is taken away now, should it wake up.
    writeVeto(veto, { why: this.#why, hasResigned: true });
    for (const advert of this.#masters) {
      advert.skipAhead();
      advert.resign();
    }
    for (const text of anew ? [] : removeAddresses(engine)) {
      this.#host.log({ level: "error", text });
    }
    const text = `${this.#why}, and process ${pid} cannot be ended from inside its process ` +
      "namespace: this router has resigned; restart the container or the machine";
    this.#host.log({ level: "error", text });
    if (descriptors.asker !== null) this.#host.answer(descriptors.asker, text);
    return 1;
  }

  #putBack(): void {
    const failure = putBack(this.#state!.replaced);
    if (failure !== null) this.#host.log({ level: "error", text: failure });
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
