/** What a process needs that replaces its own image: a file in memory, signals held back, accept. */

import { O } from "./constants.ts";
import { ERRNO, lastErrno, must, SysError } from "./errno.ts";
import { openFd } from "./fd.ts";
import { type Bytes, HOST_ORDER, POLLFD, UCRED, viewOf } from "./layout.ts";
import { cString, libc } from "./libc.ts";
import { AF, POLL, SO, SOCK, SOL } from "./constants.ts";

/** memfd_create (asm/unistd_64.h; asm-generic/unistd.h), by Deno.build.arch. */
const SYS_MEMFD_CREATE: Readonly<Record<string, bigint>> = { x86_64: 319n, aarch64: 279n };

/** MFD_* (linux/memfd.h). NOEXEC_SEAL: no program, and never will be; Linux 6.3. */
const MFD = { CLOEXEC: 1n, NOEXEC_SEAL: 8n } as const;

/**
 * What a memory file is asked for with, in this order: under vm.memfd_noexec 2 (Linux 6.3,
 * admin-guide/sysctl/vm.rst) nobody gets one that could be a program, and older kernels do not know
 * the word for one that cannot (EINVAL).
 */
const MEMFD_FLAGS = [MFD.CLOEXEC | MFD.NOEXEC_SEAL, MFD.CLOEXEC] as const;

/** Old kernels say ENOSYS, old container runtimes EPERM, policies EACCES: there are none. */
const NO_MEMFD: readonly number[] = [ERRNO.ENOSYS, ERRNO.EPERM, ERRNO.EACCES];

/** Where a file without a name is made if the kernel has no memfd. */
const FALLBACK_FOLDERS = ["/run", "/tmp", "/dev/shm"];

/** SIG_BLOCK and SIG_UNBLOCK (asm-generic/signal-defs.h). */
const SIG = { BLOCK: 0, UNBLOCK: 1 } as const;

/** sigset_t of glibc: 1024 bits (bits/types/__sigset_t.h); musl's is as long. */
const SIGSET_BYTES = 128;

/**
 * A file that is nowhere but in memory; close-on-exec. `/proc/self/fd/N` opens it anew, with a
 * position of its own. Where there is no memfd, a file is made and its name removed at once.
 * @param name For `ls -l /proc/PID/fd`. @throws {SysError}
 */
export function makeMemoryFile(name: string): number {
  return createMemfd(name) ?? makeUnlinkedFile(name);
}

function createMemfd(name: string): number | null {
  const number = SYS_MEMFD_CREATE[Deno.build.arch];
  if (number === undefined) return null;
  const text = new Uint8Array(new ArrayBuffer(256));
  text.set(cString(name).subarray(0, 240));
  const address = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(text)));
  let errno = 0;
  for (const flags of MEMFD_FLAGS) {
    const fd = Number(libc.syscall(number, address, flags, 0n, 0n));
    if (fd >= 0) return fd;
    errno = lastErrno();
    if (errno !== ERRNO.EINVAL) break;
  }
  if (NO_MEMFD.includes(errno)) return null;
  throw new SysError("memfd_create", errno, "make a file in memory");
}

function makeUnlinkedFile(name: string): number {
  let failure: unknown;
  for (const folder of FALLBACK_FOLDERS) {
    const path = `${folder}/.${name}-${crypto.randomUUID()}`;
    try {
      const fd = openFd(path, O.RDWR | O.CREAT | O.EXCL, 0o600);
      Deno.removeSync(path);
      return fd;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Holds signals back from the calling thread, over an exec too: they wait. @throws {SysError} */
export function blockSignals(signals: readonly number[]): void {
  changeMask(SIG.BLOCK, signals, "hold signals back");
}

/** Lets the calling thread have them, those that wait among them. @throws {SysError} */
export function unblockSignals(signals: readonly number[]): void {
  changeMask(SIG.UNBLOCK, signals, "let signals through");
}

function changeMask(how: number, signals: readonly number[], doing: string): void {
  const set = new Uint8Array(SIGSET_BYTES);
  for (const signo of signals) {
    const bit = signo - 1;
    set[bit >> 3] = (set[bit >> 3] ?? 0) | 1 << (bit & 7);
  }
  // Returns the error instead of setting errno (pthread_sigmask(3)).
  const error = libc.pthread_sigmask(how, set, null);
  if (error !== 0) throw new SysError("pthread_sigmask", error, doing);
}

/**
 * Takes one waiting connection, close-on-exec and nonblocking.
 * @returns Null if none is waiting. @throws {SysError}
 */
export function acceptConnection(fd: number): number | null {
  const connection = libc.accept4(fd, null, null, SOCK.CLOEXEC | SOCK.NONBLOCK);
  if (connection < 0 && [ERRNO.EAGAIN, ERRNO.EINTR, ERRNO.ECONNABORTED].includes(lastErrno())) {
    return null;
  }
  return must("accept4", connection, "accept a connection");
}

/** Listens anew: from now on peers see this process as the one that listens (unix(7)). */
export function listenAnew(fd: number, backlog: number): void {
  must("listen", libc.listen(fd, backlog), "listen on a socket");
}

/** Who is at the other end of a UNIX-domain connection (SO_PEERCRED). @throws {SysError} */
export function peerCredentials(fd: number): { readonly pid: number; readonly uid: number } {
  const found = new Uint8Array(UCRED.size), length = new Uint8Array(4);
  viewOf(length).setUint32(0, found.length, HOST_ORDER);
  const result = libc.getsockopt(fd, SOL.SOCKET, SO.PEERCRED, found, length);
  must("getsockopt", result, "see who is connected");
  const view = viewOf(found);
  return {
    pid: view.getInt32(UCRED.at.pid, HOST_ORDER),
    uid: view.getUint32(UCRED.at.uid, HOST_ORDER),
  };
}

/** The address of an abstract UNIX-domain name: a zero byte before it, its end is the length's. */
export function abstractAddressOf(name: string): Bytes {
  const text = new TextEncoder().encode(name), bytes = new Uint8Array(3 + text.length);
  viewOf(bytes).setUint16(0, AF.UNIX, HOST_ORDER);
  bytes.set(text, 3);
  return bytes;
}

/**
 * Waits until a descriptor can be read, without holding up the thread that asks: another thread of
 * the runtime waits. @param timeoutMs Null for as long as it takes.
 * @returns Whether it can be read, has ended or failed; false when the time is over.
 */
export async function whenReadable(fd: number, timeoutMs: number | null): Promise<boolean> {
  return (await whenAnyReadable([fd], timeoutMs)).length > 0;
}

/**
 * The same for several descriptors. One thread waits for all of them: the runtime has few of these,
 * and reads files by them too.
 * @returns Those that can be read, have ended or failed; none when the time is over.
 */
export async function whenAnyReadable(
  fds: readonly number[],
  timeoutMs: number | null,
): Promise<number[]> {
  const set = new Uint8Array(new ArrayBuffer(fds.length * POLLFD.size)), view = viewOf(set);
  for (const [index, fd] of fds.entries()) {
    view.setInt32(index * POLLFD.size + POLLFD.at.fd, fd, HOST_ORDER);
    view.setInt16(index * POLLFD.size + POLLFD.at.events, POLL.IN, HOST_ORDER);
  }
  const until = timeoutMs === null ? null : performance.now() + timeoutMs;
  for (;;) {
    const leftMs = until === null ? -1 : Math.max(0, Math.ceil(until - performance.now()));
    const ready = await libc.pollElsewhere(set, BigInt(fds.length), leftMs);
    if (ready > 0) {
      return fds.filter((_, index) =>
        view.getInt16(index * POLLFD.size + POLLFD.at.revents, HOST_ORDER) !== 0
      );
    }
    // Less than zero: a signal, for nothing else can go wrong with a few descriptors of ours.
    if (ready === 0 && leftMs >= 0) return [];
  }
}
