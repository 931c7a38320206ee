/** The engine thread from its first message to its last. */

import { SysError } from "../../ffi/errno.ts";
import { closeFd, isOpen } from "../../ffi/fd.ts";
import { clearEvent, raiseEvent } from "../../ffi/process.ts";
import { catchSignal, SIGNALS } from "../../ffi/signal.ts";
import { applyToThread, type ThreadOptions } from "../net/process_options.ts";
import { Commands } from "./commands.ts";
import { Engine } from "./engine.ts";
import { letSignalsThrough } from "./handover_exec.ts";
import {
  CAUGHT_SIGNALS,
  type CaughtSignal,
  type EngineEvent,
  type EngineResume,
  type EngineSetup,
} from "./messages.ts";

/** Numbers by name; the real-time ones count from glibc's SIGRTMIN. */
const NUMBERS: Readonly<Record<CaughtSignal, number>> = {
  ...SIGNALS,
  "SIGRTMIN+2": SIGNALS.SIGRTMIN + 2,
  "SIGRTMIN+3": SIGNALS.SIGRTMIN + 3,
  "SIGRTMAX-1": SIGNALS.SIGRTMAX - 1,
};

/** The part of a worker's global scope that the engine needs. */
export interface WorkerScope {
  onmessage: ((message: MessageEvent<EngineSetup>) => void) | null;
  postMessage(event: EngineEvent): void;
  close(): void;
}

/** Waits for the setup message, then runs the engine until it is told to stop. */
export function engineThread(scope: WorkerScope): void {
  scope.onmessage = ({ data }) => {
    const outbox = new Outbox(scope);
    try {
      // Before this thread is real-time: SIGXCPU is what the kernel warns such a one with.
      const overrun = catchSignal(SIGNALS.SIGXCPU);
      applyOptions(data.options.thread, outbox);
      runEngine(data, overrun, outbox);
      outbox.push({ kind: "stopped" });
    } catch (error) {
      outbox.push({ kind: "failed", text: describe(error) });
    } finally {
      outbox.flush();
      closeFd(data.commandFd);
      scope.close();
    }
  };
  scope.postMessage({ kind: "listening" });
}

/** Events wait here until the packets have left: waking the main thread takes time. */
class Outbox {
  readonly #scope: WorkerScope;
  #events: EngineEvent[] = [];

  constructor(scope: WorkerScope) {
    this.#scope = scope;
  }

  push(event: EngineEvent): void {
    this.#events.push(event);
  }

  flush(): void {
    const events = this.#events;
    if (events.length === 0) return;
    this.#events = [];
    for (const event of events) this.#scope.postMessage(event);
  }
}

function applyOptions(options: ThreadOptions, outbox: Outbox): void {
  for (const { isConfigured, text } of applyToThread(options)) {
    outbox.push({ kind: "log", log: { level: isConfigured ? "warning" : "info", text } });
  }
}

/** Returns when the engine was stopped; whatever goes wrong, the addresses are given back. */
function runEngine(setup: EngineSetup, overrun: number, outbox: Outbox): void {
  const engine = new Engine(setup, outbox);
  const commands = new Commands(engine, setup.commandFd, (event) => outbox.push(event));
  try {
    watchSignals(engine, outbox);
    watchOverrun(engine, overrun, outbox);
    if (setup.resume === null) engine.start();
    else resume(engine, setup.resume);
    engine.loop.run();
  } catch (error) {
    // What was handed over is another image's to go on with: it must stay as it is.
    if (error instanceof CannotResume) engine.forsake();
    throw error;
  } finally {
    try {
      engine.stop();
    } finally {
      commands.close();
      engine.close();
    }
  }
}

/** The state of another image could not be gone on with; nothing was given back. */
class CannotResume extends Error {}

function resume(engine: Engine, resume: EngineResume): void {
  try {
    const { signals } = resume.state;
    engine.resume(resume);
    // Those that came when nobody read them any more are raised again. They stay open until nobody
    // can go back to the image before any more (lib/daemon/handover_resume.ts).
    for (const { signal, fd } of signals) {
      const now = engine.signals.find((one) => one.signal === signal);
      if (isOpen(fd) && clearEvent(fd) && now !== undefined) raiseEvent(now.fd);
    }
  } catch (error) {
    throw new CannotResume(describe(error));
  }
}

/** They stay caught to the end: a second TERM must not kill what is giving its addresses back. */
function watchSignals(engine: Engine, outbox: Outbox): void {
  const fds: { signal: CaughtSignal; fd: number }[] = [];
  for (const signal of CAUGHT_SIGNALS) {
    const fd = catchSignal(NUMBERS[signal]);
    fds.push({ signal, fd });
    engine.loop.watch(fd, () => {
      clearEvent(fd);
      outbox.push({ kind: "signal", signal });
      if (signal === "SIGTERM" || signal === "SIGINT") engine.stop();
    });
  }
  engine.signals = fds;
  letSignalsThrough();
}

/** vrrp_rlimit_rttime: the kernel raises the limit each time, so that this comes once a second at most. */
function watchOverrun(engine: Engine, fd: number, outbox: Outbox): void {
  engine.loop.watch(fd, () => {
    clearEvent(fd);
    const text = "The engine computed at real-time priority, without a rest, for longer than " +
      "half of vrrp_rlimit_rttime";
    outbox.push({ kind: "log", log: { level: "warning", text } });
  });
}

function describe(error: unknown): string {
  if (error instanceof SysError) return error.message;
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
