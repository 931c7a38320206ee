/** Starting the guard of a hand-over, and being one. */

import { makeGuardChannel } from "../engine/handover_channel.ts";
import { type GuardSetup, runGuard } from "../engine/handover_guard.ts";
import { closeFd, currentImage, descriptorsOf, passOn } from "../engine/handover_exec.ts";
import type { EngineState } from "../engine/handover_state.ts";
import { ControlConnection } from "../net/control_socket.ts";
import { openNotifySocket } from "../net/sd_notify.ts";
import { GUARD_COMMAND, GUARD_READY, type HandoverAnswer } from "./handover_words.ts";
import type { Logger } from "./logger.ts";
import { asForNextImage } from "./process_options.ts";

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
 * until it is ready.
 * @param engine What it stands in for; null for nothing. @throws {Error} If it is not in time.
 */
export async function startGuard(
  version: string,
  inherited: readonly (number | null)[],
  engine: EngineState | null,
  setup: Omit<GuardSetup, "channel" | "pid">,
): Promise<StartedGuard> {
  const { ours, theirs } = makeGuardChannel();
  const { state, veto } = setup, adverts = engine === null ? [] : descriptorsOf(engine);
  const fds = [theirs, state, veto, ...inherited, ...adverts];
  const whole: GuardSetup = { ...setup, channel: theirs, pid: Deno.pid };
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
    child = asForNextImage(() => command.spawn());
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
  return runGuard(setup, {
    log,
    ready: () => void Deno.stdout.writeSync(new TextEncoder().encode(GUARD_READY)),
    succeeding: becomeMainProcess,
    answer: (asker, text) => {
      const answer: HandoverAnswer = { ok: false, text, pid: setup.pid, version: "unknown" };
      new ControlConnection(asker).send(answer);
    },
  });
}

/**
 * A service manager that lets others than the service's main process speak (NotifyAccess=all) goes
 * on with this one as the main process (sd_notify(3)); it is this one that feeds the watchdog.
 */
function becomeMainProcess(): void {
  const name = Deno.env.get("NOTIFY_SOCKET");
  if (name === undefined || name === "") return;
  if (Deno.env.has("WATCHDOG_PID")) Deno.env.set("WATCHDOG_PID", `${Deno.pid}`);
  const opened = openNotifySocket(name);
  if (!opened.ok) return;
  opened.value.send(`MAINPID=${Deno.pid}`);
  opened.value.close();
}
