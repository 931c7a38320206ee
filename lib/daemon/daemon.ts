/** The daemon: configuration, engine, signals, log; from start to an exit code. */

import type { Config, TimedScript } from "../../config/model.ts";
import { formatMicros } from "../core/time.ts";
import { type DaemonEvent, EngineLink } from "../engine/link.ts";
import type { CaughtSignal, Command } from "../engine/messages.ts";
import { keepDescriptorsToOurselves } from "../net/descriptors.ts";
import { OrphanReaper } from "../net/orphans.ts";
import { stopAll } from "../track/program.ts";
import type { Logger } from "./logger.ts";
import { Notifier } from "./notify/notifier.ts";
import { runTimed } from "./notify/timed_script.ts";
import { engineParts } from "./spec.ts";
import { checkLines, stateLines, statisticsLines } from "./report.ts";
import { DaemonTrackers } from "./trackers.ts";

/** Exit codes, as keepalived's (its lib/scheduler.h), for service managers that know them. */
export const EXIT = {
  ok: 0,
  /** The configuration cannot be run. */
  config: 2,
  /** A permission is missing. */
  permission: 4,
  /** There is no configuration file. */
  noConfig: 6,
  /** EX_SOFTWARE of sysexits.h. */
  program: 70,
} as const;

/** Between two looks for orphans that nobody waits for. */
const REAP_MS = 10_000;

/** They end the daemon. */
const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** What the daemon is made of. */
export interface DaemonParts {
  readonly config: Config;
  /** The program's own module, of which the engine thread is made. */
  readonly module: string;
  readonly version: string;
  /** Whether the engine may take a real-time priority. */
  readonly allowRealtime: boolean;
  readonly log: Logger;
}

/** Runs until a signal stops it. @returns The exit code. */
export function runDaemon(parts: DaemonParts): Promise<number> {
  return new Daemon(parts).run();
}

class Daemon {
  readonly #parts: DaemonParts;
  readonly #ended = Promise.withResolvers<number>();
  readonly #notifier: Notifier;
  readonly #trackers: DaemonTrackers;
  /** Null until the startup script has run. */
  #engine: EngineLink | null = null;
  readonly #signals: { readonly [S in CaughtSignal]: () => void } = {
    SIGTERM: () => this.#note("Stopping"),
    SIGINT: () => this.#note("Stopping"),
    SIGHUP: () => this.#warn("SIGHUP: reload is not supported yet, restart to apply changes"),
    SIGUSR1: () => this.#ask((status) => this.#stateLines(status)),
    SIGUSR2: () => this.#ask(statisticsLines),
  };
  readonly #asked = new Map<number, (status: Status) => readonly string[]>();
  #questions = 0;

  constructor(parts: DaemonParts) {
    this.#parts = parts;
    const { config, log } = parts;
    this.#notifier = new Notifier({ config, log });
    this.#trackers = new DaemonTrackers({ config, log, send: (command) => this.#send(command) });
  }

  async run(): Promise<number> {
    const { config, version, module, allowRealtime } = this.#parts;
    const router = config.global.routerId === null ? "" : ` (router_id ${config.global.routerId})`;
    this.#note(`Starting vigie v${version}${router}`);
    this.#surviveMistakes();
    keepDescriptorsToOurselves();
    if (Deno.pid === 1) reapOrphans();
    const { startupScript } = config.global;
    if (startupScript !== null && !await this.#runScript("startup_script", startupScript)) {
      return EXIT.ok;
    }
    const { startupDelayUs } = config.global;
    if (startupDelayUs > 0) this.#note(`Delaying startup for ${formatMicros(startupDelayUs)}`);
    this.#notifier.start();
    const engine = engineParts(config, allowRealtime);
    this.#engine = new EngineLink(module, engine, (event) => this.#receive(event));
    this.#trackers.start();
    const code = await this.#ended.promise;
    this.#engine.close();
    await Promise.all([this.#trackers.stop(), this.#notifier.stop()]);
    const { shutdownScript } = config.global;
    if (shutdownScript !== null) await this.#runScript("shutdown_script", shutdownScript);
    await stopAll();
    this.#note("Stopped vigie");
    return code;
  }

  /** Runs a script before or after all else. @returns False if a signal has ended the wait. */
  async #runScript(keyword: "startup_script" | "shutdown_script", script: TimedScript) {
    const stopped = Promise.withResolvers<false>();
    const stop = () => {
      this.#note("Stopping");
      stopped.resolve(false);
    };
    // The engine, which catches signals otherwise, does not run now.
    for (const signal of STOP_SIGNALS) Deno.addSignalListener(signal, stop);
    const { log, config: { global: { scriptUser } } } = this.#parts;
    const ran = runTimed(script, { keyword, scriptUser, log }).then(() => true);
    const goesOn = await Promise.race([ran, stopped.promise]);
    for (const signal of STOP_SIGNALS) Deno.removeSignalListener(signal, stop);
    if (!goesOn) await stopAll();
    return goesOn;
  }

  /** A mistake in a check or a notification must not take the addresses down with it. */
  #surviveMistakes(): void {
    const say = (event: Event, what: unknown) => {
      event.preventDefault();
      const why = what instanceof Error ? what.stack ?? what.message : String(what);
      this.#parts.log({ level: "error", text: `Going on after an error in the daemon: ${why}` });
    };
    addEventListener("unhandledrejection", (event) => say(event, event.reason));
    addEventListener("error", (event) => say(event, event.error));
  }

  /** What goes wrong here must not end the process while the engine holds addresses. */
  #receive(event: DaemonEvent): void {
    try {
      this.#on(event);
    } catch (error) {
      const why = error instanceof Error ? error.stack ?? error.message : String(error);
      this.#parts.log({ level: "error", text: `Stopping after an error in the daemon: ${why}` });
      this.#send({ kind: "stop" });
    }
  }

  #on(event: DaemonEvent): void {
    const handlers: { [K in DaemonEvent["kind"]]: (event: EventOf<K>) => void } = {
      log: ({ log }) => this.#parts.log(log),
      signal: ({ signal }) => this.#signals[signal](),
      started: (event) => {
        this.#notifier.on(event);
        this.#note("Startup complete");
      },
      transition: (event) => this.#notifier.on(event),
      groupTransition: (event) => this.#notifier.on(event),
      priority: (event) => this.#notifier.on(event),
      heardLower: (event) => this.#notifier.on(event),
      processesEnded: (event) => this.#trackers.on(event),
      processesBegun: (event) => this.#trackers.on(event),
      births: (event) => this.#trackers.on(event),
      pong: (event) => this.#trackers.on(event),
      status: (status) => this.#answer(status),
      stopped: () => this.#ended.resolve(EXIT.ok),
      failed: ({ text }) => {
        this.#parts.log({ level: "error", text: `The engine stopped: ${text}` });
        this.#ended.resolve(EXIT.program);
      },
    };
    (handlers[event.kind] as (event: DaemonEvent) => void)(event);
  }

  /** Before the engine is there, there is nothing that a command could be about. */
  #send(command: Command): void {
    this.#engine?.send(command);
  }

  #stateLines(status: Status): string[] {
    return [...stateLines(status), ...checkLines(this.#trackers.status())];
  }

  #ask(render: (status: Status) => readonly string[]): void {
    const id = ++this.#questions;
    this.#asked.set(id, render);
    this.#send({ kind: "status", id });
  }

  #answer(status: Status): void {
    const render = this.#asked.get(status.id);
    this.#asked.delete(status.id);
    for (const line of render?.(status) ?? []) this.#note(line);
  }

  #note(text: string): void {
    this.#parts.log({ level: "info", text });
  }

  #warn(text: string): void {
    this.#parts.log({ level: "warning", text });
  }
}

/** Process 1 of a container inherits what scripts leave behind. */
function reapOrphans(): void {
  const reaper = new OrphanReaper();
  setInterval(() => reaper.look(), REAP_MS);
}

type EventOf<K extends DaemonEvent["kind"]> = Extract<DaemonEvent, { kind: K }>;
type Status = EventOf<"status">;
