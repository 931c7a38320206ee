/** Files that a configuration includes, as they are on this host. Nothing here waits or has an end of its own. */

import { resolve } from "node:path";
import type { ParseOptions, ReadFailure } from "../../config/mod.ts";

/** Largest file that is read: a thousand instances with everything take about one MiB. */
const BYTES_MAX = 16 << 20;

/** Execute permission of anybody: keepalived takes such a file for a program. */
const EXECUTABLE = 0o111;

/** File systems of the kernel's own: what looks like a regular file there may wait for ever. */
const OF_THE_KERNEL = /^\/(proc|sys)\//;

/** Names in one folder that are looked at. */
const NAMES_MAX = 10_000;

/**
 * Reads a regular file, or says why not.
 *
 * @param mayExecute False: one that is executable is none.
 */
export function readRegularFile(path: string, mayExecute: boolean): Uint8Array | ReadFailure {
  try {
    const { isFile, isDirectory, mode, size } = Deno.statSync(path);
    const unfit = isDirectory
      ? "Is a directory"
      : !isFile || OF_THE_KERNEL.test(Deno.realPathSync(path))
      ? "It is not a regular file"
      : !mayExecute && ((mode ?? 0) & EXECUTABLE) !== 0
      ? "It is executable"
      : size > BYTES_MAX
      ? `It is larger than ${BYTES_MAX >> 20} MiB`
      : null;
    return unfit === null ? Deno.readFileSync(path) : { absent: false, reason: unfit };
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    return { absent, reason: reason(error) };
  }
}

function reason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "No such file or directory";
  if (error instanceof Deno.errors.PermissionDenied) return "Permission denied";
  return error instanceof Error ? error.message : String(error);
}

/** The names in a folder; null if it cannot be listed. */
function listFolder(folder: string): readonly string[] | null {
  try {
    const names: string[] = [];
    for (const { name } of Deno.readDirSync(folder)) {
      if (names.push(name) >= NAMES_MAX) break;
    }
    return names;
  } catch {
    // glob(3) finds nothing there, either.
    return null;
  }
}

/** How a configuration is to be read; what is absent is as on keepalived's command line. */
export interface Reading {
  /** `-i`: which conditional lines count; the host's name up to the first dot. */
  readonly id?: string;
  /** `-e`: every include must succeed. */
  readonly checkIncludes?: boolean;
  /** `-s`: the daemon stays in the network namespace that it is in. */
  readonly stays?: boolean;
  /** It may be for another host: nothing of this one is compared with it. */
  readonly anywhere?: boolean;
}

/** The id of a host that is given none. */
export function defaultId(): string {
  return Deno.hostname().split(".")[0]!;
}

/**
 * What the preprocessor asks of this host. Random numbers are the same each time that a file is read:
 * else a restart, or the look at a file that has not changed, would change the configuration.
 *
 * @param texts Takes the content of what is included.
 */
export function hostSurroundings(
  file: string,
  { id = defaultId(), checkIncludes = false }: Reading,
  texts: Uint8Array[],
): ParseOptions & Required<Pick<ParseOptions, "read">> {
  const draw = pseudoRandom(`${Deno.hostname()}\0${id}\0${resolve(file)}`);
  return {
    id,
    checkIncludes,
    folder: Deno.cwd(),
    list: listFolder,
    read: (path) => {
      const content = readRegularFile(path, false);
      if (content instanceof Uint8Array) texts.push(content);
      return content;
    },
    environment: (name) => Deno.env.get(name),
    random: (low, high) => low + Math.floor(draw() * (high - low + 1)),
  };
}

/** Numbers from 0 to below 1 that follow from a text: FNV-1a makes the seed, mulberry32 goes on from it. */
function pseudoRandom(text: string): () => number {
  let state = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    state = Math.imul(state ^ byte, 0x01000193);
  }
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
