/**
 * `reload_time_file`: reloads at the time that a file holds. The file is looked at every second; why
 * it is not watched is said in lib/track/track_file.ts.
 */

import { type Clock, SYSTEM_CLOCK } from "../track/clock.ts";
import { type Disk, SYSTEM_DISK } from "../track/disk.ts";
import { Look } from "../track/look.ts";
import { codeOf, inWords } from "../track/words.ts";
import type { Logger } from "./logger.ts";
import { nextReload, type ReloadTime, reloadTimeText } from "./reload_time.ts";

/** Between two looks; one comes earlier when the time does. */
const POLL_MS = 1000;

/**
 * A time that was passed by so much is only late: the process was held up, or the clock was moved a
 * little. By more, the clock was set, and the time was missed. Moved back by less, it comes no second
 * time.
 */
const LATE_MS = 600_000;

/** What says when, and what else than a reload there is to do about it. */
export interface ReloadTimerSettings {
  /** Null: there is no such file. */
  readonly timeFile: string | null;
  /** The file is kept if it has no date. */
  readonly repeat: boolean;
}

/** What a ReloadTimer is made of. */
export interface ReloadTimerParts {
  readonly log: Logger;
  readonly reload: () => void;
  /** Tests bring their own. */
  readonly clock?: Clock;
  readonly disk?: Disk & { remove(path: string): Promise<void> };
}

/** Waits for the time in one file, whichever that is. */
export class ReloadTimer {
  readonly #parts: ReloadTimerParts;
  #settings: ReloadTimerSettings = { timeFile: null, repeat: false };
  #watched: WatchedTime | null = null;

  constructor(parts: ReloadTimerParts) {
    this.#parts = parts;
  }

  /** Begins, or goes on with other settings; what is known of the same file is kept. */
  configure({ timeFile, repeat }: ReloadTimerSettings): void {
    const isSameFile = timeFile === this.#settings.timeFile;
    this.#settings = { timeFile, repeat };
    if (isSameFile) return;
    this.stop();
    if (timeFile === null) return;
    this.#watched = new WatchedTime(timeFile, () => this.#settings.repeat, this.#parts);
  }

  /** Nothing is looked at any more. */
  stop(): void {
    this.#watched?.stop();
    this.#watched = null;
  }
}

/** One file, and the time that it holds. */
class WatchedTime {
  readonly #path: string;
  readonly #isKept: () => boolean;
  readonly #reload: () => void;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #disk: NonNullable<ReloadTimerParts["disk"]>;
  readonly #look: Look;
  #cancel = () => {};
  #isStopped = false;
  /** What the file looked like when it was read; and what was read, null for nothing to read. */
  #seen = "";
  #text: string | null = null;
  #next: ReloadTime | null = null;
  /** The time of the latest reload, while the file is still the one that asked for it. */
  #done: ReloadTime | null = null;
  /** What is wrong, said or to be said if it stays so until the next look. */
  #trouble: string | null = null;
  #isTroubleSaid = false;

  constructor(path: string, isKept: () => boolean, parts: ReloadTimerParts) {
    const { log, reload, clock = SYSTEM_CLOCK, disk = { ...SYSTEM_DISK, remove: Deno.remove } } =
      parts;
    this.#path = path;
    this.#isKept = isKept;
    this.#reload = reload;
    this.#log = log;
    this.#clock = clock;
    this.#disk = disk;
    this.#look = new Look(`the reload_time_file ${path}`, { log, clock });
    this.#poll();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #poll(): void {
    this.#look.begin(() => this.#lookNow().finally(() => this.#schedule()));
    this.#schedule();
  }

  /** A second later, or when the time has come; never at once, so that a look can end before. */
  #schedule(): void {
    if (this.#isStopped) return;
    this.#cancel();
    const leftMs = (this.#next?.at.getTime() ?? Infinity) - this.#clock.wallMs();
    const ms = leftMs > 0 && leftMs < POLL_MS ? leftMs : POLL_MS;
    this.#cancel = this.#clock.after(ms, () => this.#poll());
  }

  async #lookNow(): Promise<void> {
    const info = await this.#disk.stat(this.#path), looks = looksOf(info);
    const isNew = looks !== this.#seen;
    if (isNew) {
      this.#text = await this.#read(info);
      this.#done = null;
    }
    if (this.#isStopped) return;
    this.#seen = looks;
    if (info === null) return this.#forget();
    if (this.#text === null) {
      this.#expect(null);
      return this.#complain(this.#trouble, isNew);
    }
    const nowMs = this.#clock.wallMs();
    if (!isNew && this.#next !== null && this.#hasCome(this.#next, nowMs)) {
      return await this.#fire(this.#next);
    }
    const fromMs = isNew ? writtenMs(info, nowMs) : nowMs;
    const answer = nextReload(this.#text, new Date(this.#afterDone(fromMs)));
    this.#expect(answer.ok ? answer.value : null);
    this.#complain(answer.ok ? null : answer.error, isNew);
    // It came between the writing and the look.
    if (this.#next !== null && this.#hasCome(this.#next, nowMs)) await this.#fire(this.#next);
  }

  /** Of a clock that goes back a little, the time that was used comes again: not for this. */
  #afterDone(nowMs: number): number {
    const doneMs = this.#done?.at.getTime() ?? -Infinity;
    if (doneMs - nowMs >= LATE_MS) this.#done = null;
    return this.#done === null ? nowMs : Math.max(doneMs, nowMs);
  }

  #hasCome({ at }: ReloadTime, nowMs: number): boolean {
    const lateMs = nowMs - at.getTime();
    return lateMs >= 0 && lateMs < LATE_MS;
  }

  /** @returns Null if there is nothing to read; what is wrong is noted. */
  async #read(info: Deno.FileInfo | null): Promise<string | null> {
    this.#trouble = null;
    if (info === null) return null;
    try {
      // To open a FIFO waits for a writer.
      if (info.isFile) return await this.#disk.head(this.#path);
      this.#trouble = "it is not a regular file";
    } catch (error) {
      if (codeOf(error) !== "ENOENT") this.#trouble = inWords(error);
    }
    return null;
  }

  /** A daily time is waited for again; any other is used up, with its file. */
  async #fire(time: ReloadTime): Promise<void> {
    this.#next = null;
    this.#done = time;
    this.#say("info", `the time has come: ${reloadTimeText(time)}`);
    const isDaily = this.#isKept() && !time.isDated;
    // Before the reload: who waits for the one knows that the other was.
    if (!isDaily) await this.#remove();
    if (!this.#isStopped) this.#reload();
  }

  async #remove(): Promise<void> {
    try {
      await this.#disk.remove(this.#path);
      this.#seen = "";
      this.#text = this.#done = null;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return;
      // What is left of it counts for nothing until it is written anew.
      this.#text = null;
      this.#say("warning", `it cannot be removed, and is not looked at again: ${inWords(error)}`);
    }
  }

  #forget(): void {
    this.#trouble = null;
    this.#expect(null);
  }

  #expect(next: ReloadTime | null): void {
    const before = this.#next;
    this.#next = next;
    if (before?.at.getTime() === next?.at.getTime()) return;
    if (next !== null) this.#say("info", `reload at ${reloadTimeText(next)}`);
    else this.#say("info", `no reload at ${reloadTimeText(before!)}`);
  }

  /** Once for each file that is wrong; one that was just written may be half written. */
  #complain(trouble: string | null, isNew: boolean): void {
    if (isNew || trouble === null) this.#isTroubleSaid = false;
    this.#trouble = trouble;
    if (trouble === null || isNew || this.#isTroubleSaid) return;
    this.#isTroubleSaid = true;
    this.#say("warning", `no reload: ${trouble}`);
  }

  #say(level: "info" | "warning", what: string): void {
    this.#log({ level, text: `reload_time_file ${this.#path}: ${what}` });
  }
}

/** Since when a file holds what it does, as far as that is a moment ago: else now. */
function writtenMs(info: Deno.FileInfo, nowMs: number): number {
  const ageMs = nowMs - (info.mtime?.getTime() ?? -Infinity);
  return ageMs > 0 && ageMs <= 2 * POLL_MS ? nowMs - ageMs : nowMs;
}

/** Changes whenever a file is written, replaced, made or removed. */
function looksOf(info: Deno.FileInfo | null): string {
  return info === null ? "" : `${info.dev} ${info.ino} ${info.size} ${info.mtime?.getTime()}`;
}
