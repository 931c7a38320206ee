/** Commands of the main thread: read off the socket pair, and done. */

import { POLL, PollSet } from "../../ffi/poll.ts";
import { receive } from "../../ffi/socket.ts";
import type { Bytes } from "../core/bytes.ts";
import type { Engine } from "./engine.ts";
import { now } from "./loop.ts";
import type { Command, EngineEvent, EngineParts } from "./messages.ts";
import { Pinger } from "./pinger.ts";
import { ProcessDesk } from "./process_desk.ts";

/**
 * The longest command, with much to spare: process ids, names of instances, the reason why a check
 * fails. The socket pair itself carries no more at once (net.core.wmem_default, socket(7)).
 */
const MAX_COMMAND_BYTES = 262_144;

/**
 * The main thread execs within milliseconds, and not at all later than half of this after it has
 * heard (lib/daemon/handover.ts).
 */
export const STAND_STILL_US = 2_000_000;

type Do = { readonly [K in Command["kind"]]: (command: Extract<Command, { kind: K }>) => void };

/** Does what the main thread asks of the engine thread. */
export class Commands {
  readonly #engine: Engine;
  readonly #fd: number;
  readonly #buffer: Bytes = new Uint8Array(MAX_COMMAND_BYTES);
  readonly #processes: ProcessDesk;
  readonly #pinger: Pinger;
  readonly #do: Do;
  /** Read while the engine stood still; done in their order once it goes on. */
  readonly #put: Command[] = [];
  /** The beginning of a configuration whose end is still to come. */
  #pieces = "";

  /** @param fd The engine's end of the SOCK_SEQPACKET pair; watched from now on. */
  constructor(engine: Engine, fd: number, emit: (event: EngineEvent) => void) {
    this.#engine = engine;
    this.#fd = fd;
    const { loop } = engine;
    const watcher = {
      watch: (fd: number, handler: () => void) => loop.watch(fd, handler),
      unwatch: (fd: number) => loop.unwatch(fd),
      emit,
    };
    const processes = this.#processes = new ProcessDesk(watcher);
    const pinger = this.#pinger = new Pinger({ ...watcher, now });
    this.#do = {
      stop: () => engine.stop(),
      status: ({ id }) => engine.tellStatus(id),
      tracker: ({ tracker, state }) => engine.tellTracker(tracker, state),
      watchProcesses: ({ pids }) => processes.watch(pids),
      unwatchProcesses: ({ pids }) => processes.unwatch(pids),
      watchBirths: () => processes.watchBirths(),
      ping: ({ request }) => pinger.send(request),
      cancelPing: ({ id }) => pinger.cancel(id),
      retire: ({ instances }) => engine.retire(instances),
      comeBack: () => engine.comeBack(),
      capture: ({ final }) => {
        // A signal of the same turn has stopped it: what has resigned cannot be gone on with.
        if (engine.isStopped) return;
        engine.tellState();
        if (final) this.#standStill();
      },
      goOn: () => {},
      reconfigure: ({ id, piece, isLast }) => {
        this.#pieces += piece;
        if (!isLast) return;
        const parts = JSON.parse(this.#pieces) as EngineParts;
        this.#pieces = "";
        engine.reconfigure(id, parts);
      },
    };
    loop.watch(fd, () => this.#receive());
  }

  /** Closes what commands have opened; the pair is its owner's. */
  close(): void {
    this.#processes.close();
    this.#pinger.close();
  }

  /**
   * Nothing is sent or read from here to the exec. Without one, `goOn` ends it, or time; whatever else
   * is asked meanwhile waits.
   */
  #standStill(): void {
    const poll = new PollSet(), until = now() + STAND_STILL_US;
    poll.add(this.#fd, POLL.IN);
    while (now() < until) {
      if (poll.wait(until - now()) === "interrupted") continue;
      for (let command; (command = this.#next()) !== null;) {
        if (command.kind === "goOn") return;
        this.#put.push(command);
      }
    }
  }

  /** The next command that waits in the socket; null if there is none. */
  #next(): Command | null {
    const length = receive(this.#fd, this.#buffer);
    if (length === null) return null;
    if (length === 0) throw new Error("Cannot go on: the main thread closed the command socket");
    return JSON.parse(new TextDecoder().decode(this.#buffer.subarray(0, length))) as Command;
  }

  #receive(): void {
    for (let command; (command = this.#put.shift() ?? this.#next()) !== null;) {
      (this.#do[command.kind] as (command: Command) => void)(command);
    }
    this.#engine.judge();
  }
}
