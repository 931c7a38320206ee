/** A /proc of our own making in a temporary folder, and an engine that takes notes. */

import type { LogEvent } from "../lib/core/log.ts";
import type { ProcessMatch, ProcessProbe } from "../lib/core/probe_spec.ts";
import { micros } from "../lib/core/time.ts";
import { type ProcessState, ProcessTracker, type TrackedProcess } from "../lib/track/process.ts";
import { VirtualClock } from "./track_clock.ts";

/** Looks and scans read files in real time: virtual time waits for them so often. */
const STEP_MS = 5;

/** One process to invent. */
export interface Invented {
  readonly comm: string;
  readonly argv?: readonly string[];
  readonly state?: string;
  readonly startTicks?: number;
}

/** A folder that looks like /proc; `using` removes it. */
export class FakeProc implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "vigie-proc-" });

  constructor() {
    Deno.mkdirSync(`${this.root}/sys`);
    Deno.writeTextFileSync(`${this.root}/uptime`, "1 1\n");
  }

  /** Starts a process, or changes one. */
  put(pid: number, { comm, argv = [comm], state = "S", startTicks = pid }: Invented): void {
    Deno.mkdirSync(`${this.root}/${pid}`, { recursive: true });
    const rest = [state, ...Array(18).fill(0), startTicks, ...Array(30).fill(0)].join(" ");
    Deno.writeTextFileSync(`${this.root}/${pid}/stat`, `${pid} (${comm}) ${rest}\n`);
    const words = argv.map((word) => `${word}\0`).join("");
    Deno.writeTextFileSync(`${this.root}/${pid}/cmdline`, words);
  }

  /** Ends a process, without a zombie. */
  remove(pid: number): void {
    Deno.removeSync(`${this.root}/${pid}`, { recursive: true });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

/** "nginx" by its comm, at least one, without delays. */
export function object(
  { words = ["nginx"], by = "comm" }: Partial<ProcessMatch> = {},
  probe: Partial<ProcessProbe> = {},
): TrackedProcess {
  const rest = { quorum: 1, quorumMax: null, forkDelayUs: micros(0), terminateDelayUs: micros(0) };
  return {
    tracker: "process web",
    probe: { kind: "process", match: { words, by }, ...rest, ...probe },
  };
}

/** A tracker in virtual time with an engine that takes notes. */
export class World implements Disposable {
  readonly proc = new FakeProc();
  readonly clock = new VirtualClock();
  /** What was reported: "good", or why it is bad. */
  readonly reports: string[] = [];
  readonly logs: LogEvent[] = [];
  /** What the engine was asked: "births", "watch 1 2", "unwatch 1". */
  readonly asked: string[] = [];
  readonly tracker: ProcessTracker;

  constructor(...objects: readonly TrackedProcess[]) {
    this.tracker = new ProcessTracker({
      objects,
      clock: this.clock,
      procRoot: this.proc.root,
      kernel: {
        watch: (pids) => this.asked.push(`watch ${pids.join(" ")}`),
        unwatch: (pids) => this.asked.push(`unwatch ${pids.join(" ")}`),
        watchBirths: () => this.asked.push("births"),
      },
      report: (_tracker, state: ProcessState) =>
        this.reports.push(state.kind === "good" ? "good" : state.why),
      log: (event) => this.logs.push(event),
    });
  }

  /** Starts, and lets the engine answer: null, the kernel tells of births; else why not. */
  async start(refused: string | null): Promise<this> {
    this.tracker.start();
    await this.tracker.settled();
    this.tracker.births({ refused, lost: false });
    return this;
  }

  /** Lets so many seconds pass, and everything be done that falls due. */
  async pass(s: number): Promise<void> {
    for (let leftMs = s * 1000; leftMs > 0; leftMs -= STEP_MS) {
      await this.clock.advance(Math.min(leftMs, STEP_MS));
      await this.tracker.settled();
    }
  }

  /** What was reported since the last call. */
  take(): string[] {
    return this.reports.splice(0);
  }

  /** What the engine was asked since the last call. */
  takeAsked(): string[] {
    return this.asked.splice(0);
  }

  [Symbol.dispose](): void {
    this.tracker.stop();
    this.proc[Symbol.dispose]();
  }
}
