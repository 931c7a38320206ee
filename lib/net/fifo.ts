/** A FIFO that lines are written to: whole or not at all, and never waiting for a reader. */

import { SysError } from "../../ffi/errno.ts";
import { closeFd } from "../../ffi/fd.ts";
import { giveTo, makeFifo, openFifo, writeWhole } from "../../ffi/fifo.ts";

/** As keepalived's under its default umask. */
const MODE = 0o600;

/** Whose a FIFO becomes; numbers of the system. */
export interface FifoOwner {
  readonly uid: number;
  readonly gid: number;
}

/** An open FIFO. */
export interface LineFifo {
  /** Whether it was made here, and so goes when it is closed. */
  readonly made: boolean;
  /** @returns Why the line was not written, in words; null if it was. */
  writeLine(line: string): string | null;
  /** Closes it, and removes the file if it was made here. A second call does nothing. */
  close(): void;
}

/**
 * Opens the FIFO at a path; makes it, for its owner alone, if there is nothing.
 * @param owner Gets a FIFO that is made here; null for who runs the daemon.
 * @throws {Error} In words for people, if something else has that name or it cannot be opened.
 */
export function openLineFifo(path: string, owner: FifoOwner | null): LineFifo {
  const made = makeFifo(path, MODE);
  const before = Deno.lstatSync(path);
  if (!before.isFifo) throw new Error(`Cannot use "${path}" as a FIFO: it is ${kindOf(before)}`);
  const fd = openFifo(path);
  try {
    // Between the look and the opening, whoever may write the folder could have put another there.
    const opened = Deno.statSync(`/proc/self/fd/${fd}`);
    if (!opened.isFifo || opened.ino !== before.ino || opened.dev !== before.dev) {
      throw new Error(`Cannot use "${path}" as a FIFO: it was replaced while it was opened`);
    }
    if (made && owner !== null) giveTo(fd, owner.uid, owner.gid);
  } catch (error) {
    closeFd(fd);
    if (made) removeFile(path, before);
    throw error;
  }
  return new OpenFifo(path, fd, made ? before : null);
}

class OpenFifo implements LineFifo {
  readonly #path: string;
  readonly #made: Deno.FileInfo | null;
  readonly #encoder = new TextEncoder();
  #fd: number | null;

  constructor(path: string, fd: number, made: Deno.FileInfo | null) {
    this.#path = path;
    this.#fd = fd;
    this.#made = made;
  }

  get made(): boolean {
    return this.#made !== null;
  }

  writeLine(line: string): string | null {
    if (this.#fd === null) return "it is closed";
    try {
      return writeWhole(this.#fd, this.#encoder.encode(`${line}\n`)) ? null : "it is full";
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      return error.message;
    }
  }

  close(): void {
    if (this.#fd === null) return;
    closeFd(this.#fd);
    this.#fd = null;
    if (this.#made !== null) removeFile(this.#path, this.#made);
  }
}

/** Removes a file, unless another has taken its name. */
function removeFile(path: string, { ino, dev }: Deno.FileInfo): void {
  try {
    const now = Deno.lstatSync(path);
    if (now.ino === ino && now.dev === dev) Deno.removeSync(path);
  } catch {
    // Somebody has removed it, or has taken the folder away: it is gone as it should be.
  }
}

function kindOf(info: Deno.FileInfo): string {
  const kinds: readonly (readonly [boolean | null, string])[] = [
    [info.isSymlink, "a symbolic link"],
    [info.isDirectory, "a directory"],
    [info.isFile, "a regular file"],
    [info.isSocket, "a socket"],
  ];
  return kinds.find(([is]) => is)?.[1] ?? "a device";
}
