/** A daemon under test: a process in a namespace, its log line by line, and a sure end. */

import type { NetworkNamespace } from "../../ffi/namespace.ts";
import { TIMEOUT_MS, until } from "./until.ts";

/** What to start. */
export interface ProcessSpec {
  /** For failure reports. */
  readonly name: string;
  readonly namespace: NetworkNamespace;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** How long a daemon may take to end after a polite signal, before it is killed. */
const END_MS = 30_000;

/** A running process whose output is kept. Disposing ends it, politely first. */
export class Process implements AsyncDisposable {
  readonly name: string;
  /** Every line of standard error and standard output, in the order of arrival. */
  readonly lines: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #readers: Promise<void>[];
  #cursor = 0;
  #ended: Deno.CommandStatus | null = null;
  /** It has ended and every line of it has been read. */
  #silent = false;

  constructor({ name, namespace, command, args, env = {} }: ProcessSpec) {
    this.name = name;
    this.#child = namespace.run(() =>
      new Deno.Command(command, {
        args: [...args],
        env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", TZ: "UTC", ...env },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn()
    );
    this.#readers = [this.#collect(this.#child.stderr), this.#collect(this.#child.stdout)];
    this.#child.status.then((status) => this.#ended = status);
    Promise.all(this.#readers).then(() => this.#silent = true);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#ended === null;
  }

  /**
   * Waits for a line, and looks behind it the next time: a sequence of calls proves an order.
   * @returns The line.
   */
  async saw(pattern: RegExp, timeoutMs = TIMEOUT_MS): Promise<string> {
    let found = -1;
    await until(
      () => {
        found = this.lines.findIndex((line, at) => at >= this.#cursor && pattern.test(line));
        return found >= 0 || this.#silent;
      },
      `${this.name} to say ${pattern}`,
      timeoutMs,
    );
    if (found < 0) throw new Error(`${this.name} ended without saying ${pattern}`);
    this.#cursor = found + 1;
    return this.lines[found]!;
  }

  /** The lines so far that match, wherever `saw` has got to. */
  said(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line));
  }

  /** Sends a signal; one that has ended already is left in peace. */
  signal(signal: Deno.Signal): void {
    if (this.running) this.#child.kill(signal);
  }

  /** Waits for its end. @returns The exit code, 128 + signal number if a signal ended it. */
  async ended(timeoutMs = END_MS): Promise<number> {
    await until(() => !this.running, `${this.name} to end`, timeoutMs);
    await Promise.all(this.#readers);
    return this.#ended!.code;
  }

  /** Asks it to stop. @returns The exit code. */
  stop(): Promise<number> {
    this.signal("SIGTERM");
    return this.ended();
  }

  /** Ends it without any chance to tidy up. */
  async crash(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGTERM");
    try {
      // Not for its last line: a child of its own may hold its output open.
      await until(() => !this.running, `${this.name} to end`, END_MS);
    } catch {
      // Too slow: what matters here is that it is gone.
      this.signal("SIGKILL");
      await this.#child.status;
    }
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.lines.push(...lines);
    }
    if (rest !== "") this.lines.push(rest);
  }
}
