/** The daemon: configuration, engine, signals, log; from start to an exit code. */

import type { Config } from "../../config/model.ts";
import { formatMicros } from "../core/time.ts";
import { type DaemonEvent, EngineLink } from "../engine/link.ts";
import type { CaughtSignal } from "../engine/messages.ts";
import type { Logger } from "./logger.ts";
import { engineOptions, instanceSpecs } from "./spec.ts";
import { stateLines, statisticsLines } from "./report.ts";

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
  readonly #engine: EngineLink;
  readonly #signals: { readonly [S in CaughtSignal]: () => void } = {
    SIGTERM: () => this.#note("Stopping"),
    SIGINT: () => this.#note("Stopping"),
    SIGHUP: () => this.#warn("SIGHUP: reload is not supported yet, restart to apply changes"),
    SIGUSR1: () => this.#ask(stateLines),
    SIGUSR2: () => this.#ask(statisticsLines),
  };
  readonly #asked = new Map<number, (status: Status) => readonly string[]>();
  #questions = 0;

  constructor(parts: DaemonParts) {
    this.#parts = parts;
    const { config, module, allowRealtime } = parts;
    const options = engineOptions(config.global, allowRealtime);
    const engine = { options, instances: instanceSpecs(config) };
    this.#engine = new EngineLink(module, engine, (event) => this.#receive(event));
  }

  async run(): Promise<number> {
    const { config, version } = this.#parts;
    const router = config.global.routerId === null ? "" : ` (router_id ${config.global.routerId})`;
    this.#note(`Starting vigie v${version}${router}`);
    const { startupDelayUs } = config.global;
    if (startupDelayUs > 0) this.#note(`Delaying startup for ${formatMicros(startupDelayUs)}`);
    const code = await this.#ended.promise;
    this.#engine.close();
    this.#note("Stopped vigie");
    return code;
  }

  /** What goes wrong here must not end the process while the engine holds addresses. */
  #receive(event: DaemonEvent): void {
    try {
      this.#on(event);
    } catch (error) {
      const why = error instanceof Error ? error.stack ?? error.message : String(error);
      this.#parts.log({ level: "error", text: `Stopping after an error in the daemon: ${why}` });
      this.#engine.send({ kind: "stop" });
    }
  }

  #on(event: DaemonEvent): void {
    const handlers: { [K in DaemonEvent["kind"]]: (event: EventOf<K>) => void } = {
      log: ({ log }) => this.#parts.log(log),
      signal: ({ signal }) => this.#signals[signal](),
      started: () => this.#note("Startup complete"),
      // The engine logs transitions itself; notifications will be sent from here.
      transition: () => {},
      status: (status) => this.#answer(status),
      stopped: () => this.#ended.resolve(EXIT.ok),
      failed: ({ text }) => {
        this.#parts.log({ level: "error", text: `The engine stopped: ${text}` });
        this.#ended.resolve(EXIT.program);
      },
    };
    (handlers[event.kind] as (event: DaemonEvent) => void)(event);
  }

  #ask(render: (status: Status) => readonly string[]): void {
    const id = ++this.#questions;
    this.#asked.set(id, render);
    this.#engine.send({ kind: "status", id });
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

type EventOf<K extends DaemonEvent["kind"]> = Extract<DaemonEvent, { kind: K }>;
type Status = EventOf<"status">;
