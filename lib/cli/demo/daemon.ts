/** A vigie daemon as a child process inside a host of the demo. */

import type { Host } from "../../net/topology.ts";
import { type CommandLine, ENVIRONMENT, signalChild } from "./launch.ts";

/** How long a daemon may take to resign before it is killed. */
const STOP_MS = 3000;

/** Lines kept for the report of a failure. */
const KEPT_LINES = 20;

/** What a daemon reports while it runs. */
export interface DaemonListener {
  /** A line of its log, without the time. */
  said(line: string): void;
  /** It ended though nobody asked it to. */
  died(status: Deno.CommandStatus): void;
}

/** One run of the daemon. */
export class Daemon {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  readonly #lines: string[] = [];
  #expected = false;

  constructor(host: Host, { command, args }: CommandLine, listener: DaemonListener) {
    const daemon = new Deno.Command(command, {
      args: [...args],
      env: ENVIRONMENT,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    });
    this.#child = host.namespace.run(() => daemon.spawn());
    this.#reading = this.#read(listener);
    this.#child.status.then((status) => {
      if (!this.#expected) listener.died(status);
    });
  }

  /** The last lines of its log. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Sends a signal that ends it, at once. */
  kill(signal: "SIGTERM" | "SIGKILL"): void {
    this.#expected = true;
    signalChild(this.#child, signal);
  }

  /** Waits until it has ended, after `kill`; kills it the hard way if it takes too long. */
  async ended(): Promise<void> {
    const timer = setTimeout(() => this.kill("SIGKILL"), STOP_MS);
    await this.#child.status;
    clearTimeout(timer);
    await this.#reading;
  }

  async #read(listener: DaemonListener): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines.map(withoutTime)) {
        this.#lines.push(line);
        if (this.#lines.length > KEPT_LINES) this.#lines.shift();
        listener.said(line);
      }
    }
  }
}

/** Cuts keepalived's time stamp or journald's severity: the demo has a time of its own. */
function withoutTime(line: string): string {
  return line.replace(/^(<\d>|\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}: )/, "");
}
