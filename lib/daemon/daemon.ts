/** The daemon: configuration, engine, signals, log; from start to an exit code. */

import type { Config, TimedScript } from "../../config/model.ts";
import { isSame } from "../core/same.ts";
import { formatMicros } from "../core/time.ts";
import { type DaemonEvent, EngineLink } from "../engine/link.ts";
import { letSignalsThrough } from "../engine/handover_exec.ts";
import type { CaughtSignal, Command } from "../engine/messages.ts";
import { keepDescriptorsToOurselves } from "../net/descriptors.ts";
import type { ControlConnection } from "../net/control_socket.ts";
import { namespaceClaim } from "../net/host.ts";
import { OrphanReaper } from "../net/orphans.ts";
import { stopAll } from "../track/program.ts";
import type { Memory } from "../track/tracking.ts";
import { ControlServer } from "./control.ts";
import { EarlySignals } from "./early_signals.ts";
import { HandoverDesk } from "./handover.ts";
import type { Resumption } from "./handover_resume.ts";
import type { HandoverRequest } from "./handover_words.ts";
import type { Logger } from "./logger.ts";
import type { NotifyEvent } from "./notify/announcement.ts";
import { Notifier } from "./notify/notifier.ts";
import { runTimed } from "./notify/timed_script.ts";
import type { States } from "./plan.ts";
import { applyProcessOptions } from "./process_options.ts";
import { ReloadDesk } from "./reload.ts";
import { ReloadTimer } from "./reload_timer.ts";
import { type PlanRequest, sendLong } from "./reload_words.ts";
import { Service } from "./service.ts";
import { engineParts } from "./spec.ts";
import { checkLines, processLines, stateLines, statisticsLines } from "./report.ts";
import { DaemonTrackers } from "./trackers.ts";
import type { ConfigChoice } from "./uci.ts";

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

const NO_JSON = "The signal for JSON has come: state is not written to a file yet, SIGUSR1 logs it";
const NO_CLEAR = "The signal to clear statistics has come: they are kept, SIGUSR2 logs them";

/** What the daemon is made of. */
export interface DaemonParts {
  readonly config: Config;
  /** The program's own module, of which the engine thread is made. */
  readonly module: string;
  readonly version: string;
  /** Whether the engine may take a real-time priority. */
  readonly allowRealtime: boolean;
  readonly log: Logger;
  /** Called once, when the engine runs. */
  readonly onStarted?: (() => void) | undefined;
  /** The configuration as one text, if it is to be saved. */
  readonly flat: string | null;
  /** Where the configuration came from, for a next image. */
  readonly source: ConfigChoice;
  /** What another image has handed over; null for an ordinary start. */
  readonly resumption: Resumption | null;
}

/** Runs until a signal stops it. @returns The exit code. */
export function runDaemon(parts: DaemonParts): Promise<number> {
  return new Daemon(parts).run();
}

class Daemon {
  readonly #parts: DaemonParts;
  readonly #ended = Promise.withResolvers<number>();
  #notifier: Notifier;
  #trackers: DaemonTrackers;
  readonly #handover: HandoverDesk;
  readonly #reloads: ReloadDesk;
  readonly #reloadTimer: ReloadTimer;
  /** What runs: the one of the start, or of the latest reload. */
  #config: Config;
  /** A reload that the engine has not answered yet. */
  #turning: Turning | null = null;
  /** What happens while nobody can be told of it; null otherwise. */
  #keptNotices: NotifyEvent[] | null = null;
  #isEnding = false;
  /** In place of an exit. */
  #afterStop: (() => never) | null = null;
  readonly #service: Service;
  /** Null until the startup script has run. */
  #engine: EngineLink | null = null;
  readonly #signals: { readonly [S in CaughtSignal]: () => void } = {
    SIGTERM: () => this.#noteStop(),
    SIGINT: () => this.#noteStop(),
    SIGHUP: () => void this.#reloads.signalled(),
    SIGUSR1: () => this.#ask((status) => this.#stateLines(status)),
    SIGUSR2: () => this.#ask(statisticsLines),
    "SIGRTMIN+2": () => this.#warn(NO_JSON),
    "SIGRTMIN+3": () => this.#warn(NO_JSON),
    "SIGRTMAX-1": () => this.#warn(NO_CLEAR),
  };
  /** Until the engine has started. */
  #early: EarlySignals | null = null;
  readonly #asked = new Map<number, (status: Status) => readonly string[]>();
  #questions = 0;

  constructor(parts: DaemonParts) {
    this.#parts = parts;
    const { config, log } = parts;
    this.#config = config;
    this.#notifier = new Notifier({ config, log });
    this.#trackers = this.#newTrackers(parts.resumption?.memory ?? null);
    this.#handover = new HandoverDesk({
      ...parts,
      send: (command) => this.#send(command),
      pauseChecks: async () => {
        await this.#trackers.stop();
        return this.#trackers.memory();
      },
      resumeChecks: (memory) => {
        this.#trackers = this.#newTrackers(memory);
        if (!this.#isEnding) this.#trackers.start();
      },
      pauseNotices: async () => {
        this.#keptNotices = [];
        await this.#notifier.stop();
        await stopAll();
      },
      notices: () => this.#keptNotices ?? [],
      resumeNotices: () => this.#resumeNotices(),
      stopAnd: (then) => {
        this.#afterStop = then;
        this.#send({ kind: "stop" });
      },
    });
    this.#service = new Service({
      environment: Deno.env,
      pid: Deno.pid,
      probe: (alive) => this.#ask(() => (alive(), [])),
      log,
    });
    this.#reloads = new ReloadDesk({
      ...parts,
      config: () => this.#config,
      apply: (config, renamed) => this.#apply(config, renamed),
      states: () => this.#states(),
      service: {
        reloading: () => this.#service.reloading(),
        // Who stops has said so, and does not take it back.
        ready: () => this.#isEnding || this.#service.ready(),
      },
      handover: this.#handover,
    });
    this.#reloadTimer = new ReloadTimer({ log, reload: () => void this.#reloads.signalled() });
  }

  async run(): Promise<number> {
    const { config, version } = this.#parts;
    const router = config.global.routerId === null ? "" : ` (router_id ${config.global.routerId})`;
    this.#note(`Starting vigie v${version}${router}`);
    this.#surviveMistakes();
    keepDescriptorsToOurselves();
    if (Deno.pid === 1) reapOrphans();
    applyProcessOptions(config.global.process, this.#parts.log);
    const { resumption, flat } = this.#parts;
    if (resumption === null) void this.#reloads.save(config, flat);
    if (resumption !== null && !resumption.isAnew) return await this.#runEngine(resumption);
    const early = this.#early = new EarlySignals(this.#parts.log);
    // Those that came when nobody could take them.
    letSignalsThrough();
    const { startupScript } = config.global;
    if (startupScript !== null && !await this.#runScript("startup_script", startupScript, early)) {
      resumption?.stopped();
      return EXIT.ok;
    }
    const { startupDelayUs } = config.global;
    if (startupDelayUs > 0) this.#note(`Delaying startup for ${formatMicros(startupDelayUs)}`);
    early.stopped.then(() => this.#send({ kind: "stop" }));
    return await this.#runEngine(resumption);
  }

  /** From the start of the engine to the end of the daemon. */
  async #runEngine(resumption: Resumption | null): Promise<number> {
    const { config, module, allowRealtime } = this.#parts;
    if (resumption === null || resumption.isAnew) this.#notifier.start();
    else this.#keptNotices = [...resumption.state.notices];
    const parts = engineParts(config, allowRealtime), resume = resumption?.engine ?? null;
    this.#engine = new EngineLink(module, parts, (event) => this.#receive(event), resume);
    const code = await this.#ended.promise;
    this.#isEnding = true;
    this.#reloadTimer.stop();
    this.#turning?.fail(new Error("the daemon stops"));
    this.#engine.close();
    // The image before goes on: nothing has stopped that anybody should hear of.
    if (code !== EXIT.ok) resumption?.fallBack("its engine does not run");
    resumption?.stopped();
    // A stop in the middle of a hand-over is told, too.
    this.#resumeNotices();
    const waitMs = this.#config.global.root.stopWaitUs / 1000;
    await Promise.all([this.#trackers.stop(), this.#notifier.stop(waitMs)]);
    const { shutdownScript } = this.#config.global;
    if (shutdownScript !== null) {
      const late = new EarlySignals(this.#parts.log);
      await this.#runScript("shutdown_script", shutdownScript, late);
      late.end();
    }
    await stopAll();
    this.#service.close();
    this.#note("Stopped vigie");
    this.#afterStop?.();
    return code;
  }

  /** Runs a script before or after all else. @returns False if a signal has ended the wait. */
  async #runScript(
    keyword: "startup_script" | "shutdown_script",
    script: TimedScript,
    { stopped }: EarlySignals,
  ): Promise<boolean> {
    const { log } = this.#parts, { scriptUser } = this.#config.global;
    const ran = runTimed(script, { keyword, scriptUser, log }).then(() => true);
    const goesOn = await Promise.race([ran, stopped.then(() => false)]);
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
        const { resumption } = this.#parts;
        if (resumption === null || resumption.isAnew) this.#notifier.on(event);
        else this.#goOn(resumption);
        // Once the engine answers, all is well.
        if (resumption !== null) this.#ask(() => (resumption.healthy(), []));
        this.#early?.end();
        // Not earlier: an echo request would wait for the engine while its time runs.
        this.#trackers.start();
        this.#note("Startup complete");
        this.#service.ready();
        this.#serveRequests();
        this.#reloadTimer.configure(this.#config.global.reload);
        this.#parts.onStarted?.();
      },
      captured: ({ state }) => this.#handover.captured(state),
      transition: (event) => {
        this.#tell(event);
        this.#service.changed(event.instance, event.to);
      },
      removed: ({ instance }) => {
        this.#notifier.deleted(instance);
        this.#service.renamed([instance], new Map());
      },
      reconfigured: ({ id }) => {
        if (this.#turning?.id === id) this.#turning.turn();
      },
      groupTransition: (event) => this.#tell(event),
      priority: (event) => this.#tell(event),
      heardLower: (event) => this.#tell(event),
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

  #tell(event: NotifyEvent): void {
    if (this.#keptNotices === null) this.#notifier.on(event);
    else this.#keptNotices.push(event);
  }

  /** After a pause: everybody hears what was kept, and what will come. */
  #resumeNotices(): void {
    if (this.#keptNotices === null) return;
    this.#notifier = new Notifier({ config: this.#config, log: this.#parts.log });
    this.#tellKept();
  }

  /** The start was announced long ago; what happened last comes before what will. */
  #tellKept(): void {
    const kept = this.#keptNotices ?? [];
    this.#keptNotices = null;
    this.#notifier.start();
    this.#notifier.on({ kind: "started" });
    for (const event of kept) this.#notifier.on(event);
  }

  #newTrackers(memory: Memory | null): DaemonTrackers {
    const { log } = this.#parts, config = this.#config;
    return new DaemonTrackers({ config, log, memory, send: (command) => this.#send(command) });
  }

  /** The engine goes on with another image's state. */
  #goOn(resumption: Resumption): void {
    letSignalsThrough();
    // Not earlier: scripts would be started with these signals blocked.
    this.#tellKept();
    const { engine } = resumption.state;
    for (const { spec, router } of engine.instances) {
      this.#service.changed(spec.router.name, router.state);
    }
  }

  /** Of `vigie restart` and the like, by the socket that claims the namespace. */
  #serveRequests(): void {
    const claim = namespaceClaim();
    if (claim === null) return;
    const handover = this.#handover;
    const server = new ControlServer({
      about: (_request, connection) => void connection.send(handover.about()),
      handover: async (request, connection) => {
        await this.#reloads.idle();
        await handover.handOver(request as HandoverRequest, connection);
      },
      reload: (_request, connection) => this.#reloads.serveReload(connection),
      dump: (_request, connection) => this.#serveDump(connection),
      plan: (request, connection) => this.#reloads.servePlan(request as PlanRequest, connection),
    }, this.#parts.log);
    server.serve(claim);
  }

  /** The state as keepalived's JSON. */
  async #serveDump(connection: ControlConnection): Promise<void> {
    const { dumpJson } = await import("./dump_json.ts");
    const text = JSON.stringify(dumpJson(this.#config, await this.#status(), Date.now()));
    await sendLong(connection, { ok: true, text, problems: [] });
  }

  /** The engine first; everybody else when it has turned, in the same turn of this thread. */
  #apply(config: Config, renamed: ReadonlyMap<string, string>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const engine = this.#engine;
    if (engine === null || this.#isEnding) throw new Error("the engine does not run");
    const id = ++this.#questions;
    const end = () => this.#turning = null;
    this.#turning = {
      id,
      turn: () => {
        end();
        this.#turnTo(config, renamed);
        resolve();
      },
      fail: (error) => {
        end();
        reject(error);
      },
    };
    engine.reconfigure(id, engineParts(config, this.#parts.allowRealtime));
    return promise;
  }

  #turnTo(config: Config, renamed: ReadonlyMap<string, string>): void {
    const before = this.#config;
    this.#config = config;
    this.#notifier.reconfigure(config, renamed);
    if (config.global.reload.writeStates) this.#notifier.writeStates();
    this.#service.renamed([], renamed);
    this.#trackers.reconfigure(config);
    this.#reloadTimer.configure(config.global.reload);
    const { process } = config.global;
    if (!isSame(before.global.process, process)) applyProcessOptions(process, this.#parts.log);
  }

  async #states(): Promise<States> {
    const { instances } = await this.#status();
    return new Map(instances.map(({ name, state }) => [name, state]));
  }

  #status(): Promise<Status> {
    return new Promise((resolve) => this.#ask((status) => (resolve(status), [])));
  }

  /** Before the engine is there, there is nothing that a command could be about. */
  #send(command: Command): void {
    this.#engine?.send(command);
  }

  #stateLines(status: Status): string[] {
    const { checks, processes } = this.#trackers.status();
    return [...stateLines(status), ...checkLines(checks), ...processLines(processes)];
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

  #noteStop(): void {
    // Who stops the daemon means it, whatever was to come after.
    this.#afterStop = null;
    this.#note("Stopping");
    this.#service.stopping();
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

/** A reload on its way through the engine. */
interface Turning {
  readonly id: number;
  turn(): void;
  fail(error: Error): void;
}

type EventOf<K extends DaemonEvent["kind"]> = Extract<DaemonEvent, { kind: K }>;
type Status = EventOf<"status">;
