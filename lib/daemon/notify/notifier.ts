/** From the engine's events to everybody who wants to hear of them (keepalived-behaviour 10). */

import type { Config, NotifyFifo } from "../../../config/model.ts";
import { isSame } from "../../core/same.ts";
import { openLineFifo } from "../../net/fifo.ts";
import { type Clock, SYSTEM_CLOCK } from "../../track/clock.ts";
import { startProgram } from "../../track/program.ts";
import type { State } from "../../vrrp/types.ts";
import type { Logger } from "../logger.ts";
import {
  type Announcement,
  ENTERED,
  fifoLine,
  LEFT,
  type NotifyEvent,
  subjectKey,
} from "./announcement.ts";
import { sleep, type TargetStatus } from "./delivery.ts";
import { FifoTarget, type OpenFifo } from "./fifo_target.ts";
import { MailTarget, type SendMail } from "./mail_target.ts";
import type { StartProgram } from "./script_target.ts";
import { smtpSender } from "./smtp.ts";
import { buildSubjects, type Subject, type SubjectParts, type Subjects } from "./subjects.ts";
import type { Poster } from "./webhook.ts";

/** How long `stop` takes at the most: keepalived's child_wait_time. */
export const STOP_MS = 5000;

/**
 * Parts of that time. First everything goes on (keepalived waits 1 s); then what runs while others
 * wait is ended, and of those only the newest states are told; at last all is ended. A program that
 * does not heed SIGTERM needs 2 s to end (lib/track/program.ts), which fits in between.
 */
const STOP_PARTS = { goOn: 0.2, hurry: 0.6, end: 0.2 } as const;

/** What a notifier is made of; all but the first two is for tests. */
export interface NotifierParts {
  readonly config: Config;
  readonly log: Logger;
  readonly start?: StartProgram;
  readonly openFifo?: OpenFifo;
  readonly sendMail?: SendMail;
  readonly poster?: Poster;
  readonly clock?: Clock;
  readonly host?: string;
}

/** Somebody who is told in the background. */
interface Target {
  idle(): Promise<void>;
  hurry(): void;
  cancel(): void;
}

/** What happens to instances and groups. */
type Happening = Exclude<NotifyEvent, { kind: "started" }>;
type Transition = Extract<NotifyEvent, { kind: "transition" | "groupTransition" }>;

/** Tells everybody, each in order and none waiting for another. */
export class Notifier {
  readonly #parts: NotifierParts;
  #config: Config;
  readonly #log: Logger;
  readonly #clock: Clock;
  #subjects: Subjects;
  #fifos: readonly FifoTarget[];
  #mail: MailTarget | null;
  /** Targets that a reload has done away with, until they have told everything. */
  readonly #retired = new Set<Target>();
  /** FIFOs that a reload has done away with, until they are closed. */
  readonly #closing = new Map<string, Promise<void>>();
  /** What was last heard of each instance, for those that are deleted. */
  readonly #known = new Map<string, { readonly state: State; readonly priority: number }>();
  readonly #groupStates = new Map<string, State>();
  /** What has happened during the start, which is announced in another order; null after it. */
  #starting: Happening[] | null = [];

  constructor(parts: NotifierParts) {
    const { config, log, clock = SYSTEM_CLOCK, host = Deno.hostname() } = parts;
    this.#parts = { ...parts, host };
    this.#config = config;
    this.#log = log;
    this.#clock = clock;
    this.#subjects = this.#subjectsOf(config);
    this.#fifos = config.global.fifos.map((fifo) => this.#fifoTarget(fifo, config));
    this.#mail = mailTarget(parts, clock, host);
  }

  /**
   * Goes on with another configuration: what waits is still told, a FIFO that is the same stays open
   * and its script runs on, and nothing is announced that has not changed.
   *
   * @param renamed What instances are called now, by what they were called before.
   */
  reconfigure(config: Config, renamed: ReadonlyMap<string, string>): void {
    this.#endStart();
    const before = this.#config, subjects = this.#subjects;
    this.#config = config;
    const known = [...this.#known].map(([name, last]) =>
      [renamed.get(name) ?? name, last] as const
    );
    const names = new Set(config.instances.map(({ name }) => name));
    this.#known.clear();
    for (const [name, last] of known) if (names.has(name)) this.#known.set(name, last);
    const groups = new Set(config.groups.map(({ name }) => name));
    for (const name of this.#groupStates.keys()) {
      if (!groups.has(name)) this.#groupStates.delete(name);
    }
    this.#subjects = this.#subjectsOf(config, { before: subjects, renamed });
    const kept = new Set<Target>(this.#targets());
    for (const target of targetsOf(subjects)) if (!kept.has(target)) this.#retire(target);
    this.#reconfigureFifos(before, config);
    if (isSame(mailOf(before), mailOf(config), POSITION)) return;
    if (this.#mail !== null) this.#retire(this.#mail);
    this.#mail = mailTarget({ ...this.#parts, config }, this.#clock, this.#parts.host!);
  }

  /** Opens the FIFOs and starts the scripts that read them; before the engine's first event. */
  start(): void {
    for (const fifo of this.#fifos) fifo.start();
  }

  /** Tells of what has happened. Never throws, never waits. */
  on(event: NotifyEvent): void {
    if (event.kind === "started") this.#endStart();
    else if (this.#starting !== null) this.#starting.push(event);
    else this.#tell(event);
  }

  /** Writes the states of all groups and instances to the FIFOs, changed or not. */
  writeStates(): void {
    for (const [name, state] of this.#groupStates) {
      this.#write(fifoLine("group", name, ENTERED[state], 0));
    }
    for (const [name, { state, priority }] of this.#known) {
      this.#write(fifoLine("instance", name, ENTERED[state], priority));
    }
  }

  /**
   * A reload has taken an instance away: FAULT, or DELETED where `notify_deleted` asks for it. For
   * the notifier that knows the instance, which is the one of before the reload.
   */
  deleted(instance: string): void {
    this.#endStart();
    const defs = this.#subject("instance", instance)?.defs;
    if (defs === undefined) return;
    const known = this.#known.get(instance);
    const state = defs.deleted ? "DELETED" : "FAULT", previous = LEFT[known?.state ?? "init"];
    if (state === previous) return;
    this.#announce({
      type: "instance",
      name: instance,
      state,
      previous,
      priority: known?.priority ?? this.#basePriority(instance),
      cause: "it is no longer in the configuration",
      at: new Date(this.#clock.wallMs()),
    });
  }

  /**
   * Lets everybody hear the rest, within a bound, then closes the FIFOs and removes those made here.
   * What was cut short is logged. After the engine's last event; nothing may be told afterwards.
   */
  async stop(boundMs = STOP_MS): Promise<void> {
    this.#endStart();
    const closing = [...this.#closing.values()];
    const fifos = Promise.all([...this.#fifos.map((fifo) => fifo.stop()), ...closing]);
    const targets = this.#targets(), { goOn, hurry, end } = STOP_PARTS;
    const idle = Promise.all(targets.map((target) => target.idle())).then(() => true);
    if (!await this.#inTime(idle, boundMs * goOn)) {
      for (const target of targets) target.hurry();
      if (!await this.#inTime(idle, boundMs * hurry)) {
        const late = this.status().filter(({ waiting }) => waiting > 0).map(({ target }) => target);
        const text = `Stopping before all notifications have left: ${late.join(", ")}`;
        this.#log({ level: "warning", text });
        for (const target of targets) target.cancel();
        await this.#inTime(idle, boundMs * end);
      }
    }
    await fifos;
  }

  /** What each target has done so far: plain JSON. */
  status(): TargetStatus[] {
    const subjects = [...this.#subjects.byKey.values()];
    const scripted = subjects.filter(({ defs }) => Object.keys(defs.scripts).length > 0);
    return [
      ...scripted.map(({ scripts }) => scripts.status()),
      ...this.#fifos.map((fifo) => fifo.status()),
      ...this.#mail === null ? [] : [this.#mail.status()],
      ...this.#subjects.webhooks.map((webhook) => webhook.status()),
    ];
  }

  /** @returns Whether it comes true within so many milliseconds. */
  async #inTime(idle: Promise<boolean>, ms: number): Promise<boolean> {
    const over = new AbortController();
    const isIdle = await Promise.race([idle, sleep(this.#clock, ms, over.signal)]);
    over.abort();
    return isIdle === true;
  }

  #targets(): Target[] {
    const mail = this.#mail === null ? [] : [this.#mail];
    return [...targetsOf(this.#subjects), ...mail, ...this.#retired];
  }

  #subjectsOf(
    config: Config,
    from: Pick<SubjectParts, "before" | "renamed"> = {},
  ): Subjects {
    const { host, poster, log, start = startProgram } = this.#parts;
    const origin = { host: host!, routerId: config.global.routerId };
    return buildSubjects({ config, origin, start, poster, clock: this.#clock, log, ...from });
  }

  #fifoTarget(fifo: NotifyFifo, { global: { scriptUser } }: Config): FifoTarget {
    const { log, start = startProgram, openFifo: open = openLineFifo } = this.#parts;
    return new FifoTarget({ fifo, scriptUser, open, start, clock: this.#clock, log });
  }

  #retire(target: Target): void {
    this.#retired.add(target);
    target.idle().then(() => this.#retired.delete(target));
  }

  /** One path has one target at a time: the file goes with the one, and is made by the next. */
  #reconfigureFifos({ global: before }: Config, config: Config): void {
    const { fifos, scriptUser } = config.global;
    const isSameUser = isSame(before.scriptUser, scriptUser);
    const kept = new Map(fifos.flatMap((fifo) => {
      const at = before.fifos.findIndex((other) =>
        isSame(other, fifo, POSITION) && (isSameUser || fifo.script === null)
      );
      return at < 0 ? [] : [[fifo, this.#fifos[at]!]];
    }));
    const stays = new Set(kept.values());
    for (const [at, fifo] of this.#fifos.entries()) {
      if (!stays.has(fifo)) this.#close(before.fifos[at]!.path, fifo);
    }
    this.#fifos = fifos.map((fifo) => kept.get(fifo) ?? this.#openFifo(fifo, config));
  }

  #close(path: string, fifo: FifoTarget): void {
    const closed = Promise.all([this.#closing.get(path), fifo.stop()]).then(() => {
      if (this.#closing.get(path) === closed) this.#closing.delete(path);
    });
    this.#closing.set(path, closed);
  }

  #openFifo(fifo: NotifyFifo, config: Config): FifoTarget {
    const target = this.#fifoTarget(fifo, config), closing = this.#closing.get(fifo.path);
    if (closing === undefined) target.start();
    else target.startAfter(closing);
    return target;
  }

  #subject(type: Subject["type"], name: string): Subject | undefined {
    return this.#subjects.byKey.get(subjectKey({ type, name }));
  }

  /** Groups first; then instances, but for those whose group has said the same, if it is no fault. */
  #endStart(): void {
    const events = this.#starting ?? [];
    this.#starting = null;
    const groups = events.filter((event) => event.kind === "groupTransition");
    const groupStates = new Map(groups.map(({ group, to }) => [group, to]));
    for (const event of groups) this.#tell(event);
    for (const event of events) {
      if (event.kind === "groupTransition") continue;
      const group = this.#config.instances.find(({ name }) => name === event.instance)?.group;
      const isSaid = event.kind === "transition" && event.to !== "fault" &&
        event.to === groupStates.get(group ?? "");
      if (isSaid) {
        this.#know(event.instance, event.to, event.priority);
      } else {
        this.#tell(event);
      }
    }
  }

  #tell(event: Happening): void {
    switch (event.kind) {
      case "groupTransition":
        this.#groupStates.set(event.group, event.to);
        this.#announce(this.#announcement(event));
        break;
      case "transition":
        this.#know(event.instance, event.to, event.priority);
        this.#announce(this.#announcement(event));
        break;
      case "priority":
        this.#know(event.instance, event.state, event.priority);
        this.#tellPriority(event.instance, event.state, event.priority);
        break;
      case "heardLower":
        this.#tellLower(event.instance, event.priority);
        break;
    }
  }

  #know(instance: string, state: State, priority: number): void {
    this.#known.set(instance, { state, priority });
  }

  #announcement(event: Transition): Announcement {
    const subject = event.kind === "groupTransition"
      ? { type: "group", name: event.group, priority: 0 } as const
      : { type: "instance", name: event.instance, priority: event.priority } as const;
    const { from, to, cause } = event, at = new Date(this.#clock.wallMs());
    return { ...subject, state: ENTERED[to], previous: LEFT[from], cause, at };
  }

  /** In keepalived's order: scripts, FIFOs, mail; webhooks are vigie's own. */
  #announce(announcement: Announcement): void {
    const { type, name, state, priority } = announcement;
    const subject = this.#subject(type, name);
    if (subject === undefined) return;
    subject.scripts.announce(announcement);
    this.#write(fifoLine(type, name, state, priority));
    if (subject.defs.mail) this.#mail?.announce(announcement);
    for (const webhook of subject.webhooks) webhook.queue.add(announcement);
  }

  #tellPriority(name: string, state: State, priority: number): void {
    const subject = this.#subject("instance", name);
    if (!subject?.defs.priorityChanges) return;
    const word = state === "master" ? "MASTER_PRIORITY" : "BACKUP_PRIORITY";
    this.#write(fifoLine("instance", name, word, priority));
  }

  #tellLower(name: string, priority: number): void {
    this.#subject("instance", name)?.scripts.heardLower();
    this.#write(fifoLine("instance", name, "MASTER_RX_LOWER_PRI", priority));
  }

  #write(line: string): void {
    for (const fifo of this.#fifos) fifo.write(line);
  }

  #basePriority(instance: string): number {
    return this.#config.instances.find(({ name }) => name === instance)?.priority ?? 0;
  }
}

function targetsOf({ byKey, webhooks }: Subjects): Target[] {
  const scripts = [...byKey.values()].map((subject) => subject.scripts.queue);
  return [...scripts, ...webhooks.map(({ queue }) => queue)];
}

/** All that a mail target is made of. */
function mailOf({ global: { mail, routerId }, instances, groups }: Config) {
  return { mail, routerId, isWanted: [...instances, ...groups].some(({ notify }) => notify.mail) };
}

/** Where something stands in a file does not change it. */
const POSITION: ReadonlySet<string> = new Set(["position"]);

/** Null if nobody is to get mail, or there is nothing to send it by. */
function mailTarget(parts: NotifierParts, clock: Clock, host: string): MailTarget | null {
  const { config, log } = parts;
  const { mail, routerId } = config.global;
  const { server, recipients, noFaults } = mail;
  const wanted = [...config.instances, ...config.groups].some(({ notify }) => notify.mail);
  if (!wanted || server === null || recipients.length === 0) return null;
  const send = parts.sendMail ?? smtpSender({ mail: { ...mail, server }, host });
  const origin = { host, routerId };
  const name = server.host.includes(":") ? `[${server.host}]` : server.host;
  return new MailTarget({ server: `${name}:${server.port}`, origin, noFaults, send, clock, log });
}
