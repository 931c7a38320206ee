/** What the tests of notifications share: configurations, events, time that only they move. */

import type {
  Config,
  GlobalDefs,
  MailDefs,
  NotifyDefs,
  NotifyFifo,
  NotifyKind,
  Position,
  ScriptCommand,
  VrrpInstance,
  Webhook,
} from "../../config/model.ts";
import type { LogEvent } from "../../lib/core/log.ts";
import { seconds } from "../../lib/core/time.ts";
import type { Announcement, NotifyEvent } from "../../lib/daemon/notify/announcement.ts";
import type { Clock } from "../../lib/track/clock.ts";
import type { Outcome, ProgramRequest, RunningProgram } from "../../lib/track/program.ts";
import type { State } from "../../lib/vrrp/types.ts";

export const POSITION: Position = { file: "test.conf", line: 7, column: 1, length: 1 };

export function script(...words: string[]): ScriptCommand {
  return { words, user: null, position: POSITION };
}

export function fifo(path: string, command: ScriptCommand | null = null): NotifyFifo {
  return { path, owner: null, script: command, position: POSITION };
}

export function webhook(url: string, secret: string | null = null): Webhook {
  return { url, secret, position: POSITION };
}

export function mailDefs(changes: Partial<MailDefs> = {}): MailDefs {
  return {
    recipients: ["admin@example.org"],
    from: "vigie@example.org",
    server: { host: "127.0.0.1", port: 25 },
    heloName: null,
    connectTimeoutUs: seconds(5),
    tls: "none",
    login: null,
    noFaults: false,
    ...changes,
  };
}

export function notifyDefs(changes: Partial<NotifyDefs> = {}): NotifyDefs {
  const none = { mail: false, priorityChanges: false, deleted: false };
  return { scripts: {}, webhooks: [], ...none, ...changes };
}

/** The same command for several keywords. */
export function scripts(
  command: ScriptCommand,
  ...kinds: NotifyKind[]
): Pick<NotifyDefs, "scripts"> {
  return { scripts: Object.fromEntries(kinds.map((kind) => [kind, command])) };
}

/** As much of a configuration as notifications look at. */
export function config(parts: {
  readonly instances?: Readonly<Record<string, NotifyDefs>>;
  /** By name: the members, and who is told. */
  readonly groups?: Readonly<Record<string, readonly [string[], NotifyDefs]>>;
  readonly global?: Partial<GlobalDefs>;
}): Config {
  const groups = Object.entries(parts.groups ?? {}).map(([name, [members, notify]]) => ({
    name,
    position: POSITION,
    members,
    notify,
  }));
  const instances = Object.entries(parts.instances ?? {}).map(([name, notify]) => {
    const group = groups.find(({ members }) => members.includes(name))?.name ?? null;
    return { name, priority: 100, group, notify } as VrrpInstance;
  });
  const global = {
    routerId: "R1",
    scriptUser: null,
    fifos: [],
    mail: mailDefs(),
    ...parts.global,
  } as unknown as GlobalDefs;
  const statics = { addresses: [], routes: [], rules: [], groups: [] };
  const nothing = { checks: [], trackProcesses: [], trackFiles: [], linkDelays: [] };
  return { global, instances, groups, ...nothing, statics };
}

export const STARTED: NotifyEvent = { kind: "started" };

export function moved(instance: string, from: State, to: State, priority = 100): NotifyEvent {
  return { kind: "transition", instance, from, to, priority, cause: "a test" };
}

export function groupMoved(group: string, from: State, to: State): NotifyEvent {
  return { kind: "groupTransition", group, from, to, cause: "a test" };
}

export function announcement(changes: Partial<Announcement> = {}): Announcement {
  return {
    type: "instance",
    name: "VI_1",
    state: "MASTER",
    previous: "BACKUP",
    priority: 100,
    cause: "no master",
    at: new Date("2026-01-02T03:04:05Z"),
    ...changes,
  };
}

/** A log that can be read. */
export function logbook(): { readonly log: (event: LogEvent) => void; readonly lines: string[] } {
  const lines: string[] = [];
  return { log: ({ level, text }) => void lines.push(`${level}: ${text}`), lines };
}

/** Starts nothing: programs end when the test says so. */
export class FakePrograms {
  readonly started: { request: ProgramRequest; end: (outcome: Outcome) => void }[] = [];

  readonly start = (request: ProgramRequest): RunningProgram => {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const stop = () => resolve({ kind: "aborted" });
    request.signal?.addEventListener("abort", stop);
    this.started.push({ request, end: resolve });
    return { outcome: promise, gone: promise.then(() => {}), stop };
  };

  /** The words of what was started, arguments included. */
  get commands(): string[] {
    return this.started.map(({ request: { words, extraArgs = [] } }) =>
      [...words, ...extraArgs].join(" ")
    );
  }

  /** Ends the program that was started last, and lets what follows happen. */
  async end(status = 0): Promise<void> {
    this.started.at(-1)!.end({ kind: "exited", status });
    await settle();
  }
}

/** Time that stands still unless it is moved. */
export class FakeClock implements Clock {
  #now = 0;
  #timers: { readonly at: number; readonly run: () => void }[] = [];
  /**
   * Whether somebody is at work who will either end or wait for this clock: signing, reading a file
   * and the like take real time, which nobody can count in turns.
   */
  isBusy: () => boolean = () => false;

  monotonicMs = (): number => this.#now;
  wallMs = (): number => Date.UTC(2026, 0, 2, 3, 4, 5) + this.#now;
  after = (ms: number, run: () => void): () => void => {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return () => void (this.#timers = this.#timers.filter((other) => other !== timer));
  };

  /** How long until the next timer; null without one. */
  get nextMs(): number | null {
    return this.#timers.length === 0
      ? null
      : Math.min(...this.#timers.map(({ at }) => at)) - this.#now;
  }

  /** Lets everything happen that does not wait for this clock. */
  async settle(): Promise<void> {
    await settle();
    await until("the work is done", () => !this.isBusy());
  }

  /** Moves on, firing timers in order, and lets everything that follows happen. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.settle();
    for (;;) {
      const due = this.#timers.toSorted((a, b) => a.at - b.at).find(({ at }) => at <= end);
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#now = due.at;
      due.run();
      await this.settle();
    }
    this.#now = end;
  }
}

/** Lets everything happen that waits for nothing but its turn: promises, no files, no keys. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Waits until something is so. @throws {Error} If it is not within a minute. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`Waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A folder of the test's own, and executable scripts in it. */
export class TestFolder implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "vigie-notify-" });

  file(name: string): string {
    return `${this.path}/${name}`;
  }

  /** An executable shell script. */
  script(name: string, body: string): string {
    const path = this.file(name);
    Deno.writeTextFileSync(path, `#!/bin/sh\n${body}\n`);
    Deno.chmodSync(path, 0o755);
    return path;
  }

  /** The lines of a file that a script writes; none before it does. */
  lines(name: string): string[] {
    try {
      return Deno.readTextFileSync(this.file(name)).split("\n").slice(0, -1);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
