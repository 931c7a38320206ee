/** What tracked files need of the system: calls that may hang, a few at once. */

import { SYSTEM_CLOCK } from "./clock.ts";
import { Shared } from "./shared.ts";

/** So many calls at once, of Deno's 32 threads for calls that block. */
const MOST_AT_ONCE = 6;
/** strtol(3) needs no more. */
const READ_BYTES = 128;

/** Where tracked files are. */
export interface Disk {
  /** Facts about a file; null for none, or none that can be seen. */
  stat(path: string): Promise<Deno.FileInfo | null>;
  /** The same of a link itself. */
  lstat(path: string): Promise<Deno.FileInfo | null>;
  /** The beginning of a file, a character a byte. @throws {Error} */
  head(path: string): Promise<string>;
  /** Writes a whole file. @throws {Error} Also if it must be a new one and is not. */
  write(path: string, text: string, createNew: boolean): Promise<void>;
}

/** Who asks the same of the same file, as after a reload, shares one call. */
const calls = new Shared<unknown>(MOST_AT_ONCE, SYSTEM_CLOCK);

/** The files of this host. */
export const SYSTEM_DISK: Disk = {
  stat: (path) => inTurn(`stat ${path}`, () => Deno.stat(path)).catch(() => null),
  lstat: (path) => inTurn(`lstat ${path}`, () => Deno.lstat(path)).catch(() => null),
  head: (path) => inTurn(`head ${path}`, () => head(path)),
  write: (path, text, createNew) =>
    inTurn(`write ${path}`, () => Deno.writeTextFile(path, text, { createNew })),
};

async function inTurn<T>(key: string, call: () => Promise<T>): Promise<T> {
  const outcome = await calls.ask(key, call).wait(FOR_EVER);
  if (outcome?.status === "fulfilled") return outcome.value as T;
  throw outcome?.reason;
}

const FOR_EVER = new AbortController().signal;

async function head(path: string): Promise<string> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(READ_BYTES);
  const count = await file.read(bytes) ?? 0;
  return new TextDecoder("latin1").decode(bytes.subarray(0, count));
}
