/** A process to be killed, under a name that nothing else on the machine has. */

import { join } from "node:path";
import { killIfThere, owe, scratchDirectory } from "./cleanup.ts";
import { CannotMeasure } from "./daemon.ts";
import { installed } from "./installed.ts";
import { lineReader } from "./lines.ts";

/** What the kernel keeps of a name is 15 characters (proc_pid_comm(5)). */
export const VICTIM_NAME = `vigieb${Deno.pid}`.slice(0, 15);

/**
 * The shell takes the dead process away at once, as an init would: until then pgrep(1) still
 * finds it, and this process is often busy with reading packets.
 */
const KEEPER = '"$0" 100000 & echo $!; wait';

/** The running process. */
export class Victim {
  readonly #keeper: Deno.ChildProcess;
  readonly #ended: () => void;

  private constructor(keeper: Deno.ChildProcess, pid: number) {
    this.#keeper = keeper;
    this.#ended = owe(() => killIfThere(pid));
  }

  /** Starts one. @throws {CannotMeasure} Without sleep(1) to make it of. */
  static async start(): Promise<Victim> {
    const keeper = new Deno.Command("/bin/sh", {
      args: ["-c", KEEPER, program()],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const pid = Number(await lineReader(keeper.stdout)());
    if (!(pid > 0)) throw new CannotMeasure("the process to be killed did not start");
    return new Victim(keeper, pid);
  }

  /** Kills it. It is gone when this returns, or a moment later. */
  die(): void {
    this.#ended();
  }

  /** Kills it unless that has been done, and waits until it is gone. */
  async end(): Promise<void> {
    this.#ended();
    await this.#keeper.status;
  }
}

let made: string | null = null;

/** A copy of sleep(1) under the victim's name, made at the first call. */
function program(): string {
  if (made !== null) return made;
  const sleep = installed("sleep");
  if (sleep === null) throw new CannotMeasure("sleep(1) is not installed");
  const path = join(scratchDirectory(), VICTIM_NAME);
  Deno.copyFileSync(sleep, path);
  Deno.chmodSync(path, 0o755);
  return made = path;
}
