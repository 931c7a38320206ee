import { ERRNO_TABLE, type ErrorCode } from "./errno_table.ts";
import { libc } from "./libc.ts";

export type { ErrorCode } from "./errno_table.ts";

const BY_NUMBER = new Map<number, { code: ErrorCode; text: string }>(
  ERRNO_TABLE.map(([errno, code, text]) => [errno, { code, text }]),
);

/** Error numbers by name: `ERRNO.EAGAIN` is 11. */
export const ERRNO = Object.fromEntries(
  ERRNO_TABLE.map(([errno, code]) => [code, errno]),
) as Readonly<Record<ErrorCode, number>>;

/** A system call that failed, or a request that the kernel refused by netlink. */
export class SysError extends Error {
  override readonly name = "SysError";
  /** What failed: "bind", "RTM_NEWADDR". */
  readonly call: string;
  /** The Linux error number, positive. */
  readonly errno: number;
  /** Its name, "EPERM"; "E1234" if Linux does not know the number. */
  readonly code: string;
  /** What was attempted, an infinitive for people: "open a raw socket on eth0". */
  readonly doing: string;

  /** @param detail The kernel's own words, if it gave any (netlink extended acknowledgement). */
  constructor(call: string, errno: number, doing: string, detail: string | null = null) {
    const code = errnoName(errno);
    const kernel = detail === null ? "" : `: ${detail}`;
    super(`Cannot ${doing}: ${call}: ${code} (${errnoText(errno)})${kernel}`);
    this.call = call;
    this.errno = errno;
    this.code = code;
    this.doing = doing;
  }
}

/** The name of an error number: "EPERM" for 1; "E1234" for one that Linux does not know. */
export function errnoName(errno: number): string {
  return BY_NUMBER.get(errno)?.code ?? `E${errno}`;
}

/** The short English text of an error number: "Operation not permitted" for 1. */
export function errnoText(errno: number): string {
  return BY_NUMBER.get(errno)?.text ?? `Unknown error ${errno}`;
}

/** errno has one address per thread, and an isolate never changes its thread: look it up once. */
const errnoView = viewErrno();

/** errno of this thread: meaningful only right after a synchronous call that failed. */
export function lastErrno(): number {
  return errnoView.getInt32();
}

/**
 * The result of a system call as a number, or an error with what errno says. Call it in the same
 * statement as the system call: `must("socket", libc.socket(...), "open a raw socket")`.
 *
 * @param call Name of the call, for the message.
 * @param doing What the caller attempted, an infinitive: "bind to eth0".
 * @throws {SysError} If `result` is negative.
 */
export function must(call: string, result: number | bigint, doing: string): number {
  if (result < 0) throw new SysError(call, lastErrno(), doing);
  return Number(result);
}

/**
 * Repeats a transfer while a signal interrupts it. Not for waits (they must recompute their
 * deadline) and not for close (the descriptor is gone even when it says EINTR).
 *
 * @returns The result of the last attempt; errno is still that attempt's.
 */
export function retryInterrupted(attempt: () => number | bigint): number {
  for (;;) {
    const result = attempt();
    if (result >= 0 || lastErrno() !== ERRNO.EINTR) return Number(result);
  }
}

function viewErrno(): Deno.UnsafePointerView {
  const pointer = libc.__errno_location();
  if (pointer === null) throw new TypeError("Cannot find errno: __errno_location returned null");
  return new Deno.UnsafePointerView(pointer);
}
