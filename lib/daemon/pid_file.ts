/** Files that hold the process id, as keepalived's: whoever wants to signal the daemon reads one. */

/** Readable by all, as keepalived's. */
const MODE = 0o644;

/** Why there is none. */
export interface PidFileFailure {
  readonly why: string;
}

/**
 * A file with this process's id. It is locked as long as the process lives, if it can be: keepalived
 * 2.3 and later do not start beside one that is locked. The lock of others says nothing, for everybody
 * who may read a file may lock it (flock(2)), and nobody is to be kept from starting by that.
 */
export class PidFile {
  readonly path: string;
  readonly #file: Deno.FsFile;

  private constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#file = file;
  }

  /** Writes it, whatever is in it: see `keepalivedOf`. */
  static write(path: string): PidFile | PidFileFailure {
    let file: Deno.FsFile | null = null;
    try {
      file = Deno.openSync(path, { read: true, write: true, create: true, mode: MODE });
      file.tryLockSync(true);
      file.truncateSync(0);
      file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
      return new PidFile(path, file);
    } catch (error) {
      file?.close();
      return { why: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Removes it, if it is still this process's. */
  remove(): void {
    try {
      if (pidIn(this.path) === Deno.pid) Deno.removeSync(this.path);
    } catch {
      // Removed already, or its folder is read-only by now: without its process it says nothing.
    }
    this.#file.close();
  }
}

/**
 * The keepalived that a pid file tells of, if it runs. What the file says is no proof, for another
 * process may have that id by now, above all in a container: so it must go by keepalived's name, as
 * vigie called so does, and be root's or this user's, for anybody can wait for an id and take a name.
 *
 * @returns Its process id; null if it is this process, the one that started it, or none.
 */
export function keepalivedOf(path: string): number | null {
  const pid = pidIn(path);
  return pid !== null && pid !== Deno.pid && pid !== Deno.ppid && isKeepalived(pid) ? pid : null;
}

/** The process id in a file; null if there is none. */
function pidIn(path: string): number | null {
  const pid = Number(read(path).trim() || NaN);
  return Number.isInteger(pid) && pid > 0 ? pid : null;
}

/** Name, state and user are all told of in one file (proc_pid_status(5)). */
function isKeepalived(pid: number): boolean {
  const status = read(`/proc/${pid}/status`);
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "";
  // Real and effective: a program that is root's by its file runs for whoever has started it.
  const users = field("Uid").split(/\s+/).slice(0, 2).map(Number);
  // Z and X: it has ended, and only its parent has not noticed.
  return field("Name").startsWith("keepalived") && !/^[ZX]/.test(field("State")) &&
    users.every((uid) => uid === 0 || uid === Deno.uid());
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
