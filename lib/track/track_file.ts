/**
 * `vrrp_track_file`: numbers in files (keepalived-compatible). Deno.watchFs is not used: its thread
 * opens whatever changes in the folder and waits for ever when that is a FIFO; from then on no
 * watcher works, and closing one stops the process (seen with Deno 2.9.6).
 */

import { basename, dirname } from "node:path";
import type { LogEvent } from "../core/log.ts";
import type { Clock } from "./clock.ts";
import { type Disk, SYSTEM_DISK } from "./disk.ts";
import { fileValue } from "./file_value.ts";
import { Look } from "./look.ts";
import type { TrackedState } from "./status.ts";
import { codeOf, inWords } from "./words.ts";

/** One file. */
export interface TrackedFile {
  readonly tracker: string;
  /** Absolute. */
  readonly path: string;
  /** `init_file`: what to write at the start, and whether over an existing file; null after a reload. */
  readonly init: { readonly value: number; readonly overwrite: boolean } | null;
}

/**
 * Watches a folder as inotify(7) can: `changed` is told the name of each file in it that was closed
 * after writing, removed, or moved in or out; null when some of that was missed. Null if it cannot.
 */
export type WatchFolder = (
  folder: string,
  changed: (name: string | null) => void,
) => { close(): void } | null;

/** What a FileTracker is made of. */
export interface FileTrackerOptions {
  readonly files: readonly TrackedFile[];
  /** Told of every file at the start, then whenever its number is another. */
  readonly report: (tracker: string, state: TrackedState) => void;
  readonly log: (event: LogEvent) => void;
  readonly clock: Clock;
  /** Tells of changes at once; without it polls do it all. */
  readonly watch?: WatchFolder;
  /** Where the files are; tests bring their own. */
  readonly disk?: Disk;
}

/** How often files are looked at: some 20 microseconds each. */
const POLL_MS = 100;
/** An empty file that is not watched counts after so many polls: `> f` empties it before it writes. */
const EMPTY_POLLS = 10;
/**
 * Looks at its files, and watches their folders: a file that is not there yet cannot be watched. Of
 * each file and folder one look at a time goes on, and nobody waits for it: where a file system
 * hangs, the numbers stay as they were.
 */
export class FileTracker {
  readonly #options: FileTrackerOptions;
  readonly #clock: Clock;
  readonly #disk: Disk;
  #folders: readonly Folder[] = [];
  #files: readonly WatchedFile[] = [];
  #cancel: () => void = () => {};

  constructor(options: FileTrackerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#disk = options.disk ?? SYSTEM_DISK;
    this.#arrange(options.files);
  }

  /** Begins to write the initial files and to read all; they are reported as they have been read. */
  start(): void {
    if (this.#files.length > 0) this.#poll();
  }

  /** Goes on with other files; the numbers of those that are the same are not told again. */
  reconfigure(files: readonly TrackedFile[]): void {
    for (const folder of this.#folders) folder.close();
    const before = this.#files;
    this.#arrange(files);
    for (const file of before) if (!this.#files.includes(file)) file.stop();
    this.#cancel();
    this.start();
  }

  #arrange(files: readonly TrackedFile[]): void {
    const known = new Map(this.#files.map((file) => [`${file.tracker} ${file.path}`, file]));
    const folders = Map.groupBy(files, ({ path }) => dirname(path));
    this.#folders = [...folders].map(([path, files]) => {
      const theirs = files.map((file) =>
        known.get(`${file.tracker} ${file.path}`) ??
          new WatchedFile(file, this.#options, this.#disk)
      );
      return new Folder(path, theirs, this.#options, this.#disk);
    });
    this.#files = this.#folders.flatMap(({ files }) => files);
  }

  /** Nothing is reported any more. */
  stop(): void {
    this.#cancel();
    for (const folder of this.#folders) folder.close();
    for (const file of this.#files) file.stop();
  }

  #poll(): void {
    // The next one first: whatever happens in this one, it comes.
    this.#cancel = this.#clock.after(POLL_MS, () => this.#poll());
    for (const folder of this.#folders) folder.poll();
  }
}

/** One folder with the files in it that matter. */
class Folder {
  readonly files: readonly WatchedFile[];
  readonly #path: string;
  readonly #options: FileTrackerOptions;
  readonly #disk: Disk;
  readonly #look: Look;
  #watcher: { close(): void } | null = null;
  /** Which folder is watched: another may have come to be under the same path. */
  #identity: string | null = null;
  #isClosed = false;

  constructor(
    path: string,
    files: readonly WatchedFile[],
    options: FileTrackerOptions,
    disk: Disk,
  ) {
    this.files = files;
    this.#path = path;
    this.#options = options;
    this.#disk = disk;
    this.#look = new Look(`the folder ${path} of tracked files`, options);
  }

  /** Watches the folder if that is asked for and not yet so, and looks for what no event told. */
  poll(): void {
    if (this.#options.watch !== undefined) this.#look.begin(() => this.#follow());
    for (const file of this.files) file.poll(this.#watcher !== null);
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
  }

  async #follow(): Promise<void> {
    const info = await this.#disk.stat(this.#path);
    const identity = info === null ? null : `${info.dev} ${info.ino}`;
    if (this.#isClosed || identity === this.#identity) return;
    this.#unwatch();
    this.#identity = identity;
    if (identity !== null) {
      this.#watcher = this.#options.watch?.(this.#path, (name) => this.#changed(name)) ?? null;
    }
    for (const file of this.files) file.read();
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = this.#identity = null;
  }

  #changed(name: string | null): void {
    for (const file of this.files) {
      if (name === null || basename(file.path) === name) file.read();
    }
  }
}

/** One file and what was read from it. */
class WatchedFile {
  readonly path: string;
  readonly tracker: string;
  readonly #file: TrackedFile;
  readonly #options: FileTrackerOptions;
  readonly #disk: Disk;
  readonly #look: Look;
  #value: number | null = null;
  #trouble: string | null = null;
  /** The initial value has been written, if there is one. */
  #isInitialised: boolean;
  /** It is to be read, however it looks: somebody told that it has been written, or nobody has yet. */
  #isToBeRead = true;
  #isStopped = false;
  /** What the file looked like when it was read, and at the latest poll. */
  #read = "";
  #seen = "";
  /** How many polls have seen it so. */
  #polls = 0;

  constructor(file: TrackedFile, options: FileTrackerOptions, disk: Disk) {
    this.path = file.path;
    this.tracker = file.tracker;
    this.#file = file;
    this.#options = options;
    this.#disk = disk;
    this.#isInitialised = file.init === null;
    this.#look = new Look(`the tracked file ${file.path}`, options);
  }

  stop(): void {
    this.#isStopped = true;
  }

  /**
   * Reads the file if it is another than the one that was read and has stayed so since the latest
   * poll: it may be half written. A watcher tells when an empty one has been written to its end.
   */
  poll(isWatched: boolean): void {
    this.#look.begin(() => this.#lookAt(isWatched));
  }

  /** Reads the number and reports it if it is another: now, or after the look that goes on. */
  read(): void {
    this.#isToBeRead = true;
    this.#look.begin(() => this.#lookAt(false));
  }

  async #lookAt(isWatched: boolean): Promise<void> {
    if (!this.#isInitialised) {
      this.#isInitialised = true;
      await this.#initialise();
    }
    do {
      const isTold = this.#isToBeRead;
      this.#isToBeRead = false;
      const info = await this.#disk.stat(this.path);
      if (this.#isStopped) return;
      if (isTold || this.#hasSettled(info, isWatched)) await this.#readNow(info);
    } while (this.#isToBeRead && !this.#isStopped);
  }

  /** It is another, and whoever wrote it seems to be done. */
  #hasSettled(info: Deno.FileInfo | null, isWatched: boolean): boolean {
    const looks = looksOf(info);
    this.#polls = looks === this.#seen ? this.#polls + 1 : 0;
    this.#seen = looks;
    if (looks === this.#read) return false;
    const isEmpty = info?.size === 0;
    const needed = info === null ? 0 : !isEmpty ? 1 : isWatched ? Infinity : EMPTY_POLLS;
    return this.#polls >= needed;
  }

  async #readNow(info: Deno.FileInfo | null): Promise<void> {
    const value = info === null ? 0 : await this.#valueIn(info);
    if (this.#isStopped) return;
    this.#read = this.#seen = looksOf(info);
    if (value === this.#value) return;
    this.#value = value;
    this.#options.report(this.#file.tracker, { kind: "value", value });
  }

  async #valueIn(info: Deno.FileInfo): Promise<number> {
    let trouble: string | null = null;
    let value = 0;
    try {
      // To open a FIFO waits for a writer.
      if (info.isFile) value = fileValue(await this.#disk.head(this.path));
      else trouble = "it is not a regular file";
    } catch (error) {
      if (codeOf(error) !== "ENOENT") trouble = inWords(error);
    }
    if (trouble !== null && trouble !== this.#trouble) {
      const text = `Cannot read tracked file ${this.path}: ${trouble}; its value is 0`;
      this.#log(text);
    }
    this.#trouble = trouble;
    return value;
  }

  /** Writes the initial value, unless a file is there that is not to be overwritten. */
  async #initialise(): Promise<void> {
    const { path, init } = this.#file;
    if (init === null) return;
    try {
      const info = await this.#disk.lstat(path);
      if (info !== null && !init.overwrite) return;
      if (info !== null && !info.isFile) throw new Error("it is not a regular file");
      await this.#disk.write(path, `${init.value}\n`, info === null);
    } catch (error) {
      this.#log(`Cannot initialise tracked file ${path}: ${inWords(error)}`);
    }
  }

  #log(text: string): void {
    if (!this.#isStopped) this.#options.log({ level: "warning", text });
  }
}

/** Changes whenever a file is written, replaced, made or removed. */
function looksOf(info: Deno.FileInfo | null): string {
  return info === null ? "" : `${info.dev} ${info.ino} ${info.size} ${info.mtime?.getTime()}`;
}
