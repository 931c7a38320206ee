/**
 * `vrrp_track_file`: numbers in files (keepalived-compatible). Deno.watchFs is not used: its thread
 * opens whatever changes in the folder and waits for ever when that is a FIFO; from then on no
 * watcher works, and closing one stops the process (seen with Deno 2.9.6).
 */

import { basename, dirname } from "node:path";
import type { LogEvent } from "../core/log.ts";
import type { Clock } from "./clock.ts";
import { fileValue } from "./file_value.ts";
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
}

/** How often files are looked at: a few microseconds each. */
const POLL_MS = 100;
/** An empty file that is not watched counts after so many polls: `> f` empties it before it writes. */
const EMPTY_POLLS = 10;
/** strtol(3) needs no more. */
const READ_BYTES = 128;

/** Looks at its files, and watches their folders: a file that is not there yet cannot be watched. */
export class FileTracker {
  readonly #options: FileTrackerOptions;
  readonly #folders: readonly Folder[];
  #cancel: () => void = () => {};

  constructor(options: FileTrackerOptions) {
    this.#options = options;
    const folders = Map.groupBy(options.files, ({ path }) => dirname(path));
    this.#folders = [...folders].map(([path, files]) =>
      new Folder(path, files.map((file) => new WatchedFile(file, options)), options.watch)
    );
  }

  /** Writes the initial files, reads all, and reports them before it returns. */
  start(): void {
    if (this.#folders.length === 0) return;
    for (const file of this.#options.files) initialise(file, this.#options.log);
    this.#poll();
  }

  /** Nothing is reported any more. */
  stop(): void {
    this.#cancel();
    for (const folder of this.#folders) folder.close();
  }

  #poll(): void {
    for (const folder of this.#folders) folder.poll();
    this.#cancel = this.#options.clock.after(POLL_MS, () => this.#poll());
  }
}

/** One folder with the files in it that matter. */
class Folder {
  readonly #path: string;
  readonly #files: readonly WatchedFile[];
  readonly #watch: WatchFolder | undefined;
  #watcher: { close(): void } | null = null;
  /** Which folder is watched: another may have come to be under the same path. */
  #identity: string | null = null;

  constructor(path: string, files: readonly WatchedFile[], watch: WatchFolder | undefined) {
    this.#path = path;
    this.#files = files;
    this.#watch = watch;
  }

  /** Watches the folder if that is not yet so, and looks for what no event told. */
  poll(): void {
    const info = statOf(this.#path);
    const identity = info === null ? null : `${info.dev} ${info.ino}`;
    if (identity === null || identity !== this.#identity) {
      this.close();
      this.#identity = identity;
      if (identity !== null) {
        this.#watcher = this.#watch?.(this.#path, (name) => this.#changed(name)) ?? null;
      }
      for (const file of this.#files) file.read();
    } else {
      for (const file of this.#files) file.poll(this.#watcher !== null);
    }
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = this.#identity = null;
  }

  #changed(name: string | null): void {
    for (const file of this.#files) {
      if (name === null || basename(file.path) === name) file.read();
    }
  }
}

/** One file and what was read from it. */
class WatchedFile {
  readonly path: string;
  readonly #tracker: string;
  readonly #options: FileTrackerOptions;
  #value: number | null = null;
  #trouble: string | null = null;
  /** What the file looked like when it was read, and at the latest poll. */
  #read = "";
  #seen = "";
  /** How many polls have seen it so. */
  #polls = 0;

  constructor({ path, tracker }: TrackedFile, options: FileTrackerOptions) {
    this.path = path;
    this.#tracker = tracker;
    this.#options = options;
  }

  /**
   * Reads the file if it is another than the one that was read and has stayed so since the latest
   * poll: it may be half written. A watcher tells when an empty one has been written to its end.
   */
  poll(isWatched: boolean): void {
    const info = statOf(this.path);
    const looks = looksOf(info);
    this.#polls = looks === this.#seen ? this.#polls + 1 : 0;
    this.#seen = looks;
    if (looks === this.#read) return;
    const isEmpty = info?.size === 0;
    const needed = info === null ? 0 : !isEmpty ? 1 : isWatched ? Infinity : EMPTY_POLLS;
    if (this.#polls >= needed) this.read();
  }

  /** Reads the number and reports it if it is another. */
  read(): void {
    const info = statOf(this.path);
    this.#read = this.#seen = looksOf(info);
    const value = info === null ? 0 : this.#valueIn(info);
    if (value === this.#value) return;
    this.#value = value;
    this.#options.report(this.#tracker, { kind: "value", value });
  }

  #valueIn(info: Deno.FileInfo): number {
    let trouble: string | null = null;
    let value = 0;
    try {
      // To open a FIFO waits for a writer.
      if (info.isFile) value = fileValue(head(this.path));
      else trouble = "it is not a regular file";
    } catch (error) {
      if (codeOf(error) !== "ENOENT") trouble = inWords(error);
    }
    if (trouble !== null && trouble !== this.#trouble) {
      const text = `Cannot read tracked file ${this.path}: ${trouble}; its value is 0`;
      this.#options.log({ level: "warning", text });
    }
    this.#trouble = trouble;
    return value;
  }
}

/** Writes the initial value, unless a file is there that is not to be overwritten. */
function initialise({ path, init }: TrackedFile, log: (event: LogEvent) => void): void {
  if (init === null) return;
  try {
    const info = lstatOf(path);
    if (info !== null && !init.overwrite) return;
    if (info !== null && !info.isFile) throw new Error("it is not a regular file");
    Deno.writeTextFileSync(path, `${init.value}\n`, { createNew: info === null });
  } catch (error) {
    log({ level: "warning", text: `Cannot initialise tracked file ${path}: ${inWords(error)}` });
  }
}

/** Facts about a file; null for none, or none that can be seen. */
function statOf(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch {
    return null;
  }
}

function lstatOf(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch {
    return null;
  }
}

/** Changes whenever a file is written, replaced, made or removed. */
function looksOf(info: Deno.FileInfo | null): string {
  return info === null ? "" : `${info.dev} ${info.ino} ${info.size} ${info.mtime?.getTime()}`;
}

/** The beginning of a file. */
function head(path: string): string {
  using file = Deno.openSync(path);
  const bytes = new Uint8Array(READ_BYTES);
  const count = file.readSync(bytes) ?? 0;
  return new TextDecoder("latin1").decode(bytes.subarray(0, count));
}
