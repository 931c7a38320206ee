/** The other side of a hand-over: an image that goes on with another one's state, or gives it back. */

import { goBack } from "../engine/handover_back.ts";
import { dismissGuard, readVeto, type Veto } from "../engine/handover_channel.ts";
import {
  closeAll,
  descriptorsOf,
  letSignalsThrough,
  passOn,
  readState,
  reapGuard,
  startAnew,
  takeStateDescriptor,
} from "../engine/handover_exec.ts";
import { decodeState } from "../engine/handover_state.ts";
import type { EngineResume } from "../engine/messages.ts";
import { ControlConnection } from "../net/control_socket.ts";
import { adoptClaim } from "../net/host.ts";
import type { JudgeState } from "../track/judge.ts";
import type { Memory } from "../track/tracking.ts";
import type { DaemonState } from "./handover_account.ts";
import type { HandoverAnswer } from "./handover_words.ts";
import type { Logger } from "./logger.ts";
import { asForNextImage } from "./process_options.ts";

/** Between two looks whether the guard has given this image up. */
const VETO_LOOK_MS = 200;

/** Between two looks whether the guard has ended, and how many there are. */
const REAP = { everyMs: 50, looks: 100 } as const;

/** What was handed over to this image; null on an ordinary start. */
export function takeHandover(version: string, log: Logger): Resumption | null {
  const fd = takeStateDescriptor();
  if (fd === null) {
    // A parent may have left them blocked.
    letSignalsThrough();
    return null;
  }
  const state = decodeState(readState(fd));
  // The rehearsal has shown that this cannot be; the guard brings the old image back.
  if (!state.ok) throw new Error(state.error.text);
  const resumption = new Resumption(state.value as DaemonState, version, log);
  resumption.heedVeto();
  return resumption;
}

/** A hand-over that is not complete yet. */
export class Resumption {
  readonly state: DaemonState;
  readonly #version: string;
  readonly #log: Logger;
  readonly #vetoTimer = setInterval(() => this.heedVeto(), VETO_LOOK_MS);
  #isSettled = false;

  constructor(state: DaemonState, version: string, log: Logger) {
    this.state = state;
    this.#version = version;
    this.#log = log;
  }

  /** Whether this image begins anew: only how that went is to be told. */
  get isAnew(): boolean {
    return this.state.anew === true;
  }

  /** What the engine goes on with; null if it begins anew. */
  get engine(): EngineResume | null {
    const { engine, descriptors, rolledBack } = this.state;
    if (this.isAnew) return null;
    return { state: engine, guard: descriptors.guard, isRollback: rolledBack !== null };
  }

  /** What checks go on with; null if they begin anew. */
  get memory(): Memory | null {
    if (this.isAnew) return null;
    return new Map(this.state.checks.map(([identity, state]) => [identity, state as JudgeState]));
  }

  /** Holds the network namespace as the image before did. @returns Whether it did. */
  adoptClaim(): boolean {
    const { claim } = this.state.descriptors;
    if (this.isAnew || claim === null) return false;
    adoptClaim(claim);
    return true;
  }

  /** The new image runs: nobody guards any more, and who asked is told. */
  healthy(): void {
    if (this.#isSettled) return;
    // It comes too late: the guard has given this image up.
    if (this.heedVeto()) return;
    const { rolledBack, previous, pid } = this.state, version = this.#version;
    const began = this.isAnew ? ", which has begun anew" : "";
    if (rolledBack !== null) {
      this.#log({ level: "error", text: `The hand-over was rolled back: ${rolledBack}` });
      const process = pid === Deno.pid ? "" : `, as process ${Deno.pid}`;
      const text = `rolled back to v${version}${process}${began}: ${rolledBack}`;
      return this.#settle({ ok: false, text, pid: Deno.pid, version });
    }
    const verb = this.isAnew ? "has begun anew" : "has gone on";
    const text = `vigie v${version} ${verb} where v${previous.version} stopped`;
    this.#log({
      level: "notice",
      text: `Handed over from vigie v${previous.version} to v${version}${began}`,
    });
    this.#settle({ ok: true, text, pid: Deno.pid, version });
  }

  /** A signal has ended the daemon before: that is no failure. */
  stopped(): void {
    this.#settle({
      ok: true,
      text: "the daemon was stopped",
      pid: Deno.pid,
      version: this.#version,
    });
  }

  /** This image cannot go on. Does not return unless there is nowhere to go back to. */
  fallBack(why: string, anew = this.isAnew): void {
    if (this.#isSettled) return;
    const { state } = this;
    this.#log({ level: "error", text: `This image cannot go on, back to the one before: ${why}` });
    if (state.rolledBack !== null || state.descriptors.previous === null) {
      this.#settle({ ok: false, text: why, pid: Deno.pid, version: this.#version });
      // Whoever has begun anew has nothing to clear away.
      if (!this.isAnew) this.#startOver();
      return;
    }
    if (state.descriptors.asker !== null) {
      tell(state.descriptors.asker, { progress: `The new image cannot go on: ${why}` });
    }
    const complain = (text: string) => this.#log({ level: "error", text });
    goBack(state, { why, anew, complain, asForNextImage });
  }

  /** The addresses are there and must not stay with nobody: an ordinary start clears them away. */
  #startOver(): never {
    const { state } = this;
    passOn([...Object.values(state.descriptors), ...descriptorsOf(state.engine)], false);
    letSignalsThrough();
    return asForNextImage(() => startAnew({ ...state.previous, path: "/proc/self/exe" }));
  }

  /** Goes back if the guard has given this image up. @returns Whether it has, and there is no way back. */
  heedVeto(): boolean {
    const { veto = null } = this.state.descriptors;
    const given: Veto | null = veto === null || this.#isSettled ? null : readVeto(veto);
    if (given === null) return false;
    this.fallBack(given.why, this.isAnew || given.hasResigned);
    return true;
  }

  #settle(answer: HandoverAnswer): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearInterval(this.#vetoTimer);
    const { descriptors: { guard, asker, state, previous, veto = null }, guardPid } = this.state;
    if (guard !== null) dismissGuard(guard);
    if (guardPid !== null) reapSoon(guardPid);
    if (asker !== null) tell(asker, answer);
    const signals = this.isAnew ? [] : this.state.engine.signals.map(({ fd }) => fd);
    closeAll([asker, state, previous, veto, ...signals]);
  }
}

/** Who asked may have gone meanwhile. */
function tell(asker: number, answer: HandoverAnswer): void {
  try {
    new ControlConnection(asker).send(answer);
  } catch {
    // Then nobody wants to know.
  }
}

/** It is a child of this process, whose image does not know it (waitpid(2)). */
function reapSoon(pid: number, looks: number = REAP.looks): void {
  if (looks > 0 && !reapGuard(pid)) setTimeout(() => reapSoon(pid, looks - 1), REAP.everyMs);
}
