/** Linux namespaces of the calling thread. Other threads of the process are not touched. */

import { CLONE_NEW } from "./constants.ts";
import { must } from "./errno.ts";
import { closeFd, openFd } from "./fd.ts";
import { libc } from "./libc.ts";
import { getPid } from "./process.ts";

export { CLONE_NEW } from "./constants.ts";

/**
 * Moves the calling thread into new namespaces.
 * @param flags CLONE_NEW.* bits.
 * @throws {SysError} EPERM without CAP_SYS_ADMIN; EINVAL for a user namespace with several threads.
 */
export function unshare(flags: number): void {
  must("unshare", libc.unshare(flags), "make a namespace");
}

/**
 * Moves the calling thread into a namespace that a descriptor refers to.
 * @param type The CLONE_NEW.* that the descriptor must be of; 0 takes any.
 * @throws {SysError} EPERM without CAP_SYS_ADMIN; EINVAL if it is of another type.
 */
export function setNamespace(fd: number, type: number): void {
  must("setns", libc.setns(fd, type), "enter a namespace");
}

/**
 * A descriptor of the calling thread's namespace. /proc/self would be the main thread's.
 * @param kind Its name in /proc/thread-self/ns: "net", "mnt", "user".
 * @throws {SysError}
 */
export function openThreadNamespace(kind: "net" | "mnt" | "user" | "pid" | "uts" | "ipc"): number {
  return openFd(`/proc/thread-self/ns/${kind}`);
}

/**
 * A network namespace without a name: it lives while this object, a process or a socket uses it,
 * and nothing is left behind. Begins with a loopback interface that is down.
 */
export class NetworkNamespace {
  #fd: number | null;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Same as `ip netns add`, without a name. @throws {SysError} EPERM without CAP_SYS_ADMIN. */
  static create(): NetworkNamespace {
    const original = openThreadNamespace("net");
    try {
      unshare(CLONE_NEW.NET);
      try {
        return new NetworkNamespace(openThreadNamespace("net"));
      } finally {
        setNamespace(original, CLONE_NEW.NET);
      }
    } finally {
      closeFd(original);
    }
  }

  /** The namespace that a path leads to, such as /run/netns/blue or /proc/1/ns/net. @throws {SysError} */
  static open(path: string): NetworkNamespace {
    return new NetworkNamespace(openFd(path));
  }

  /** The namespace that the calling thread is in. @throws {SysError} */
  static current(): NetworkNamespace {
    return new NetworkNamespace(openThreadNamespace("net"));
  }

  /** Its descriptor, for IFLA_NET_NS_FD and setns. @throws {TypeError} After `close`. */
  get fd(): number {
    if (this.#fd === null) throw new TypeError("Cannot use a network namespace after close()");
    return this.#fd;
  }

  /** A path that `nsenter --net=` and other processes of the same user can open. */
  get path(): string {
    return `/proc/${getPid()}/fd/${this.fd}`;
  }

  /**
   * Runs a synchronous function inside the namespace and comes back, even if it throws. Sockets that
   * it opens stay in the namespace; so do processes that it spawns. Calls may be nested. Files of
   * /proc/net must be read as /proc/thread-self/net.
   *
   * @throws {TypeError} If the function is asynchronous: other code would run inside meanwhile.
   * @throws {SysError} If the namespace cannot be entered or left.
   */
  run<T>(task: () => T): T {
    if (task.constructor.name === "AsyncFunction") throw asynchronous();
    const original = openThreadNamespace("net");
    try {
      setNamespace(this.fd, CLONE_NEW.NET);
      try {
        const result = task();
        if (result instanceof Promise) throw asynchronous();
        return result;
      } finally {
        setNamespace(original, CLONE_NEW.NET);
      }
    } finally {
      closeFd(original);
    }
  }

  /** Lets go of the namespace. Closing twice does nothing. */
  close(): void {
    if (this.#fd === null) return;
    closeFd(this.#fd);
    this.#fd = null;
  }

  /** `using ns = NetworkNamespace.create()` closes it at the end of the block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function asynchronous(): TypeError {
  return new TypeError("Cannot run an asynchronous function in a network namespace");
}
