/** A daemon that runs for a measurement: started in a host's namespace, watched, ended. */

import { join } from "node:path";
import { kill } from "../../ffi/process.ts";
import { monotonicUs } from "../../ffi/clock.ts";
import type { Host } from "../../lib/net/topology.ts";
import { killIfThere, owe, scratchDirectory } from "./cleanup.ts";
import { sleep } from "./clock.ts";
import type { Contender } from "./contender.ts";
import { isGone } from "./proc.ts";

/** Numbers of signal(7), the same everywhere. */
const SIGTERM = 15, SIGKILL = 9, SIGUSR1 = 10;

/** How often the log is looked at while waiting for a line. */
const LOG_POLL_MS = 5;

/** Log lines that an error message shows. */
const LAST_LINES = 12;

let started = 0;

/** A measurement that cannot be made. */
export class CannotMeasure extends Error {
  override readonly name = "CannotMeasure";
}

/** A running daemon with its child processes. */
export class Daemon {
  readonly contender: Contender;
  /** Just before its process was made. */
  readonly execAtUs: number;
  readonly #process: Deno.ChildProcess;
  readonly #scratch: string;
  readonly #killed: () => void;
  readonly #logEnded: Promise<void>;
  #log = "";
  /** Its log has, and with it the last of its processes. */
  #ended = false;

  private constructor(contender: Contender, host: Host, config: string) {
    this.contender = contender;
    this.#scratch = join(scratchDirectory(), `daemon-${++started}`);
    Deno.mkdirSync(this.#scratch);
    const file = join(this.#scratch, "daemon.conf");
    Deno.writeTextFileSync(file, config);
    const [program, ...args] = contender.command(file, this.#scratch);
    const command = new Deno.Command(program, {
      args,
      // The namespace leads nowhere, so Deno's own look for updates could only disturb.
      env: { TMPDIR: this.#scratch, DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    });
    this.execAtUs = monotonicUs();
    this.#process = host.namespace.run(() => command.spawn());
    this.#killed = owe(() => this.processes().forEach(killIfThere));
    this.#logEnded = this.#readLog();
  }

  /** Starts a daemon on a host. */
  static start(contender: Contender, host: Host, config: string): Daemon {
    return new Daemon(contender, host, config);
  }

  /** All its processes, children first, so that killing in this order leaves nobody to mourn them. */
  processes(): number[] {
    return [...descendants(this.#process.pid), this.#process.pid];
  }

  /** Asks it to stop, as an init system does. */
  terminate(): void {
    kill(this.#process.pid, SIGTERM);
  }

  /** Kills processes at once, without a chance to say goodbye. */
  crash(processes: readonly number[]): void {
    for (const pid of processes) kill(pid, SIGKILL);
  }

  /** Waits until so many lines of its log match. @throws {CannotMeasure} If that takes too long. */
  async logged(line: RegExp, times: number, timeoutMs: number): Promise<void> {
    const until = monotonicUs() + timeoutMs * 1000, all = new RegExp(line, `g${line.flags}`);
    while ((this.#log.match(all)?.length ?? 0) < times) {
      if (this.#ended) throw this.failure("has ended");
      if (monotonicUs() > until) {
        throw this.failure(`did not log ${times} x ${line} in ${timeoutMs} ms`);
      }
      await sleep(LOG_POLL_MS);
    }
  }

  /** Asks it to log its state. */
  askForState(): void {
    kill(this.#process.pid, SIGUSR1);
  }

  /** Everything in its log that matches, in order. @param all With the flag g. */
  said(all: RegExp): RegExpExecArray[] {
    return [...this.#log.matchAll(all)];
  }

  /** An error that says what went wrong and what the daemon said last. */
  failure(text: string): CannotMeasure {
    const last = this.#log.trimEnd().split("\n").slice(-LAST_LINES).map((line) => `    ${line}`)
      .join("\n");
    return new CannotMeasure(`${this.contender.name} ${text}; its last log lines:\n${last}`);
  }

  /** Kills what still runs of it and waits until it is gone. */
  async end(): Promise<void> {
    this.#killed();
    await this.#process.status;
    await this.#logEnded;
    Deno.removeSync(this.#scratch, { recursive: true });
  }

  async #readLog(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#process.stderr) {
      this.#log += decoder.decode(chunk, { stream: true });
    }
    this.#ended = true;
  }
}

/** Children of all threads of a process and theirs, deepest first. */
function descendants(pid: number): number[] {
  try {
    const threads = [...Deno.readDirSync(`/proc/${pid}/task`)];
    const children = threads.flatMap(({ name }) =>
      Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`).trim().split(/\s+/)
    ).filter((text) => text !== "").map(Number);
    return children.flatMap((child) => [...descendants(child), child]);
  } catch (error) {
    // A process that ends while it is looked at has no children any more.
    if (isGone(error)) return [];
    throw error;
  }
}
