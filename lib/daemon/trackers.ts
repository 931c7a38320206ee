/** All that is tracked outside of the engine: checks, processes, files; and the engine's help for it. */

import type { Config, VrrpCheck } from "../../config/model.ts";
import { type Family, familyOf, isLinkLocal, parseIp } from "../core/address.ts";
import type { CheckSpec, PolledProbe, ProcessProbe } from "../core/probe_spec.ts";
import { isSame } from "../core/same.ts";
import type { Command, EngineEvent, PingRequest } from "../engine/messages.ts";
import type { ProbeHost } from "../track/checker.ts";
import { PingDesk } from "../track/ping_desk.ts";
import { type ProcessStatus, ProcessTracker } from "../track/process.ts";
import type { CheckStatus, TrackedState } from "../track/status.ts";
import type { TrackedFile } from "../track/track_file.ts";
import { type Memory, Tracking } from "../track/tracking.ts";
import type { Logger } from "./logger.ts";

/** Process ids in one command: what the engine does about them in one turn. */
const PIDS_AT_ONCE = 64;

/** What a check may say about itself to the engine. */
const MAX_WHY = 300;

/** What trackers are made of. */
export interface TrackerParts {
  /** What was known before, by checks that were stopped; null at the first start. */
  readonly memory?: Memory | null;
  readonly config: Config;
  readonly send: (command: Command) => void;
  readonly log: Logger;
}

/** Everything that is tracked, for as long as the daemon runs. */
export class DaemonTrackers {
  readonly #send: TrackerParts["send"];
  readonly #pings: PingDesk;
  readonly #log: Logger;
  readonly #tracking: Tracking;
  #processes: ProcessTracker;
  #tracked: Tracked;

  constructor({ config, send, log, memory = null }: TrackerParts) {
    this.#send = send;
    this.#log = log;
    this.#tracked = trackedIn(config);
    const report = (tracker: string, state: TrackedState) => this.#report(tracker, state);
    this.#pings = new PingDesk({
      send: (request: PingRequest) => send({ kind: "ping", request }),
      cancel: (id: number) => send({ kind: "cancelPing", id }),
    });
    const host: ProbeHost = {
      addressOf,
      ping: (probe, destination, signal) => this.#pings.ping(probe, destination, signal),
    };
    // What an operator has written since the first start must stay.
    const files = memory === null ? this.#tracked.files : asTheyAre(this.#tracked.files);
    const { checks } = this.#tracked;
    const known = memory === null ? {} : { memory };
    this.#tracking = new Tracking({ checks, files, host, report, log, ...known });
    this.#processes = this.#processTracker();
  }

  /**
   * Goes on with another configuration, after `start`: what is the same keeps its results, its times
   * and what runs for it. Processes are counted anew if any other are tracked now.
   */
  reconfigure(config: Config): void {
    const before = this.#tracked, now = this.#tracked = trackedIn(config);
    if (!isSame([before.checks, before.files], [now.checks, now.files])) {
      this.#tracking.reconfigure(now.checks, asTheyAre(now.files));
    }
    if (isSame(before.processes, now.processes)) return;
    this.#processes.stop();
    this.#processes = this.#processTracker();
    this.#processes.start();
  }

  #processTracker(): ProcessTracker {
    const kernel = {
      watch: (pids: readonly number[]) => this.#sendPids("watchProcesses", pids),
      unwatch: (pids: readonly number[]) => this.#sendPids("unwatchProcesses", pids),
      watchBirths: () => this.#send({ kind: "watchBirths" }),
    };
    return new ProcessTracker({
      objects: this.#tracked.processes,
      kernel,
      report: (tracker, state) => this.#report(tracker, state),
      log: this.#log,
    });
  }

  /** Begins to look. What it finds out is sent to the engine, which keeps it until it listens. */
  start(): void {
    this.#tracking.start();
    this.#processes.start();
  }

  /** Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#processes.stop();
    await this.#tracking.stop();
  }

  /** What others go on with. */
  memory(): Memory {
    return this.#tracking.memory();
  }

  /** Takes what the engine says about processes and echoes. */
  on(event: EngineEvent): void {
    if (event.kind === "processesEnded") this.#processes.ended(event.pids);
    else if (event.kind === "processesBegun") this.#processes.begun(event.pids);
    else if (event.kind === "births") this.#processes.births(event);
    else if (event.kind === "pong") this.#pings.pong(event);
  }

  /** Every check and every process, for people. */
  status(): { readonly checks: readonly CheckStatus[]; readonly processes: ProcessStatus[] } {
    return { checks: this.#tracking.status(), processes: this.#processes.status() };
  }

  #report(tracker: string, state: TrackedState): void {
    const short = state.kind === "bad" ? { ...state, why: state.why.slice(0, MAX_WHY) } : state;
    this.#send({ kind: "tracker", tracker, state: short });
  }

  #sendPids(kind: "watchProcesses" | "unwatchProcesses", pids: readonly number[]): void {
    for (let from = 0; from < pids.length; from += PIDS_AT_ONCE) {
      this.#send({ kind, pids: pids.slice(from, from + PIDS_AT_ONCE) });
    }
  }
}

/** What a configuration wants to be tracked here. */
interface Tracked {
  readonly checks: readonly CheckSpec<PolledProbe>[];
  readonly files: readonly TrackedFile[];
  readonly processes: readonly { readonly tracker: string; readonly probe: ProcessProbe }[];
}

function trackedIn(config: Config): Tracked {
  return {
    checks: polled(config.checks),
    files: config.trackFiles.map(({ name, path, init }) => ({
      tracker: `file ${name}`,
      path,
      init,
    })),
    processes: watched(config),
  };
}

/** No file is made or written. */
function asTheyAre(files: readonly TrackedFile[]): TrackedFile[] {
  return files.map((file) => ({ ...file, init: null }));
}

function polled(checks: readonly VrrpCheck[]): CheckSpec<PolledProbe>[] {
  return checks.flatMap(({ spec }) => {
    const { probe } = spec;
    return probe.kind === "process" ? [] : [{ ...spec, probe }];
  });
}

/** `vrrp_track_process`, and checks that are of its kind. */
function watched(config: Config): { tracker: string; probe: ProcessProbe }[] {
  const own = config.trackProcesses.map(({ name, probe }) => ({
    tracker: `process ${name}`,
    probe,
  }));
  const checks = config.checks.flatMap(({ spec: { tracker, probe } }) =>
    probe.kind === "process" ? [{ tracker, probe }] : []
  );
  return [...own, ...checks];
}

/** The first address of a family on an interface, not a link-local one if there is another. */
function addressOf(device: string, family: Family) {
  const found = Deno.networkInterfaces().filter(({ name }) => name === device)
    .flatMap(({ address }) => parseIp(address) ?? [])
    .filter((address) => familyOf(address) === family);
  return found.find((address) => !isLinkLocal(address)) ?? found[0] ?? null;
}
