/** The main thread's end of the engine: starts the worker, sends commands, hands out its events. */

import { ERRNO, SysError } from "../../ffi/errno.ts";
import { closeFd } from "../../ffi/fd.ts";
import { sendTo, socketPair } from "../../ffi/socket.ts";
import type { Bytes } from "../core/bytes.ts";
import type { Command, EngineEvent, EngineParts, EngineResume, EngineSetup } from "./messages.ts";

/** How long to wait before trying again when the engine has not read earlier commands yet. */
const RETRY_MS = 1;

/**
 * Characters of a configuration in one command: quoted once more, and in UTF-8, they fit a datagram
 * (lib/engine/commands.ts) whatever they are.
 */
const PIECE_LENGTH = 32_768;

/** What reaches the daemon; the handshake is this file's own business. */
export type DaemonEvent = Exclude<EngineEvent, { kind: "listening" }>;

/** An engine thread that loads its modules, or has. */
interface LoadedWorker {
  readonly worker: Worker;
  /** Rejects if it cannot be loaded. */
  readonly listening: Promise<void>;
}

let prepared: LoadedWorker | null = null;

/** Loads the engine thread while its setup is still being made; the next `EngineLink` takes it. */
export function prepareEngine(module: string): void {
  prepared ??= loadWorker(module);
}

function loadWorker(module: string): LoadedWorker {
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  const worker = new Worker(module, { type: "module", name: "engine" });
  worker.onmessage = () => resolve();
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  // Whoever takes it is told; until then a failure is nobody's.
  listening.catch(() => {});
  return { worker, listening };
}

/** A running engine thread. */
export class EngineLink {
  readonly #worker: Worker;
  readonly #fd: number;
  readonly #waiting: Bytes[] = [];
  #closed = false;

  /**
   * @param module The program's own module: in a worker it becomes the engine.
   * @param receive Gets every event, in order; a worker that dies becomes a `failed` one.
   * @throws {SysError} If the socket pair cannot be made.
   */
  constructor(
    module: string,
    parts: EngineParts,
    receive: (event: DaemonEvent) => void,
    resume: EngineResume | null = null,
  ) {
    const [ours, theirs] = socketPair();
    this.#fd = ours;
    const { worker, listening } = prepared ?? loadWorker(module);
    prepared = null;
    this.#worker = worker;
    const setup: EngineSetup = { kind: "setup", commandFd: theirs, resume, ...parts };
    // Posted earlier, the message would be lost: nobody listens while the worker loads its modules.
    listening.then(() => {
      worker.onmessage = ({ data }: MessageEvent<DaemonEvent>) => receive(data);
      worker.onerror = (event) => {
        event.preventDefault();
        receive({ kind: "failed", text: event.message });
      };
      worker.postMessage(setup);
    }, (error: Error) => receive({ kind: "failed", text: error.message }));
  }

  /** Sends a command; those that do not fit the pair's buffer yet wait in order. */
  send(command: Command): void {
    this.#waiting.push(new TextEncoder().encode(JSON.stringify(command)));
    if (this.#waiting.length === 1) this.#flush();
  }

  /** Sends another configuration; `reconfigured` with the same number is the answer. */
  reconfigure(id: number, parts: EngineParts): void {
    const text = JSON.stringify(parts);
    for (let from = 0; from < text.length; from += PIECE_LENGTH) {
      const piece = text.slice(from, from + PIECE_LENGTH);
      const isLast = from + PIECE_LENGTH >= text.length;
      this.send({ kind: "reconfigure", id, piece, isLast });
    }
  }

  /** After `stopped` or `failed`. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeFd(this.#fd);
    this.#worker.terminate();
  }

  #flush(): void {
    for (let next; !this.#closed && (next = this.#waiting[0]) !== undefined;) {
      const failure = this.#trySend(next);
      if (failure === ERRNO.EAGAIN) {
        setTimeout(() => this.#flush(), RETRY_MS);
        return;
      }
      // Any other failure means that the engine has ended, of which its last event tells.
      this.#waiting.shift();
    }
  }

  #trySend(bytes: Bytes): number | null {
    try {
      sendTo(this.#fd, bytes, null);
      return null;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      return error.errno;
    }
  }
}
