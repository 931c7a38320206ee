/** Processes and threads: identity, scheduling, limits, replacement of the image, eventfd. */

import { EFD, MLOCK, PR, SCHED } from "./constants.ts";
import { ERRNO, must, SysError } from "./errno.ts";
import { readFd, writeFd } from "./fd.ts";
import { type Bytes, HOST_ORDER, RLIMIT_PAIR, viewOf } from "./layout.ts";
import { cString, libc } from "./libc.ts";

export { RLIMIT } from "./constants.ts";
export * from "./capabilities.ts";

/** pidfd_open (asm-generic/unistd.h): numbers from 424 on are the same on every architecture. */
const SYS_PIDFD_OPEN = 434n;

/** close_range (asm-generic/unistd.h), since Linux 5.9. */
const SYS_CLOSE_RANGE = 436n;

/** Set close-on-exec instead of closing (linux/close_range.h), since Linux 5.11. */
const CLOSE_RANGE_CLOEXEC = 4n;

/** mlock2 (asm/unistd_64.h; asm-generic/unistd.h), since Linux 4.4, by Deno.build.arch. */
const SYS_MLOCK2: Readonly<Record<string, bigint>> = { x86_64: 325n, aarch64: 284n };

/** waitpid returns at once (sys/wait.h). */
const WNOHANG = 1;

/** setpriority's `which` for one thread (sys/resource.h: PRIO_PROCESS). */
const PRIO_PROCESS = 0;

/** RLIM_INFINITY (sys/resource.h). */
const NO_LIMIT = 0xffff_ffff_ffff_ffffn;

/** Process id; all threads and workers share it. */
export function getPid(): number {
  return libc.getpid();
}

/** Id of the calling thread: the main thread's is the process id, a worker has its own. */
export function getTid(): number {
  return libc.gettid();
}

/**
 * Real-time round-robin scheduling for the calling thread. What it starts begins at normal priority.
 * @param priority 1 to 99, higher first; 0 returns to normal scheduling.
 * @throws {SysError} EPERM without CAP_SYS_NICE and beyond RLIMIT_RTPRIO.
 */
export function setRealtimePriority(priority: number): void {
  const policy = priority === 0 ? SCHED.OTHER : SCHED.RR | SCHED.RESET_ON_FORK;
  const doing = `take real-time priority ${priority}`;
  must("sched_setscheduler", libc.sched_setscheduler(0, policy, int(priority)), doing);
}

/** SCHED.* of the calling thread, without flags. @throws {SysError} */
export function schedulingPolicy(): number {
  const policy = libc.sched_getscheduler(0);
  return must("sched_getscheduler", policy, "read the scheduling policy") & ~SCHED.RESET_ON_FORK;
}

/**
 * Niceness of the calling thread: -20 (first) to 19.
 * @throws {SysError} EACCES without CAP_SYS_NICE when it would go down.
 */
export function setNiceness(niceness: number): void {
  const result = libc.setpriority(PRIO_PROCESS, 0, niceness);
  must("setpriority", result, `take niceness ${niceness}`);
}

/** Runs the calling thread on these processors only, numbered from 0. @throws {SysError} EINVAL if none exists. */
export function setAffinity(processors: readonly number[]): void {
  const mask = new Uint8Array(128); // cpu_set_t of glibc: 1024 bits (sched.h)
  for (const cpu of processors) mask[cpu >> 3] = (mask[cpu >> 3] ?? 0) | 1 << (cpu & 7);
  const result = libc.sched_setaffinity(0, BigInt(mask.length), mask);
  must("sched_setaffinity", result, `run on processors ${processors.join(", ")}`);
}

/**
 * Keeps pages of this range in memory, each from when it is first touched. Never for memory that V8
 * manages: it gives pages back by madvise(2), which fails for locked ones (EINVAL), and V8 then ends
 * the process.
 * @param start An address. @param length In bytes.
 * @throws {SysError} ENOMEM or EPERM beyond RLIMIT_MEMLOCK without CAP_IPC_LOCK; ENOSYS.
 */
export function lockTouched(start: bigint, length: bigint): void {
  const doing = `lock ${length} bytes of memory`, number = SYS_MLOCK2[Deno.build.arch];
  if (number === undefined) throw new SysError("mlock2", ERRNO.ENOSYS, doing);
  must("mlock2", libc.syscall(number, start, length, BigInt(MLOCK.ONFAULT), 0n), doing);
}

/**
 * Replaces the whole process, workers included: same pid, and every descriptor without close-on-exec
 * stays. Returns only by throwing.
 * @param argv Arguments, the program's own name first.
 * @param env Environment, nothing else is inherited.
 * @throws {SysError} ENOENT, EACCES, ENOEXEC and so on: nothing has changed then.
 */
export function replaceProcess(
  path: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): never {
  const args = cStrings(argv);
  const variables = cStrings(Object.entries(env).map(([name, value]) => `${name}=${value}`));
  const result = libc.execve(cString(path), args.pointers, variables.pointers);
  must("execve", result, `replace this process by "${path}"`);
  throw new TypeError("Cannot go on after execve: it does not return"); // the compiler cannot know
}

/** Sends a signal. Signal 0 only looks whether the process is there. @throws {SysError} ESRCH, EPERM */
export function kill(pid: number, signo: number): void {
  must("kill", libc.kill(pid, signo), `send signal ${signo} to process ${pid}`);
}

/**
 * Takes away a child that has ended, so that it is no zombie any more. Not for children that Deno
 * started: it waits for those itself.
 * @returns Whether it had ended. @throws {SysError} ECHILD if it is no child, or is taken away already.
 */
export function reapChild(pid: number): boolean {
  return must("waitpid", libc.waitpid(pid, null, WNOHANG), `reap process ${pid}`) !== 0;
}

/**
 * A descriptor that becomes readable (POLL.IN) when the process ends. Close-on-exec; Linux 5.3.
 * @throws {SysError} ESRCH if there is no such process; ENOSYS on older kernels.
 */
export function pidfdOpen(pid: number): number {
  const result = libc.syscall(SYS_PIDFD_OPEN, BigInt(pid), 0n, 0n, 0n);
  return must("pidfd_open", result, `watch process ${pid}`);
}

/**
 * Marks every open descriptor from `first` on as close-on-exec.
 * @throws {SysError} ENOSYS before Linux 5.9, EINVAL before 5.11.
 */
export function closeOnExecFrom(first: number): void {
  const last = 0xffff_ffffn; // unsigned int, ~0U
  const result = libc.syscall(SYS_CLOSE_RANGE, BigInt(first), last, CLOSE_RANGE_CLOEXEC, 0n);
  must("close_range", result, `close descriptors from ${first} on exec`);
}

/** A nonblocking close-on-exec descriptor that threads wake each other with. @throws {SysError} */
export function eventfd(): number {
  return must("eventfd", libc.eventfd(0, EFD.NONBLOCK | EFD.CLOEXEC), "open an eventfd");
}

/** Makes an eventfd readable. @throws {SysError} */
export function raiseEvent(fd: number): void {
  const one = new Uint8Array(8);
  one[0] = 1;
  writeFd(fd, one);
}

/** Makes an eventfd quiet again. @returns Whether it had been raised. @throws {SysError} */
export function clearEvent(fd: number): boolean {
  return readFd(fd, new Uint8Array(8)) !== null;
}

/** Names the calling thread for ps and top; Linux keeps 15 bytes. @throws {SysError} */
export function setThreadName(name: string): void {
  const text = offHeap(cString(name));
  must("prctl(PR_SET_NAME)", prctl(PR.SET_NAME, address(text)), `name a thread "${name}"`);
}

/** Signal that this process gets when the thread that started it ends; 0 for none. @throws {SysError} */
export function setDeathSignal(signo: number): void {
  const result = prctl(PR.SET_PDEATHSIG, BigInt(signo));
  must("prctl(PR_SET_PDEATHSIG)", result, `ask for signal ${signo} when the parent ends`);
}

/**
 * Limits a resource of the process.
 * @param resource RLIMIT.*. RLIMIT.RTTIME is in microseconds of CPU between two blocking calls.
 * @param soft The limit in force; null is no limit. @param hard What soft may be raised to.
 * @throws {SysError} EPERM if `hard` goes up without CAP_SYS_RESOURCE.
 */
export function setRlimit(resource: number, soft: number | null, hard = soft): void {
  const pair = new Uint8Array(RLIMIT_PAIR.size), view = viewOf(pair);
  const write = (at: number, limit: number | null) =>
    view.setBigUint64(at, limit === null ? NO_LIMIT : BigInt(limit), HOST_ORDER);
  write(RLIMIT_PAIR.at.rlim_cur, soft);
  write(RLIMIT_PAIR.at.rlim_max, hard);
  must("setrlimit", libc.setrlimit(resource, pair), `limit resource ${resource}`);
}

/** Limits of a resource; null is no limit. @throws {SysError} */
export function getRlimit(resource: number): { soft: number | null; hard: number | null } {
  const pair = new Uint8Array(RLIMIT_PAIR.size), view = viewOf(pair);
  must("getrlimit", libc.getrlimit(resource, pair), `read the limit of resource ${resource}`);
  const read = (at: number) => {
    const limit = view.getBigUint64(at, HOST_ORDER);
    return limit === NO_LIMIT ? null : Number(limit);
  };
  return { soft: read(RLIMIT_PAIR.at.rlim_cur), hard: read(RLIMIT_PAIR.at.rlim_max) };
}

function prctl(command: number, argument: bigint): number {
  return libc.prctl(command, argument, 0n, 0n, 0n);
}

/** char *[] that ends with a null pointer; `texts` must live as long as `pointers` is used. */
function cStrings(texts: readonly string[]): { pointers: Bytes; texts: readonly Bytes[] } {
  const held = texts.map((text) => offHeap(cString(text)));
  const pointers = new Uint8Array((held.length + 1) * 8), view = viewOf(pointers);
  for (const [index, text] of held.entries()) {
    view.setBigUint64(index * 8, address(text), HOST_ORDER);
  }
  return { pointers, texts: held };
}

/** A copy that the garbage collector never moves: its address stays right. */
function offHeap(bytes: Bytes): Bytes {
  const copy = new Uint8Array(new ArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

function address(bytes: Bytes): bigint {
  return BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
}

function int(value: number): Bytes {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setInt32(0, value, HOST_ORDER);
  return bytes;
}
