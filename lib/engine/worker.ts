/** The engine thread from its first message to its last. */

import { SysError } from "../../ffi/errno.ts";
import { closeFd } from "../../ffi/fd.ts";
import { clearEvent, lockMemory, setRealtimePriority, setThreadName } from "../../ffi/process.ts";
import { catchSignal, SIGNALS } from "../../ffi/signal.ts";
import { receive } from "../../ffi/socket.ts";
import type { Bytes } from "../core/bytes.ts";
import { Engine } from "./engine.ts";
import {
  CAUGHT_SIGNALS,
  type Command,
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

/** A command is at most one instance with 255 addresses and about as many excluded ones. */
const MAX_COMMAND_BYTES = 1 << 18;

/** Waits for the setup message, then runs the engine until it is told to stop. */
export function engineThread(scope: WorkerScope): void {
  const emit = (event: EngineEvent) => scope.postMessage(event);
  scope.onmessage = ({ data: { commandFd, options } }) => {
    try {
      setThreadName("vigie-engine");
      applyOptions(options, emit);
      runEngine(commandFd, options, emit);
      emit({ kind: "stopped" });
    } catch (error) {
      emit({ kind: "failed", text: describe(error) });
    } finally {
      closeFd(commandFd);
      scope.close();
    }
  };
  emit({ kind: "listening" });
}

/** Real-time priority and locked memory are wishes: without the right to them the engine still runs. */
function applyOptions(options: EngineOptions, emit: (event: EngineEvent) => void): void {
  const wishes: [boolean, () => void][] = [
    [options.lockMemory, lockMemory],
    [options.realtimePriority !== null, () => setRealtimePriority(options.realtimePriority ?? 0)],
  ];
  for (const [wanted, apply] of wishes) {
    if (!wanted) continue;
    try {
      apply();
    } catch (error) {
      emit({ kind: "log", log: { level: "warning", text: describe(error) } });
    }
  }
}

/** Returns when the engine was stopped; on any error the addresses are given back first. */
function runEngine(
  commandFd: number,
  options: EngineOptions,
  emit: (event: EngineEvent) => void,
): void {
  const engine = new Engine(options, emit);
  const buffer: Bytes = new Uint8Array(MAX_COMMAND_BYTES);
  engine.loop.watch(commandFd, () => {
    for (let length; (length = receive(commandFd, buffer)) !== null;) {
      if (length === 0) throw new Error("Cannot go on: the main thread closed the command socket");
      const text = new TextDecoder().decode(buffer.subarray(0, length));
      obey(engine, JSON.parse(text) as Command, emit);
    }
  });
  // They stay caught to the end: a second TERM must not kill what is giving its addresses back.
  for (const signal of CAUGHT_SIGNALS) {
    const fd = catchSignal(SIGNALS[signal]);
    engine.loop.watch(fd, () => {
      clearEvent(fd);
      emit({ kind: "signal", signal });
      if (signal === "SIGTERM" || signal === "SIGINT") engine.stop();
    });
  }
  try {
    engine.loop.run();
  } catch (error) {
    engine.stop();
    throw error;
  } finally {
    engine.close();
  }
}

type Obey<K extends Command["kind"]> = (
  engine: Engine,
  command: Extract<Command, { kind: K }>,
  emit: (event: EngineEvent) => void,
) => void;

const OBEY: { readonly [K in Command["kind"]]: Obey<K> } = {
  add: (engine, { instance }) => engine.add(instance),
  start: (engine) => engine.start(),
  stop: (engine) => engine.stop(),
  status: (engine, { id }, emit) => emit(engine.status(id)),
};

function obey(engine: Engine, command: Command, emit: (event: EngineEvent) => void): void {
  (OBEY[command.kind] as Obey<Command["kind"]>)(engine, command, emit);
}

function describe(error: unknown): string {
  if (error instanceof SysError) return error.message;
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
