/** Starting the guard of a hand-over, and being one. */

import { type GuardSetup, runGuard } from "../engine/handover_guard.ts";
import {
  closeFd,
  currentImage,
  descriptorsOf,
  makeGuardChannel,
  passOn,
} from "../engine/handover_exec.ts";
import type { EngineState } from "../engine/handover_state.ts";
import { asForPrograms } from "../track/program.ts";
import { GUARD_COMMAND, GUARD_READY } from "./handover_words.ts";
import type { Logger } from "./logger.ts";

/** From the exec until the new image must have said that it is healthy. */
export const PATIENCE_MS = 10_000;

/** A guard is ready in a tenth of a second. */
const READY_MS = 10_000;

/** A guard that has been started. */
export interface StartedGuard {
  readonly pid: number;
  /** The daemon's end of the channel. */
  readonly channel: number;
}

/**
 * Starts a guard from the image that runs, which may have another file's name by now, and waits
 * until it is ready. @throws {Error} If it is not in time.
 */
export async function startGuard(
  version: string,
  inherited: readonly (number | null)[],
  engine: EngineState,
  setup: Pick<GuardSetup, "state" | "realtime">,
): Promise<StartedGuard> {
  const { ours, theirs } = makeGuardChannel();
  const fds = [theirs, setup.state, ...inherited, ...descriptorsOf(engine)];
  const whole: GuardSetup = {
    ...setup,
    channel: theirs,
    pid: Deno.pid,
    patienceMs: PATIENCE_MS,
  };
  const args = [...currentImage(version).prefix.slice(1), GUARD_COMMAND, JSON.stringify(whole)];
  passOn(fds, true);
  let child: Deno.ChildProcess;
  try {
    const command = new Deno.Command("/proc/self/exe", {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    });
    child = asForPrograms(() => command.spawn());
  } finally {
    passOn(fds, false);
    closeFd(theirs);
  }
  child.status.catch(() => {});
  if (await isReady(child)) return { pid: child.pid, channel: ours };
  closeFd(ours);
  throw new Error("the guard of the hand-over does not start");
}

async function isReady(child: Deno.ChildProcess): Promise<boolean> {
  const late = setTimeout(() => child.kill("SIGKILL"), READY_MS);
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  clearTimeout(late);
  return value !== undefined && new TextDecoder().decode(value) === GUARD_READY;
}

/** Is a guard. @returns The exit code. */
export function guardCommand(text: string, log: Logger): number {
  const setup = JSON.parse(text) as GuardSetup;
  return runGuard(setup, log, () => Deno.stdout.writeSync(new TextEncoder().encode(GUARD_READY)));
}
