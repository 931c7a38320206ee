/** Files that hold the process id, as keepalived's: whoever wants to signal the daemon reads one. */

/** Readable by all, as keepalived's. */
const MODE = 0o644;

/** What keeps it from being one: it is running already, or the file cannot be written. */
export type PidFileRefusal =
  | { readonly kind: "running"; readonly pid: number | null }
  | { readonly kind: "unwritable"; readonly why: string };

/**
 * A file with this process's id. It is locked as long as the process lives, however it ends: what a
 * process id says is no proof, for another process may have it by now, above all in a container.
 */
export class PidFile {
  readonly path: string;
  readonly #file: Deno.FsFile;

  private constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#file = file;
  }

  /** Writes it, unless another process that runs has it. */
  static write(path: string): PidFile | PidFileRefusal {
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path, { read: true, write: true, create: true, mode: MODE });
    } catch (error) {
      return { kind: "unwritable", why: error instanceof Error ? error.message : String(error) };
    }
    const holder = holderOf(path);
    // keepalived before 2.3 does not lock its own, so that its name has to do.
    if (!file.tryLockSync(true) || holder !== null && isKeepalived(holder)) {
      file.close();
      return { kind: "running", pid: holder };
    }
    file.truncateSync(0);
    file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
    return new PidFile(path, file);
  }

  /** Removes it, if it is still this process's. */
  remove(): void {
    try {
      if (holderOf(this.path) === Deno.pid) Deno.removeSync(this.path);
    } catch {
      // Removed already, or its folder is read-only by now: without its lock it says nothing.
    }
    this.#file.close();
  }
}

/** The process id in a file; null if there is none. */
function holderOf(path: string): number | null {
  const pid = Number(read(path).trim() || NaN);
  return Number.isInteger(pid) && pid > 0 ? pid : null;
}

function isKeepalived(pid: number): boolean {
  return pid !== Deno.pid && read(`/proc/${pid}/comm`).startsWith("keepalived");
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
