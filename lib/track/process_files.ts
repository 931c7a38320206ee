/** Reading /proc (proc(5)). A process may end at any moment: what is no longer there is null. */

import { parseArguments, parseStat, type ProcessStat } from "./process_match.ts";

/**
 * Arguments lie in the memory of the process, which may be locked for as long as it hangs in a
 * driver: after so long they count as unreadable.
 */
const ARGUMENTS_WITHIN_MS = 1000;

/** The processes that this pid namespace shows. */
export class ProcessFiles {
  readonly #root: string;

  constructor(root = "/proc") {
    this.#root = root;
  }

  /**
   * All processes there are, threads excluded.
   * @throws {Error} If /proc cannot be read at all.
   */
  pids(): number[] {
    const pids: number[] = [];
    for (const { name } of Deno.readDirSync(this.#root)) {
      const pid = Number(name);
      if (Number.isInteger(pid) && pid > 0) pids.push(pid);
    }
    return pids;
  }

  /** Name, state and age. Synchronous: some 10 us, a third of what a promise costs, and it
   * never waits. */
  stat(pid: number): ProcessStat | null {
    try {
      return parseStat(Deno.readTextFileSync(`${this.#root}/${pid}/stat`));
    } catch {
      return null; // ENOENT, or ESRCH while it ends
    }
  }

  /** The words of its command line; null if they cannot be had. Never rejects. */
  async arguments(pid: number): Promise<readonly string[] | null> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), ARGUMENTS_WITHIN_MS);
    try {
      const { signal } = abort;
      return parseArguments(await Deno.readTextFile(`${this.#root}/${pid}/cmdline`, { signal }));
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  }
}
