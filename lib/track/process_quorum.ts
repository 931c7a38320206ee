/** From how many run to good or bad: `quorum`, `quorum_max`, and the delays of a `vrrp_track_process`. */

import type { LogEvent } from "../core/log.ts";
import type { ProcessProbe } from "../core/probe_spec.ts";
import type { Clock } from "./clock.ts";

/** What is tracked, and how it is called: "process chk_nginx", "check web". */
export interface TrackedProcess {
  readonly tracker: string;
  readonly probe: ProcessProbe;
}

/** What is known of it, as TrackerState of lib/vrrp/priority.ts has it. */
export type ProcessState = { readonly kind: "good" } | {
  readonly kind: "bad";
  /** Completes "process chk_nginx: 0 of 1 processes nginx". */
  readonly why: string;
};

/** Where the state of a tracked object goes. */
export interface QuorumOutlet {
  readonly clock: Clock;
  report(tracker: string, state: ProcessState): void;
  log(event: LogEvent): void;
}

/** Whether enough of one kind of process run, and not too many. */
export class Quorum {
  readonly object: TrackedProcess;
  readonly #outlet: QuorumOutlet;
  #count: number | null = null;
  #state: ProcessState | null = null;
  #sinceMs: number | null = null;
  #cancelDelay: (() => void) | null = null;

  constructor(object: TrackedProcess, outlet: QuorumOutlet) {
    this.object = object;
    this.#outlet = outlet;
  }

  /** How many run; 0 before the first `update`. */
  get count(): number {
    return this.#count ?? 0;
  }

  /** What was reported last; null before the first `update`. */
  get state(): ProcessState | null {
    return this.#state;
  }

  /** Since when it is good or bad, in milliseconds since the epoch; null before the first `update`. */
  get sinceMs(): number | null {
    return this.#sinceMs;
  }

  /**
   * So many run now. The first time it counts at once. Later a change waits: for `fork_delay` if one
   * more process has caused it, for `terminate_delay` if one less has (keepalived's track_process.c,
   * where one process too many is a fork, too), and counts if it still holds then.
   */
  update(count: number): void {
    const before = this.#count;
    this.#count = count;
    if (this.#state === null || before === null) return this.#settle();
    if (this.#isEnough() === (this.#state.kind === "good")) {
      this.stop();
      return this.#settle(); // the count in the words may be another
    }
    if (this.#cancelDelay !== null) return;
    const { forkDelayUs, terminateDelayUs } = this.object.probe;
    const delayUs = count > before ? forkDelayUs : terminateDelayUs;
    if (delayUs === 0) return this.#settle();
    this.#cancelDelay = this.#outlet.clock.after(delayUs / 1000, () => {
      this.#cancelDelay = null;
      this.#settle();
    });
  }

  /** Takes back a delay that is running. */
  stop(): void {
    this.#cancelDelay?.();
    this.#cancelDelay = null;
  }

  #isEnough(): boolean {
    const { quorum, quorumMax } = this.object.probe;
    return this.count >= quorum && this.count <= (quorumMax ?? Infinity);
  }

  /** Makes what the count says the state, and reports it if it is news. */
  #settle(): void {
    const before = this.#state, { tracker } = this.object;
    const state: ProcessState = this.#isEnough()
      ? { kind: "good" }
      : { kind: "bad", why: this.#why() };
    if (before?.kind === state.kind && whyOf(before) === whyOf(state)) return;
    this.#state = state;
    if (before?.kind !== state.kind) {
      this.#sinceMs = this.#outlet.clock.wallMs();
      if (before !== null || state.kind === "bad") this.#log(state);
    }
    this.#outlet.report(tracker, state);
  }

  /** keepalived's words and level; what is wrong is added. */
  #log(state: ProcessState): void {
    const name = this.object.tracker.replace(/^(process|check) /, "");
    const text = state.kind === "good"
      ? `Quorum gained for tracked process ${name}`
      : `Quorum lost for tracked process ${name}: ${state.why}`;
    this.#outlet.log({ level: "info", text });
  }

  #why(): string {
    const { match, quorum, quorumMax } = this.object.probe, count = this.count;
    const command = match.words.join(" ");
    if (count < quorum) return `${count} of ${quorum} processes ${command}`;
    const found = `${count} ${count === 1 ? "process" : "processes"} ${command}`;
    return quorumMax === 0 ? `${found}, which must not run` : `${found}, at most ${quorumMax} may`;
  }
}

function whyOf(state: ProcessState): string {
  return state.kind === "bad" ? state.why : "";
}
