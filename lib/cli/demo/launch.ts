/** This program, started once more. */

/** A program and its arguments. */
export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * How to start this program with other arguments. From source, Deno has to be told which module to
 * run; an executable made of the program is the program.
 *
 * @param module The program's own module: a file or a download when it runs from source.
 */
export function sameProgram(module: string, args: readonly string[]): CommandLine {
  const command = Deno.execPath();
  const packed = Deno.build.standalone || !/^(file|https?):/.test(module);
  return { command, args: packed ? args : ["run", "-A", module, ...args] };
}

/** Its environment: Deno by itself would look for its own updates on the network. */
export const ENVIRONMENT: Readonly<Record<string, string>> = { DENO_NO_UPDATE_CHECK: "1" };

/** Sends a signal to a child process; one that has ended already is left in peace. */
export function signalChild(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    // Deno says so when its child is gone; nothing else makes this a TypeError.
    if (!(error instanceof TypeError)) throw error;
  }
}

/** The demo cannot be given here: why, and what to do about it. */
export class Impossible extends Error {
  override readonly name = "Impossible";
  /** Each by itself is enough. */
  readonly remedies: readonly string[];

  constructor(why: string, remedies: readonly string[]) {
    super(why);
    this.remedies = remedies;
  }
}
