/** Runs a program, without a shell, in time: what runs too long is ended with all that it started. */

import type { UserName } from "../core/probe_spec.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { Micros } from "../core/time.ts";
import { type Account, ownIds, scriptAccount } from "./accounts.ts";
import { DEFAULT_PATH, headOf, locate } from "./executable.ts";
import { codeOf, inWords } from "./words.ts";

/** What to run. */
export interface ProgramRequest {
  /** The program and its arguments. */
  readonly words: readonly string[];
  /** Who runs it; null for the default of `scriptAccount`. */
  readonly user: UserName | null;
  /** How long it may take; null for as long as it likes. */
  readonly timeoutUs: Micros | null;
  /** Ends it before. */
  readonly signal?: AbortSignal;
  /** After those of `words`. */
  readonly extraArgs?: readonly string[];
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How it went. */
export type Outcome =
  | { readonly kind: "exited"; readonly status: number }
  /** By a signal that was not vigie's: "SIGSEGV". */
  | { readonly kind: "killed"; readonly signal: string }
  | { readonly kind: "timed out" }
  /** By the caller's signal or `stopAll`. */
  | { readonly kind: "aborted" }
  /** Nothing has run. */
  | { readonly kind: "could not start"; readonly why: string };

/** A program that runs or has run. Neither promise rejects. */
export interface RunningProgram {
  /** Settles when the program ends, and at once at a timeout or an abort. */
  readonly outcome: Promise<Outcome>;
  /** Settles when the program has been reaped and, if it had to be ended, so has its process group. */
  readonly gone: Promise<void>;
  /** Ends it. */
  readonly stop: () => void;
}

/** SIGTERM, then so long until SIGKILL: keepalived's, for scripts that time out. */
const GRACE_MS = 2000;

/** How often is looked whether a process group that was asked to end has done so. */
const LOOK_MS = 20;

/** The longest that setTimeout takes; beyond it fires at once. */
const MAX_TIMER_MS = 0x7fff_ffff;

/**
 * Not for children: what lets others into a program that runs as another user (as keepalived), what
 * is for this runtime alone, and what a service manager means for the daemon itself (sd_notify(3),
 * sd_listen_fds(3), sd_watchdog_enabled(3)): descriptors and sockets that children do not have.
 */
const NOT_INHERITED =
  /^(IFS|LD_.*|DENO_.*|NODE_CHANNEL_.*|NOTIFY_SOCKET|LISTEN_(FDS|PID|FDNAMES|PIDFDID)|WATCHDOG_(USEC|PID)|JOURNAL_STREAM)$/;

const running = new Set<RunningProgram>();

/** Wraps the start of each program. */
let guard: <T>(start: () => T) => T = (start) => start();

/** From now on every program is started inside of this, which can put aside what is not for it. */
export function guardStarts(wrap: <T>(start: () => T) => T): void {
  guard = wrap;
}

/** Does something with what is not for programs put aside: for what starts processes by itself. */
export function asForPrograms<T>(start: () => T): T {
  return guard(start);
}

/** Runs a program to its end, or to its timeout: then the outcome is known at once. Never rejects. */
export function runProgram(request: ProgramRequest): Promise<Outcome> {
  return startProgram(request).outcome;
}

/**
 * Starts a program in a session and process group of its own, in the root folder, with /dev/null for
 * standard input, output and error. It is not waited for what it leaves in the background.
 */
export function startProgram(request: ProgramRequest): RunningProgram {
  if (request.signal?.aborted) return ended({ kind: "aborted" });
  const child = spawn(request);
  if (!child.ok) return ended({ kind: "could not start", why: child.error });
  const program = follow(child.value, request);
  running.add(program);
  program.gone.then(() => running.delete(program));
  return program;
}

/** Waits until every program has ended and been reaped. */
export async function settleAll(): Promise<void> {
  while (running.size > 0) await Promise.all([...running].map(({ gone }) => gone));
}

/** Ends every program that still runs, and waits until all are reaped: 2 s and a little at the most. */
export async function stopAll(): Promise<void> {
  for (const { stop } of running) stop();
  await settleAll();
}

/** How a program ended, in words: "exited with status 1". */
export function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case "exited": {
      const meaning = outcome.status === 126 ? ": not executable" : ": command not found";
      return `exited with status ${outcome.status}${couldNotRun(outcome) ? meaning : ""}`;
    }
    case "killed":
      return `killed by ${outcome.signal}`;
    case "could not start":
      return `could not start: ${outcome.why}`;
    default:
      return outcome.kind;
  }
}

/** Whether the program did not get to do its work: 126 and 127 are what shells and env(1) say then. */
export function couldNotRun(outcome: Outcome): boolean {
  if (outcome.kind === "exited") return outcome.status === 126 || outcome.status === 127;
  return outcome.kind === "killed" || outcome.kind === "could not start";
}

function ended(outcome: Outcome): RunningProgram {
  return { outcome: Promise.resolve(outcome), gone: Promise.resolve(), stop() {} };
}

function spawn(request: ProgramRequest): Result<Deno.ChildProcess, string> {
  const account = scriptAccount(request.user, false);
  if (!account.ok) return account;
  const env = environment(account.value, request.env);
  const [command = "", ...args] = request.words;
  const file = locate(command, env.PATH, account.value);
  if (file === null) return err(`no program "${command}" in ${env.PATH}`);
  // Without this the C library would hand the file to /bin/sh, which nobody asked for (execvp(3)).
  if (headOf(file).kind === "other") return err("neither a #! line nor machine code");
  try {
    const program = new Deno.Command(file, {
      args: [...args, ...request.extraArgs ?? []],
      cwd: "/",
      clearEnv: true,
      env,
      ...identity(account.value),
      detached: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    return ok(guard(() => program.spawn()));
  } catch (error) {
    return err(reason(error, file, account.value));
  }
}

/** Nothing for who we are already: changing to that would still take a privilege. */
function identity({ uid, gid }: Account): { uid?: number; gid?: number } {
  const own = ownIds();
  return uid === own.uid && gid === own.gid ? {} : { uid, gid };
}

function environment(
  { uid, name, home }: Account,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const inherited = Object.entries(Deno.env.toObject()).filter(([key]) => !NOT_INHERITED.test(key));
  const user: Record<string, string> = uid === ownIds().uid || name === null || home === null
    ? {}
    : { HOME: home, USER: name, LOGNAME: name };
  return { PATH: DEFAULT_PATH, ...Object.fromEntries(inherited), ...user, ...more };
}

/** Why a program does not start. ENOENT is about its interpreter if the file itself is there. */
function reason(error: unknown, file: string, account: Account): string {
  const head = headOf(file);
  if (codeOf(error) === "ENOENT" && head.kind === "script") {
    return `its interpreter "${head.interpreter.replace("\r", "\\r")}" does not exist`;
  }
  if (codeOf(error) === "EPERM") return `not permitted to become user ${account.uid}`;
  return inWords(error);
}

function follow(
  child: Deno.ChildProcess,
  { timeoutUs, signal }: Pick<ProgramRequest, "timeoutUs" | "signal">,
): RunningProgram {
  const { promise: outcome, resolve } = Promise.withResolvers<Outcome>();
  let ending: Promise<void> | null = null;
  const end = (outcome: Outcome) => {
    resolve(outcome);
    ending ??= endGroup(child.pid);
  };
  const stop = () => end({ kind: "aborted" });
  const timeoutMs = timeoutUs === null ? MAX_TIMER_MS : Math.min(timeoutUs / 1000, MAX_TIMER_MS);
  const timer = timeoutUs === null
    ? undefined
    : setTimeout(() => end({ kind: "timed out" }), timeoutMs);
  signal?.addEventListener("abort", stop);
  const gone = child.status.then((status) => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    resolve(
      status.signal === null
        ? { kind: "exited", status: status.code }
        : { kind: "killed", signal: status.signal },
    );
    return ending ?? undefined;
  });
  return { outcome, gone, stop };
}

/**
 * Ends a process group. It is left alone once it is seen to be empty, for then its number is free
 * for others. What has made a process group or session of its own escapes.
 */
async function endGroup(leader: number): Promise<void> {
  signalGroup(leader, "SIGTERM");
  const killAt = performance.now() + GRACE_MS;
  while (performance.now() < killAt) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (!signalGroup(leader, 0)) return;
  }
  signalGroup(leader, "SIGKILL");
}

/** Signal 0 only looks. @returns Whether there is anything of the group. */
function signalGroup(leader: number, signal: Deno.Signal | 0): boolean {
  try {
    // Deno passes numbers on as they are, but its type has only signals that do something.
    Deno.kill(-leader, signal as Deno.Signal);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}
