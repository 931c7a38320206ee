/** From one image of the daemon to another: what is left open, where the state lies, and the exec. */

import { blockSignals, makeMemoryFile, unblockSignals } from "../../ffi/exec.ts";
import { closeFd, isOpen, openFd, setCloseOnExec } from "../../ffi/fd.ts";
import { reapChild, replaceProcess } from "../../ffi/process.ts";
import { SIGNALS } from "../../ffi/signal.ts";
import { SysError } from "../../ffi/errno.ts";
import {
  encodeState,
  type EngineState,
  type HandoverState,
  type Image,
  type Replaced,
  STATE_FORMAT,
} from "./handover_state.ts";

export { closeFd } from "../../ffi/fd.ts";

/** Tells a new image the descriptor of the state. */
export const HANDOVER_VARIABLE = "VIGIE_HANDOVER";

/** What /proc/self/exe says of a file that another has replaced (proc_pid_exe(5)). */
const DELETED = " (deleted)";

/**
 * Signals that must wait while there is nobody to take them, by number: those that the engine
 * catches (CAUGHT_SIGNALS); what is caught is set to its default by an exec (execve(2)).
 */
const HELD: readonly number[] = [
  SIGNALS.SIGTERM,
  SIGNALS.SIGINT,
  SIGNALS.SIGHUP,
  SIGNALS.SIGUSR1,
  SIGNALS.SIGUSR2,
  SIGNALS.SIGRTMIN + 2,
  SIGNALS.SIGRTMIN + 3,
  SIGNALS.SIGRTMAX - 1,
];

/** A place for the state. @throws {SysError} */
export function makeStateFile(): number {
  return makeMemoryFile("vigie-handover");
}

/** What is in it. */
export function readState(fd: number): string {
  return Deno.readTextFileSync(`/proc/self/fd/${fd}`);
}

/** Replaces what is in it. */
export function writeState(fd: number, state: HandoverState): void {
  Deno.writeTextFileSync(`/proc/self/fd/${fd}`, encodeState(state));
}

/** Whether descriptors go on to children and the next image. Those that are closed are left out. */
export function passOn(fds: readonly (number | null)[], on: boolean): void {
  for (const fd of fds) if (fd !== null && isOpen(fd)) setCloseOnExec(fd, !on);
}

/** What must stay open for the next image. */
function passedOn(state: HandoverState): (number | null)[] {
  const { claim: _, ...frame } = state.descriptors;
  return [...Object.values(frame), ...state.anew ? [] : ownDescriptors(state)];
}

/** What an image that begins anew claims and opens by itself; of another version's nothing is known. */
function ownDescriptors({ format, descriptors, engine }: HandoverState): (number | null)[] {
  return format === STATE_FORMAT ? [descriptors.claim, ...descriptorsOf(engine)] : [];
}

/** Closes descriptors, but for those that are closed already. */
export function closeAll(fds: readonly (number | null)[]): void {
  for (const fd of fds) if (fd !== null && isOpen(fd)) closeFd(fd);
}

/** The descriptors that an engine's state speaks of. */
export function descriptorsOf({ sockets, signals }: EngineState): number[] {
  return [...sockets, ...signals].map(({ fd }) => fd);
}

/** The image that runs. `prefix`: what comes before the arguments that vigie sees as its own. */
export function currentImage(version: string): Image & { readonly prefix: readonly string[] } {
  const argv = Deno.readTextFileSync("/proc/self/cmdline").split("\0").slice(0, -1);
  const prefix = argv.slice(0, argv.length - Deno.args.length);
  return { path: executablePath(), argv, version, prefix };
}

/** The file that this process runs; what has its name now, if it was replaced. */
export function executablePath(): string {
  const path = Deno.readLinkSync("/proc/self/exe");
  return path.endsWith(DELETED) ? path.slice(0, -DELETED.length) : path;
}

/**
 * The file that people know this program by, to be copied or replaced: of a portable one, the file
 * that has unpacked it (lib/build/portable_stub.sh), else what runs.
 */
export function programFile(
  environment: { get(name: string): string | undefined } = Deno.env,
): string {
  const own = executablePath();
  const home = environment.get("VIGIE_HOME"), carrier = environment.get("VIGIE_EXE");
  return home && carrier && own.startsWith(`${home}/`) ? carrier : own;
}

/** A descriptor of the file that this process runs, whatever becomes of its name. @throws {SysError} */
export function openExecutable(): number {
  return openFd("/proc/self/exe");
}

/**
 * Becomes another image that goes on with the state, which is written already. Signals wait from now
 * on until the next engine takes them.
 * @returns Only by throwing: nothing has changed then, and signals come through again.
 */
export function becomeImage({ path, argv }: Image, state: HandoverState): never {
  const fds = passedOn(state);
  // An image that has just been given them has not made them its own yet.
  if (state.anew) passOn(ownDescriptors(state), false);
  passOn(fds, true);
  const variable = String(state.descriptors.state);
  const env = { ...Deno.env.toObject(), [HANDOVER_VARIABLE]: variable };
  blockSignals(HELD);
  try {
    replaceProcess(path, argv, env);
  } catch (error) {
    letSignalsThrough();
    passOn(fds, false);
    throw error;
  }
}

/** Becomes another image that knows nothing. @returns Only by throwing. */
export function startAnew({ path, argv }: Image): never {
  const { [HANDOVER_VARIABLE]: _, ...env } = Deno.env.toObject();
  replaceProcess(path, argv, env);
}

/** The calling thread may be interrupted by signals again. */
export function letSignalsThrough(): void {
  unblockSignals(HELD);
}

/** The descriptor of the state that another image has left; null on an ordinary start. */
export function takeStateDescriptor(): number | null {
  const text = Deno.env.get(HANDOVER_VARIABLE);
  if (text === undefined) return null;
  Deno.env.delete(HANDOVER_VARIABLE);
  const fd = Number(text);
  return Number.isInteger(fd) && fd > 2 && isOpen(fd) ? fd : null;
}

/** Takes away a guard that has ended. @returns Whether there is nothing left of it. */
export function reapGuard(pid: number): boolean {
  try {
    return reapChild(pid);
  } catch (error) {
    if (error instanceof SysError) return true;
    throw error;
  }
}

/** Gives a replaced executable its name back. @returns What went wrong, in words; null if nothing. */
export function putBack(replaced: Replaced | null): string | null {
  if (replaced === null) return null;
  try {
    Deno.renameSync(replaced.kept, replaced.file);
    return null;
  } catch (error) {
    // Somebody else was faster: `vigie upgrade` itself, or the guard.
    if (error instanceof Deno.errors.NotFound) return null;
    return `Cannot put ${replaced.kept} back as ${replaced.file}: ${(error as Error).message}`;
  }
}
