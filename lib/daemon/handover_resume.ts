/** The other side of a hand-over: an image that goes on with another one's state, or gives it back. */

import {
  becomeImage,
  closeFd,
  descriptorsOf,
  letSignalsThrough,
  passOn,
  putBack,
  readState,
  reapGuard,
  startAnew,
  takeStateDescriptor,
  writeState,
} from "../engine/handover_exec.ts";
import { dismissGuard, orderGuard } from "../engine/handover_guard.ts";
import { decodeState } from "../engine/handover_state.ts";
import type { EngineResume } from "../engine/messages.ts";
import { ControlConnection } from "../net/control_socket.ts";
import { adoptClaim } from "../net/host.ts";
import type { JudgeState } from "../track/judge.ts";
import { asForPrograms } from "../track/program.ts";
import type { Memory } from "../track/tracking.ts";
import type { DaemonState } from "./handover.ts";
import type { HandoverAnswer } from "./handover_words.ts";
import type { Logger } from "./logger.ts";

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
  return new Resumption(state.value as DaemonState, version, log);
}

/** A hand-over that is not complete yet. */
export class Resumption {
  readonly state: DaemonState;
  readonly #version: string;
  readonly #log: Logger;
  #isSettled = false;

  constructor(state: DaemonState, version: string, log: Logger) {
    this.state = state;
    this.#version = version;
    this.#log = log;
  }

  /** What the engine goes on with. */
  get engine(): EngineResume {
    const { engine, descriptors, rolledBack } = this.state;
    return { state: engine, guard: descriptors.guard, isRollback: rolledBack !== null };
  }

  /** What checks go on with. */
  get memory(): Memory {
    return new Map(this.state.checks.map(([identity, state]) => [identity, state as JudgeState]));
  }

  /** Holds the network namespace as the image before did. @returns Whether it did. */
  adoptClaim(): boolean {
    const { claim } = this.state.descriptors;
    if (claim === null) return false;
    adoptClaim(claim);
    return true;
  }

  /** The new image runs: nobody guards any more, and who asked is told. */
  healthy(): void {
    if (this.#isSettled) return;
    const { rolledBack, previous, pid } = this.state, version = this.#version;
    this.#log(
      rolledBack === null
        ? { level: "notice", text: `Handed over from vigie v${previous.version} to v${version}` }
        : { level: "error", text: `The hand-over was rolled back: ${rolledBack}` },
    );
    const text = rolledBack === null
      ? `vigie v${version} has gone on where v${previous.version} stopped`
      : `rolled back to v${version}${pid === Deno.pid ? "" : `, as process ${Deno.pid}`}: ` +
        rolledBack;
    this.#settle({ ok: rolledBack === null, text, pid: Deno.pid, version });
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
  fallBack(why: string): void {
    if (this.#isSettled) return;
    const { state } = this, { guard, previous } = state.descriptors;
    this.#log({ level: "error", text: `This image cannot go on, back to the one before: ${why}` });
    if (state.rolledBack !== null || previous === null) {
      // The addresses are there and must not stay with nobody: an ordinary start clears them away.
      this.#settle({ ok: false, text: why, pid: Deno.pid, version: this.#version });
      passOn([...Object.values(state.descriptors), ...descriptorsOf(state.engine)], false);
      letSignalsThrough();
      asForPrograms(() => startAnew({ ...state.previous, path: "/proc/self/exe" }));
    }
    const failure = putBack(state.replaced);
    if (failure !== null) this.#log({ level: "error", text: failure });
    const back = { ...state, rolledBack: why, to: state.previous.version };
    writeState(state.descriptors.state, back);
    if (guard !== null) orderGuard(guard, { do: "go" });
    asForPrograms(() => becomeImage(state.previous, back));
  }

  #settle(answer: HandoverAnswer): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    const { descriptors: { guard, asker, state, previous }, guardPid } = this.state;
    if (guard !== null) dismissGuard(guard);
    if (guardPid !== null) reapSoon(guardPid);
    if (asker !== null) tell(asker, answer);
    for (const fd of [state, previous]) if (fd !== null) closeFd(fd);
  }
}

/** Who asked may have gone meanwhile. */
function tell(asker: number, answer: HandoverAnswer): void {
  try {
    const connection = new ControlConnection(asker);
    connection.send(answer);
    connection.close();
  } catch {
    // Then nobody wants to know.
  }
}

/** It is a child of this process, whose image does not know it (waitpid(2)). */
function reapSoon(pid: number, looks: number = REAP.looks): void {
  if (looks > 0 && !reapGuard(pid)) setTimeout(() => reapSoon(pid, looks - 1), REAP.everyMs);
}
