/** Processes that begin, as the kernel tells them; where it does not, why not. */

import { type ErrorCode, SysError } from "../../ffi/errno.ts";
import { ProcConnector } from "../../ffi/proc_connector.ts";
import { err, ok, type Result } from "../core/result.ts";

/** Events taken in one go; the rest waits in the socket for the next turn of the loop. */
const EVENTS_PER_TURN = 128;

/**
 * So many young processes whose children are told, too: the main thread needs a moment to see what
 * they are, and a daemon has made its workers by then.
 */
const EXPECTANT = 1024;

/** Refusals that are an answer rather than an error, in words. */
const REFUSALS: Partial<Record<ErrorCode, string>> = {
  ECONNREFUSED: "the kernel tells of processes only in the initial network namespace",
  EPERM: "the kernel tells of processes only with CAP_NET_ADMIN in the initial namespaces",
  EPROTONOSUPPORT: "the kernel has no process connector (CONFIG_PROC_EVENTS)",
};

/** What a kernel means that says nothing at all (drivers/connector/cn_proc.c). */
const SILENCE = "the kernel tells of processes only in the initial pid and user namespaces, " +
  "and with CONFIG_PROC_EVENTS";

/** What came since the last look. */
export interface Born {
  /** Processes that are new, or run another program, or have another name; each once. */
  readonly pids: readonly number[];
  /** Some were missed. */
  readonly lost: boolean;
}

/** The kernel's word on processes that begin. */
export class Births {
  readonly #connector: ProcConnector;
  /** The last ones told, in that order. */
  readonly #expectant = new Set<number>();

  private constructor(connector: ProcConnector) {
    this.#connector = connector;
  }

  /** Begins to listen. @returns Why the kernel will not tell, in words, if it will not. */
  static open(): Result<Births, string> {
    let connector: ProcConnector | null = null;
    try {
      connector = new ProcConnector();
      if (connector.listen()) return ok(new Births(connector));
      connector.close();
      return err(SILENCE);
    } catch (error) {
      connector?.close();
      if (!(error instanceof SysError)) throw error;
      return err(REFUSALS[error.code as ErrorCode] ?? error.message);
    }
  }

  /** Readable when there is something to `read`. */
  get fd(): number {
    return this.#connector.fd;
  }

  /**
   * Takes a bounded number of events.
   * @param isParent Whose children count besides those of young processes: a new process has its
   * parent's name until it takes another, which is told, too.
   * @throws {SysError} If the socket fails.
   */
  read(isParent: (pid: number) => boolean): Born {
    const { events, lost } = this.#connector.read(EVENTS_PER_TURN), pids = new Set<number>();
    for (const event of events) {
      if (event.kind === "acknowledged") continue;
      if (event.kind === "fork" && !this.#expectant.has(event.parent) && !isParent(event.parent)) {
        continue;
      }
      pids.add(event.pid);
      this.expectChildrenOf([event.pid]);
    }
    return { pids: [...pids], lost };
  }

  /** Children of these are told for a while, whether they are watched or not. */
  expectChildrenOf(parents: readonly number[]): void {
    for (const pid of parents) {
      this.#expectant.delete(pid); // to the end of the order
      this.#expectant.add(pid);
    }
    for (const eldest of this.#expectant) {
      if (this.#expectant.size <= EXPECTANT) return;
      this.#expectant.delete(eldest);
    }
  }

  /** Listens no longer. */
  close(): void {
    this.#connector.close();
  }
}
