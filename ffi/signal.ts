/** Signals as readable descriptors, real-time ones included, which Deno cannot listen to. */

import { SA } from "./constants.ts";
import { ERRNO, must, SysError } from "./errno.ts";
import { closeFd } from "./fd.ts";
import { type Bytes, HOST_ORDER, SIGACTION, viewOf } from "./layout.ts";
import { libc } from "./libc.ts";
import { eventfd } from "./process.ts";
import { makeSignalHandler } from "./signal_handler.ts";

/** Signal numbers by name, as on x86-64 and aarch64 (asm-generic/signal.h); SIGRTMIN is glibc's. */
export const SIGNALS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
  SIGRTMIN: 34,
  SIGRTMAX: 64,
} as const;

/** What each caught signal did before, and the descriptor it raises now. */
const caught = new Map<number, { readonly previous: Bytes; readonly fd: number }>();

/** "SIGTERM" for 15, "SIGRTMIN+2" for 36, "signal 99" for what is none. */
export function signalName(signo: number): string {
  const { SIGRTMIN, SIGRTMAX } = SIGNALS;
  if (signo > SIGRTMIN && signo <= SIGRTMAX) return `SIGRTMIN+${signo - SIGRTMIN}`;
  const found = Object.entries(SIGNALS).find(([, number]) => number === signo);
  return found?.[0] ?? `signal ${signo}`;
}

/**
 * Catches a signal, whichever thread of the process it reaches, from now on also if JavaScript is
 * busy. Interrupted calls of other threads restart.
 *
 * @returns A descriptor: poll it, then `clearEvent` it. Signals that come before that are merged.
 * @throws {SysError} EBUSY if the signal is caught already; EINVAL if it cannot be caught.
 */
export function catchSignal(signo: number): number {
  const doing = `catch ${signalName(signo)}`;
  if (caught.has(signo)) throw new SysError("sigaction", ERRNO.EBUSY, doing, "caught already");
  forestallRuntime();
  const fd = eventfd();
  const action = new Uint8Array(SIGACTION.size), previous = new Uint8Array(SIGACTION.size);
  try {
    viewOf(action).setBigUint64(SIGACTION.at.sa_sigaction, makeSignalHandler(fd), HOST_ORDER);
    viewOf(action).setUint32(SIGACTION.at.sa_flags, SA.SIGINFO | SA.RESTART, HOST_ORDER);
    must("sigaction", libc.sigaction(signo, action, previous), doing);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  caught.set(signo, { previous, fd });
  return fd;
}

/** Gives a signal back what it did before and closes its descriptor. @throws {SysError} */
export function releaseSignal(signo: number): void {
  const found = caught.get(signo);
  if (found === undefined) return;
  const doing = `release ${signalName(signo)}`;
  must("sigaction", libc.sigaction(signo, found.previous, null), doing);
  caught.delete(signo);
  closeFd(found.fd);
}

let forestalled = false;

/**
 * Deno opens a debugger's port when SIGUSR1 comes, by a handler that it installs half a second after
 * the start (Deno 2.9.2), and with the first handler it installs it takes the signals that end a
 * process too, to end it in its own way. It installs each only once: asked now, it is done with it
 * and cannot replace those that `catchSignal` is about to install.
 */
function forestallRuntime(): void {
  if (forestalled) return;
  forestalled = true;
  Deno.addSignalListener("SIGUSR1", () => {});
}
