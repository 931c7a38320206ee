/** The engine thread from its first message to its last. */

import { SysError } from "../../ffi/errno.ts";
import { closeFd } from "../../ffi/fd.ts";
import { clearEvent, lockMemory, setRealtimePriority, setThreadName } from "../../ffi/process.ts";
import { catchSignal, SIGNALS } from "../../ffi/signal.ts";
import type { LogLevel } from "../core/log.ts";
import { Commands } from "./commands.ts";
import { Engine } from "./engine.ts";
import {
  CAUGHT_SIGNALS,
  type EngineEvent,
  type EngineOptions,
  type EngineSetup,
} from "./messages.ts";

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
      setThreadName("vigie-engine");
      applyOptions(data.options, outbox);
      runEngine(data, outbox);
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

/** Locked memory and real-time priority are wishes: without the right to them the engine still runs. */
function applyOptions({ lockMemory: lock, realtime }: EngineOptions, outbox: Outbox): void {
  if (lock) wish(lockMemory, "warning", outbox);
  if (realtime === null) return;
  const { priority, isConfigured } = realtime;
  wish(() => setRealtimePriority(priority), isConfigured ? "warning" : "info", outbox);
}

function wish(apply: () => void, level: LogLevel, outbox: Outbox): void {
  try {
    apply();
  } catch (error) {
    outbox.push({ kind: "log", log: { level, text: describe(error) } });
  }
}

/** Returns when the engine was stopped; whatever goes wrong, the addresses are given back. */
function runEngine(setup: EngineSetup, outbox: Outbox): void {
  const engine = new Engine(setup, outbox);
  const commands = new Commands(engine, setup.commandFd, (event) => outbox.push(event));
  try {
    watchSignals(engine, outbox);
    engine.start();
    engine.loop.run();
  } finally {
    try {
      engine.stop();
    } finally {
      commands.close();
      engine.close();
    }
  }
}

/** They stay caught to the end: a second TERM must not kill what is giving its addresses back. */
function watchSignals(engine: Engine, outbox: Outbox): void {
  for (const signal of CAUGHT_SIGNALS) {
    const fd = catchSignal(SIGNALS[signal]);
    engine.loop.watch(fd, () => {
      clearEvent(fd);
      outbox.push({ kind: "signal", signal });
      if (signal === "SIGTERM" || signal === "SIGINT") engine.stop();
    });
  }
}

function describe(error: unknown): string {
  if (error instanceof SysError) return error.message;
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
