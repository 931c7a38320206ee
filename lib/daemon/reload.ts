/**
 * Reloads: the file is read and judged first; one that cannot be run changes nothing. One at a time,
 * and whoever asks while one runs is served by the next, which reads the file anew.
 */

import type { Config } from "../../config/model.ts";
import { formatProblem, isFatal } from "../../config/mod.ts";
import type { LogEvent } from "../core/log.ts";
import type { State } from "../vrrp/types.ts";
import type { ControlConnection } from "../net/control_socket.ts";
import { hmacSpec } from "./auth_keys.ts";
import { ConfigKeeper } from "./config_save.ts";
import { logProblem } from "./log_problems.ts";
import type { Logger } from "./logger.ts";
import { keepFixed, pairInstances, planReload, renamedInstances, type States } from "./plan.ts";
import { planSummary } from "./plan_text.ts";
import { type PlanRequest, type ReloadAnswer, sendLong } from "./reload_words.ts";
import { type ChosenConfig, type ConfigChoice, loadChosen } from "./uci.ts";

/** What a reload asks of the daemon. */
export interface ReloadHost {
  readonly source: ConfigChoice;
  readonly log: Logger;
  /** What runs. */
  config(): Config;
  /**
   * Goes on with another configuration; resolves when all do. @param renamed New names of instances
   * by old ones. Rejects if the daemon ends meanwhile.
   */
  apply(config: Config, renamed: ReadonlyMap<string, string>): Promise<void>;
  /** Asks the engine. */
  states(): Promise<States>;
  /** The service manager is told of the beginning and of the end. */
  readonly service: { reloading(): void; ready(): void };
  /** While a hand-over is under way there is no reload, and the reverse. */
  readonly handover: { readonly isBusy: boolean; idle(): Promise<void> };
  /** Reads a configuration; tests bring their own. */
  readonly load?: (choice: ConfigChoice) => Promise<ChosenConfig>;
}

/** A configuration that can be run. */
interface Whole {
  readonly config: Config;
  readonly problems: readonly string[];
  /** Other files that it was read from. */
  readonly included: readonly string[];
  /** As one text, if it is to be saved. */
  readonly flat: string | null;
}

/** A configuration that was read. */
type Judged =
  | Whole
  | (Pick<Whole, "included"> & {
    readonly config: null;
    readonly refusal: ReloadAnswer;
  });

/** States that a router has something to lose in. */
const TAKES_PART: ReadonlySet<State | undefined> = new Set(["backup", "master"]);

/** One daemon's reloads. */
export class ReloadDesk {
  readonly #host: ReloadHost;
  readonly #keeper: ConfigKeeper;
  #running: Promise<ReloadAnswer> | null = null;
  #next: Promise<ReloadAnswer> | null = null;

  constructor(host: ReloadHost) {
    this.#host = host;
    this.#keeper = new ConfigKeeper(host.log);
  }

  /** Saves a configuration that was loaded, if it says so. @param flat As one text. */
  save(config: Config, flat: string | null): Promise<void> {
    return this.#keeper.save(config.global.reload.saveFolder, flat);
  }

  /** Resolves when no reload is under way or waits. */
  async idle(): Promise<void> {
    // The one that waits is not under way yet when the one before it has ended.
    while (this.#running !== null || this.#next !== null) await (this.#next ?? this.#running);
  }

  /** For a signal: after a hand-over that is under way, unless that has made a new image, which has read the file. */
  async signalled(): Promise<void> {
    await this.#host.handover.idle();
    await this.reload();
  }

  /** Reloads, or joins the reload that is to come after the one that runs. Never rejects. */
  reload(): Promise<ReloadAnswer> {
    if (this.#host.handover.isBusy) {
      return Promise.resolve(refused("A hand-over is under way: try again when it is over"));
    }
    if (this.#running === null) {
      return this.#running = this.#guarded().finally(() => this.#running = null);
    }
    return this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.reload();
    });
  }

  /** Answers `vigie reload`. */
  async serveReload(connection: ControlConnection): Promise<void> {
    await sendLong(connection, await this.reload());
  }

  /** Answers `vigie plan`: nothing is changed, and nothing is logged. */
  async servePlan({ choice }: PlanRequest, connection: ControlConnection): Promise<void> {
    const { source } = this.#host, judged = await this.#read(choice ?? source);
    if (judged.config === null) return await sendLong(connection, judged.refusal);
    const { config, problems } = judged;
    const silenced = await this.#silenced(judged);
    if (silenced !== null) return await sendLong(connection, silenced);
    const plan = planReload(this.#host.config(), config, await this.#host.states());
    await sendLong(connection, { ok: true, text: planSummary(plan), problems, plan });
  }

  async #guarded(): Promise<ReloadAnswer> {
    const { service, log, source: { file } } = this.#host;
    const marker = this.#host.config().global.reload.file;
    service.reloading();
    log({ level: "info", text: `Reloading ${file}` });
    try {
      if (marker !== null) this.#mark(marker, () => Deno.writeTextFileSync(marker, ""));
      return await this.#run();
    } catch (error) {
      const text = `Not reloaded: ${error instanceof Error ? error.message : error}`;
      log({ level: "error", text });
      return refused(text);
    } finally {
      if (marker !== null) this.#mark(marker, () => Deno.removeSync(marker));
      service.ready();
    }
  }

  #mark(marker: string, change: () => void): void {
    try {
      change();
    } catch (error) {
      const text = `reload_file "${marker}": ${(error as Error).message}`;
      this.#host.log({ level: "warning", text });
    }
  }

  async #run(): Promise<ReloadAnswer> {
    const { source, log } = this.#host;
    const judged = await this.#readWhole(source, log);
    const refusal = judged.config === null ? judged.refusal : await this.#silenced(judged);
    if (judged.config === null || refusal !== null) {
      log({ level: "error", text: refusal!.text });
      return refusal!;
    }
    const before = this.#host.config(), { problems } = judged;
    const { config, kept } = keepFixed(before, judged.config);
    for (const { setting, before, after } of kept) {
      const text = `${setting} stays ${before}: only a restart makes it ${after}`;
      log({ level: "warning", text });
    }
    const plan = planReload(before, config, null);
    await this.#host.apply(config, renamedInstances(pairInstances(before, config)));
    await this.save(config, judged.flat);
    const text = `Reload complete: ${planSummary(plan)}`;
    log({ level: "notice", text });
    return { ok: true, text, problems };
  }

  /** Who takes part must not lose its key to a slip of the pen: without one it would be in fault. */
  async #silenced({ config, problems }: Whole): Promise<ReloadAnswer | null> {
    const faults = pairInstances(this.#host.config(), config).kept.flatMap(({ before, after }) => {
      const fault = hmacSpec(after.hmac)?.fault ?? null;
      return fault === null ? [] : [{ name: before.name, fault }];
    });
    if (faults.length === 0) return null;
    const states = await this.#host.states();
    const first = faults.find(({ name }) => TAKES_PART.has(states?.get(name)));
    if (first === undefined) return null;
    const text = `Not reloaded, all goes on as before: (${first.name}) ${first.fault}`;
    return { ok: false, text, problems };
  }

  /**
   * Whoever reloads twice in a row may be writing the file for the second time: to take half of it for
   * the whole would be to remove what the other half configures. The same with included files.
   */
  async #readWhole(source: ConfigChoice, log: Logger): Promise<Judged> {
    let included: readonly string[] = [];
    for (let triesLeft = TRIES;; triesLeft--) {
      const before = await settled(source.file), lines: LogEvent[] = [];
      await Promise.all(included.filter(isYoung).map(settled));
      const judged = await this.#read(source, (line) => lines.push(line));
      ({ included } = judged);
      if (triesLeft > 0 && (before !== looksOf(source.file) || included.some(isYoung))) continue;
      lines.forEach(log);
      return judged;
    }
  }

  /** @param log Told of what is wrong with the file; without it nobody is. */
  async #read(choice: ConfigChoice, log?: Logger): Promise<Judged> {
    const { load = loadHere } = this.#host;
    const { problems: found, config, readable, enabled, file, included = [], flat } = await load(
      choice,
    );
    if (log !== undefined) { for (const problem of found) logProblem(log, problem); }
    const problems = found.map(formatProblem);
    const refuse = (text: string): Judged => ({
      config: null,
      included,
      refusal: { ok: false, text, problems },
    });
    if (!enabled) return refuse(`Not reloaded: ${file} says "enabled 0"; stop the daemon instead`);
    if (!readable) return refuse(`Not reloaded: ${file} cannot be read`);
    if (
      config.instances.length === 0 && this.#host.config().instances.length > 0 && isEmpty(file)
    ) {
      return refuse(`Not reloaded: ${file} is empty, which looks like a mistake`);
    }
    if (isFatal(found)) return refuse(`Not reloaded, all goes on as before: ${file} cannot be run`);
    return { config, problems, included, flat };
  }
}

/** A file that has stayed so for so long is not being written; one that never does is read anyway. */
const SETTLE_MS = 50, TRIES = 20;

/** Waits until a file has not been written for a while. @returns What it looks like then. */
async function settled(file: string): Promise<string> {
  for (let triesLeft = TRIES;; triesLeft--) {
    const info = infoOf(file), ageMs = Date.now() - (info?.mtime?.getTime() ?? 0);
    // A file from the future says nothing. An empty one may be about to be written, however slowly.
    const isDone = (ageMs < 0 || ageMs >= SETTLE_MS) && info?.size !== 0;
    if (isDone || triesLeft === 0) return looksOf(file);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  }
}

/** Whether a file may still be being written: one that is empty for a second, as in `settled`. */
function isYoung(file: string): boolean {
  const info = infoOf(file);
  if (info === null || !info.isFile || info.mtime === null) return false;
  const ageMs = Date.now() - info.mtime.getTime();
  return ageMs >= 0 && ageMs < (info.size === 0 ? SETTLE_MS * TRIES : SETTLE_MS);
}

/** Changes whenever a file is written or replaced. */
function looksOf(file: string): string {
  const info = infoOf(file);
  return info === null ? "" : `${info.ino} ${info.size} ${info.mtime?.getTime()}`;
}

function isEmpty(file: string): boolean {
  return infoOf(file)?.size === 0;
}

function infoOf(file: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(file);
  } catch {
    // Reading it says why.
    return null;
  }
}

/** The daemon stays in its network namespace, whatever the file says: what is there counts. */
function loadHere({ reading, ...choice }: ConfigChoice): Promise<ChosenConfig> {
  return loadChosen({ ...choice, reading: { ...reading, stays: true } }, "this process");
}

function refused(text: string): ReloadAnswer {
  return { ok: false, text, problems: [] };
}
