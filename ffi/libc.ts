/**
 * The one place that opens libc. Each entry carries the C types as a comment. Widths follow the
 * LP64 model of x86-64 and aarch64: int is i32, long, size_t and ssize_t have 64 bits.
 *
 * All calls are synchronous: errno belongs to the calling thread and a `nonblocking` call runs on
 * another one. Variadic functions (open, fcntl, ioctl, prctl, syscall) are bound with a fixed
 * number of parameters: on both architectures these travel in the same registers.
 */

const SYMBOLS = {
  __errno_location: { parameters: [], result: "pointer" }, // int *

  // Descriptors
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" }, // const char *, int, mode_t
  close: { parameters: ["i32"], result: "i32" }, // int
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" }, // int, void *, size_t
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" }, // int, const void *, size_t
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" }, // int, int, int
  mkfifo: { parameters: ["buffer", "u32"], result: "i32" }, // const char *, mode_t
  fchown: { parameters: ["i32", "u32", "u32"], result: "i32" }, // int, uid_t, gid_t
  eventfd: { parameters: ["u32", "i32"], result: "i32" }, // unsigned, int
  timerfd_create: { parameters: ["i32", "i32"], result: "i32" }, // clockid_t, int
  timerfd_settime: { parameters: ["i32", "i32", "buffer", "buffer"], result: "i32" }, // int, int, const struct itimerspec *, struct itimerspec *
  pollElsewhere: {
    name: "poll",
    parameters: ["buffer", "usize", "i32"],
    result: "i32",
    nonblocking: true, // on a thread of the runtime: errno is lost
  }, // struct pollfd *, nfds_t, int
  ppoll: { parameters: ["buffer", "usize", "buffer", "buffer"], result: "i32" }, // struct pollfd *, nfds_t, const struct timespec *, const sigset_t *

  // Sockets
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" }, // int, int, int
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" }, // int, int, int, int[2]
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" }, // int, const struct sockaddr *, socklen_t
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" }, // int, struct sockaddr *, socklen_t *, int
  listen: { parameters: ["i32", "i32"], result: "i32" }, // int, int
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" }, // int, const struct sockaddr *, socklen_t
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" }, // int, struct sockaddr *, socklen_t *
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" }, // int, int, int, const void *, socklen_t
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" }, // int, int, int, void *, socklen_t *
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" }, // int, const void *, size_t, int, const struct sockaddr *, socklen_t
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" }, // int, void *, size_t, int
  sendmsg: { parameters: ["i32", "buffer", "i32"], result: "isize" }, // int, const struct msghdr *, int
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "isize" }, // int, struct msghdr *, int
  ioctl: { parameters: ["i32", "usize", "buffer"], result: "i32" }, // int, unsigned long, void *

  // Time
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" }, // clockid_t, struct timespec *

  // Processes and threads
  getpid: { parameters: [], result: "i32" }, // pid_t
  adjtimex: { parameters: ["buffer"], result: "i32" }, // struct timex *
  gettid: { parameters: [], result: "i32" }, // pid_t; glibc 2.30
  kill: { parameters: ["i32", "i32"], result: "i32" }, // pid_t, int
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" }, // pid_t, int *, int
  execve: { parameters: ["buffer", "buffer", "buffer"], result: "i32" }, // const char *, char *const[], char *const[]
  prctl: { parameters: ["i32", "usize", "usize", "usize", "usize"], result: "i32" }, // int, unsigned long x 4
  sched_setscheduler: { parameters: ["i32", "i32", "buffer"], result: "i32" }, // pid_t, int, const struct sched_param *
  sched_getscheduler: { parameters: ["i32"], result: "i32" }, // pid_t
  sched_setaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" }, // pid_t, size_t, const cpu_set_t *
  setpriority: { parameters: ["i32", "u32", "i32"], result: "i32" }, // int, id_t, int
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" }, // int, const struct rlimit *
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" }, // int, struct rlimit *
  capget: { parameters: ["buffer", "buffer"], result: "i32" }, // cap_user_header_t, cap_user_data_t
  unshare: { parameters: ["i32"], result: "i32" }, // int
  setns: { parameters: ["i32", "i32"], result: "i32" }, // int, int
  syscall: { parameters: ["isize", "isize", "isize", "isize", "isize"], result: "isize" }, // long, long x 4

  // Memory
  mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "isize"], result: "pointer" }, // void *, size_t, int, int, int, off_t
  mprotect: { parameters: ["pointer", "usize", "i32"], result: "i32" }, // void *, size_t, int

  // Signals
  pthread_sigmask: { parameters: ["i32", "buffer", "buffer"], result: "i32" }, // int, const sigset_t *, sigset_t *
  sigaction: { parameters: ["i32", "buffer", "buffer"], result: "i32" }, // int, const struct sigaction *, struct sigaction *
} as const satisfies Deno.ForeignLibraryInterface;

const LINKER_SYMBOLS = {
  dlsym: { parameters: ["pointer", "buffer"], result: "pointer" }, // void *, const char *
} as const satisfies Deno.ForeignLibraryInterface;

/** glibc first: `deno` itself is linked to it. musl's names follow for a host that has only those. */
const LIBC_NAMES = [
  "libc.so.6",
  `libc.musl-${Deno.build.arch}.so.1`,
  `ld-musl-${Deno.build.arch}.so.1`,
  "libc.so",
];

/** dlsym lives in libc since glibc 2.34 and always in musl; before that in libdl. */
const LINKER_NAMES = [...LIBC_NAMES, "libdl.so.2"];

/** The bound functions of libc. Callers read errno by `must()` in the statement of the call. */
export const libc = openFirst(LIBC_NAMES, SYMBOLS);

/**
 * Address of a function of libc, for the few that are handed to the kernel instead of called.
 * @throws {TypeError} If no loaded library defines it.
 */
export function symbolAddress(name: string): bigint {
  const pointer = openFirst(LINKER_NAMES, LINKER_SYMBOLS).dlsym(null, cString(name));
  if (pointer === null) throw new TypeError(`Cannot find the C function "${name}"`);
  return Deno.UnsafePointer.value(pointer);
}

/**
 * Text as C wants it: UTF-8 and a final zero byte.
 * @throws {TypeError} If the text holds a zero character, which C would take for its end.
 */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) {
    throw new TypeError(`Cannot pass ${JSON.stringify(text)} to C: it holds a zero character`);
  }
  return new TextEncoder().encode(`${text}\0`);
}

function openFirst<const S extends Deno.ForeignLibraryInterface>(
  names: readonly string[],
  symbols: S,
): Deno.DynamicLibrary<S>["symbols"] {
  const failures: string[] = [];
  for (const name of names) {
    try {
      return Deno.dlopen(name, symbols).symbols;
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(`Cannot open the C library: ${failures.join("; ")}`);
}
