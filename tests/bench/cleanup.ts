/** What must not outlive the benchmark, however it ends: processes and temporary files. */

import { SysError } from "../../ffi/errno.ts";
import { kill } from "../../ffi/process.ts";

type Undo = () => void;

/** SIGKILL of signal(7), the same everywhere. */
const SIGKILL = 9;

const pending = new Set<Undo>();
const INTERRUPTED: readonly (readonly [Deno.Signal, number])[] = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
];

/**
 * Promises that `undo` will run: when the returned function is called, or when the program ends
 * before that. It runs once.
 */
export function owe(undo: Undo): Undo {
  const once = () => {
    if (pending.delete(once)) undo();
  };
  pending.add(once);
  return once;
}

/** Pays everything that is still owed, the latest first. */
export function cleanUp(): void {
  for (const undo of [...pending].reverse()) undo();
}

/** From here on Ctrl-C and its like clean up before they end the program. */
export function cleanUpOnSignals(): void {
  for (const [signal, code] of INTERRUPTED) {
    Deno.addSignalListener(signal, () => {
      cleanUp();
      Deno.exit(code);
    });
  }
}

/** Kills a process, unless it has ended by itself. */
export function killIfThere(pid: number): void {
  try {
    kill(pid, SIGKILL);
  } catch (error) {
    if (!(error instanceof SysError) || error.code !== "ESRCH") throw error;
  }
}

let scratch: string | null = null;

/** A directory for this run's files, made at the first call. */
export function scratchDirectory(): string {
  if (scratch === null) {
    const made = Deno.makeTempDirSync({ prefix: "vigie-bench-" });
    owe(() => Deno.removeSync(made, { recursive: true }));
    scratch = made;
  }
  return scratch;
}
