/** The daemon as a service: ready, alive, stopping, and in which states (sd_notify(3)). */

import type { State } from "../vrrp/types.ts";
import { monotonicAssignment, type NotifySocket, openNotifySocket } from "../net/sd_notify.ts";
import type { Logger } from "./logger.ts";

/** What a service manager says by environment variables. */
export interface Environment {
  get(name: string): string | undefined;
}

/** What the service manager is told with. */
export interface ServiceParts {
  readonly environment: Environment;
  readonly pid: number;
  /** Asks the engine thread something, and calls back when it has answered: it does not hang. */
  readonly probe: (alive: () => void) => void;
  readonly log: Logger;
}

/** Changes of state that come together are told together. */
const STATUS_DELAY_MS = 100;

/** As many instances as are named in the status; of more only the numbers are told. */
const NAMED_MAX = 8;

/** Tells the service manager, if there is one; else does nothing. */
export class Service {
  readonly #parts: ServiceParts;
  readonly #socket: NotifySocket | null;
  readonly #states = new Map<string, State>();
  #statusTimer: ReturnType<typeof setTimeout> | null = null;
  #watchdogTimer: ReturnType<typeof setInterval> | null = null;
  /** The engine has not answered the last question yet. */
  #waits = false;
  #complained = false;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
    const name = parts.environment.get("NOTIFY_SOCKET");
    const opened = name === undefined || name === "" ? null : openNotifySocket(name);
    this.#socket = opened?.ok ? opened.value : null;
    if (opened && !opened.ok) parts.log({ level: "warning", text: opened.error });
  }

  /** The startup is complete, or a reload is. From now on the watchdog is fed. */
  ready(): void {
    this.#send("READY=1", this.#status());
    const everyMs = watchdogMs(this.#parts.environment, this.#parts.pid);
    if (this.#socket === null || everyMs === null || this.#watchdogTimer !== null) return;
    this.#watchdogTimer = setInterval(() => this.#feed(), everyMs);
    this.#feed();
  }

  /** An instance has another state. */
  changed(instance: string, state: State): void {
    this.#states.set(instance, state);
    if (this.#socket === null) return;
    this.#statusTimer ??= setTimeout(() => {
      this.#statusTimer = null;
      this.#send(this.#status());
    }, STATUS_DELAY_MS);
  }

  /** A reload has taken instances out, and given others new names: old ones to new ones. */
  renamed(removed: readonly string[], names: ReadonlyMap<string, string>): void {
    const states = [...this.#states].filter(([name]) => !removed.includes(name));
    this.#states.clear();
    for (const [name, state] of states) this.#states.set(names.get(name) ?? name, state);
  }

  /** The configuration is read again; `ready` ends it. */
  reloading(): void {
    this.#send("RELOADING=1", monotonicAssignment());
  }

  /** A signal has begun the end, which may take some time. */
  stopping(): void {
    this.#send("STOPPING=1", "STATUS=Stopping");
  }

  /** No more is told. */
  close(): void {
    clearTimeout(this.#statusTimer ?? undefined);
    clearInterval(this.#watchdogTimer ?? undefined);
    this.#statusTimer = this.#watchdogTimer = null;
    this.#socket?.close();
  }

  /** A hung engine does not answer, and gets no second question: the watchdog shall bite. */
  #feed(): void {
    if (this.#waits) return;
    this.#waits = true;
    this.#parts.probe(() => {
      this.#waits = false;
      this.#send("WATCHDOG=1");
    });
  }

  #status(): string {
    return `STATUS=${statusText(this.#states)}`;
  }

  #send(...assignments: readonly string[]): void {
    const failure = this.#socket?.send(...assignments) ?? null;
    if (failure === null || this.#complained) return;
    this.#complained = true;
    this.#parts.log({ level: "warning", text: `The service manager is not told: ${failure}` });
  }
}

/** "VI_1 MASTER, VI_2 BACKUP" in the order of the names, or of many instances how many are in which state. */
export function statusText(states: ReadonlyMap<string, State>): string {
  if (states.size === 0) return "No instance has a state yet";
  const words = [...states].map(([name, state]) => `${name} ${state.toUpperCase()}`).sort();
  if (words.length <= NAMED_MAX) return words.join(", ");
  const counts = Map.groupBy(states.values(), (state) => state.toUpperCase());
  return [...counts].map(([state, { length }]) => `${length} ${state}`).join(", ");
}

/** Half of the time after which the watchdog bites (sd_watchdog_enabled(3)); null without one. */
function watchdogMs(environment: Environment, pid: number): number | null {
  const usec = Number(environment.get("WATCHDOG_USEC") ?? "");
  const meant = environment.get("WATCHDOG_PID") ?? `${pid}`;
  if (!Number.isSafeInteger(usec) || usec <= 0 || meant !== `${pid}`) return null;
  return Math.max(1, usec / 1000 / 2);
}
