/**
 * The kernel's process connector (linux/connector.h, linux/cn_proc.h): it tells of every process
 * that begins, runs another program or takes another name. Ends are left to pidfds.
 */

import { AF, SOCK } from "./constants.ts";
import { ERRNO, SysError } from "./errno.ts";
import { closeFd } from "./fd.ts";
import { type Bytes, CN_MSG, HOST_ORDER, NLMSGHDR, PROC_EVENT, viewOf } from "./layout.ts";
import { MessageBuffer, receiveMessage } from "./message.ts";
import { NETLINK, NLMSG } from "./netlink_constants.ts";
import { readSockaddrNetlink, sockaddrNetlink } from "./sockaddr.ts";
import { bindSocket, openSocket, sendTo, socketName } from "./socket.ts";
import { attachFilter, type FilterInstruction, setReceiveBuffer } from "./socket_options.ts";

/** CN_IDX_PROC and CN_VAL_PROC (linux/connector.h): both 1; the first is the multicast group, too. */
const CN_PROC = 1;

/** PROC_CN_MCAST_* (linux/cn_proc.h): what a listener asks for. */
const LISTEN = 1, IGNORE = 2;

/** PROC_EVENT_* (linux/cn_proc.h). */
const WHAT = { NONE: 0, FORK: 1, EXEC: 2, COMM: 0x200 } as const;

/** Where a connector message and its event begin in a datagram. */
const MESSAGE_AT = NLMSGHDR.size, EVENT_AT = MESSAGE_AT + CN_MSG.size;

/** Some 2500 events of about 800 bytes, each with the kernel's own overhead: a busy second. */
const RECEIVE_BUFFER_BYTES = 2 << 20;

/** Other listeners' acknowledgements and events may come before our own. */
const ACKNOWLEDGEMENT_WITHIN = 1024;

const DOING = "listen to process events";

/** Opcodes of classic BPF, assembled from linux/bpf_common.h and linux/filter.h. */
const BPF = { LOAD_WORD: 0x20, IF_EQUALS: 0x15, IF_EQUALS_X: 0x1d, TO_X: 0x07, RETURN: 0x06 };

/** What the connector told. */
export type ProcEvent =
  /** A process made another one. */
  | { readonly kind: "fork"; readonly pid: number; readonly parent: number }
  /** A process runs another program, or has taken another name. */
  | { readonly kind: "exec" | "comm"; readonly pid: number }
  /** The kernel's answer to one listener, of which all are told; errno 0 is success. */
  | { readonly kind: "acknowledged"; readonly answerTo: number; readonly errno: number };

/**
 * The filter that the kernel runs on every event: what is dropped there wakes nobody. Passed are
 * acknowledgements, EXEC, and FORK and COMM of processes; threads, EXIT and the rest are not.
 */
export const BIRTHS_FILTER: readonly FilterInstruction[] = assembleFilter();

/** Reads one datagram; null for an event of another kind, or one that is cut short. */
export function parseProcEvent(datagram: Uint8Array): ProcEvent | null {
  if (datagram.length < EVENT_AT + PROC_EVENT.size) return null;
  const view = viewOf(datagram), { at } = PROC_EVENT;
  const head = (field: keyof typeof CN_MSG.at) =>
    view.getUint32(MESSAGE_AT + CN_MSG.at[field], HOST_ORDER);
  const event = (field: keyof typeof at) => view.getUint32(EVENT_AT + at[field], HOST_ORDER);
  if (head("id.idx") !== CN_PROC || head("id.val") !== CN_PROC) return null;
  switch (event("what")) {
    case WHAT.NONE: {
      // One more than the request's own `ack`; `seq` is the kernel's own count.
      const answerTo = (head("ack") - 1) >>> 0;
      return { kind: "acknowledged", answerTo, errno: event("event_data.ack.err") };
    }
    case WHAT.FORK: {
      const parent = event("event_data.fork.parent_tgid");
      return { kind: "fork", pid: event("event_data.fork.child_tgid"), parent };
    }
    case WHAT.EXEC:
      return { kind: "exec", pid: event("event_data.exec.process_tgid") };
    case WHAT.COMM:
      return { kind: "comm", pid: event("event_data.comm.process_tgid") };
    default:
      return null;
  }
}

/** What came since the last look. */
export interface ProcEvents {
  readonly events: readonly ProcEvent[];
  /** The kernel had no room for some: the caller must look at every process. */
  readonly lost: boolean;
}

/** A socket of the process connector. Belongs to one thread. */
export class ProcConnector {
  /** Poll it for POLL.IN after `listen`. */
  readonly fd: number;
  readonly #buffer = new MessageBuffer(1024, 64);
  readonly #port: number;

  /**
   * Opens a socket that hears nothing yet.
   * @throws {SysError} EPROTONOSUPPORT if the kernel has no connector; EPERM without CAP_NET_ADMIN.
   */
  constructor() {
    this.fd = openSocket(AF.NETLINK, SOCK.DGRAM, NETLINK.CONNECTOR, DOING);
    try {
      attachFilter(this.fd, BIRTHS_FILTER); // first: nothing else must ever be queued
      setReceiveBuffer(this.fd, RECEIVE_BUFFER_BYTES);
      bindSocket(this.fd, sockaddrNetlink(0, 1 << (CN_PROC - 1)), DOING);
      this.#port = readSockaddrNetlink(socketName(this.fd, DOING))?.port ?? 0;
    } catch (error) {
      closeFd(this.fd);
      throw error;
    }
  }

  /**
   * Asks the kernel to tell. It acknowledges before the request returns, or, in a pid or user
   * namespace of its own and without CONFIG_PROC_EVENTS, not at all (drivers/connector/cn_proc.c).
   * @returns Whether it answered.
   * @throws {SysError} ECONNREFUSED in a network namespace of its own; EPERM without the right.
   */
  listen(): boolean {
    this.#ask(LISTEN);
    for (let count = 0; count < ACKNOWLEDGEMENT_WITHIN; count++) {
      const event = this.#receive();
      if (event === "nothing") return false;
      if (event === "lost" || event?.kind !== "acknowledged") continue;
      if (event.answerTo !== this.#port) continue;
      if (event.errno !== 0) throw new SysError("PROC_CN_MCAST_LISTEN", event.errno, DOING);
      return true;
    }
    return false;
  }

  /** Takes up to `limit` datagrams, without waiting. @throws {SysError} */
  read(limit: number): ProcEvents {
    const events: ProcEvent[] = [];
    let lost = false;
    for (let count = 0; count < limit; count++) {
      const event = this.#receive();
      if (event === "nothing") break;
      if (event === "lost") lost = true;
      else if (event !== null) events.push(event);
    }
    return { events, lost };
  }

  /** Closes the socket. Kernels before 6.6 count listeners, so it takes its leave first. */
  close(): void {
    try {
      this.#ask(IGNORE);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      // It was never heard, so there is nothing to take back.
    } finally {
      closeFd(this.fd);
    }
  }

  /** The socket's own port stands for it: no other listener's answer carries it. */
  #ask(operation: number): void {
    const size = EVENT_AT + 4, bytes: Bytes = new Uint8Array(size), view = viewOf(bytes);
    const message = (field: keyof typeof CN_MSG.at) => MESSAGE_AT + CN_MSG.at[field];
    view.setUint32(NLMSGHDR.at.nlmsg_len, size, HOST_ORDER);
    view.setUint16(NLMSGHDR.at.nlmsg_type, NLMSG.DONE, HOST_ORDER);
    view.setUint32(message("id.idx"), CN_PROC, HOST_ORDER);
    view.setUint32(message("id.val"), CN_PROC, HOST_ORDER);
    view.setUint32(message("ack"), this.#port, HOST_ORDER);
    view.setUint16(message("len"), 4, HOST_ORDER);
    view.setUint32(EVENT_AT, operation, HOST_ORDER);
    sendTo(this.fd, bytes, sockaddrNetlink(0, 0), 0, DOING);
  }

  /** One datagram; null for one that is of no interest or not the kernel's. */
  #receive(): ProcEvent | "lost" | "nothing" | null {
    try {
      const message = receiveMessage(this.fd, this.#buffer, 0, DOING);
      if (message === null) return "nothing";
      return readSockaddrNetlink(message.from)?.port === 0 ? parseProcEvent(message.data) : null;
    } catch (error) {
      if (error instanceof SysError && error.errno === ERRNO.ENOBUFS) return "lost";
      throw error;
    }
  }
}

/** BPF loads words in network order (linux/filter.h), the kernel writes events in host order. */
function swapped(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value, HOST_ORDER);
  return view.getUint32(0, !HOST_ORDER);
}

function assembleFilter(): FilterInstruction[] {
  const step = (code: number, k = 0, jt = 0, jf = 0) => ({ code, jt, jf, k });
  const load = (field: keyof typeof PROC_EVENT.at) =>
    step(BPF.LOAD_WORD, EVENT_AT + PROC_EVENT.at[field]);
  // Jumps count the instructions to skip; "drop" and "pass" are the last two.
  return [
    load("what"),
    step(BPF.IF_EQUALS, swapped(WHAT.NONE), 12), // pass
    step(BPF.IF_EQUALS, swapped(WHAT.EXEC), 11), // pass
    step(BPF.IF_EQUALS, swapped(WHAT.FORK), 1), // its threads?
    step(BPF.IF_EQUALS, swapped(WHAT.COMM), 4, 8), // its threads? or drop
    load("event_data.fork.child_pid"),
    step(BPF.TO_X),
    load("event_data.fork.child_tgid"),
    step(BPF.IF_EQUALS_X, 0, 5, 4), // pass or drop
    load("event_data.comm.process_pid"),
    step(BPF.TO_X),
    load("event_data.comm.process_tgid"),
    step(BPF.IF_EQUALS_X, 0, 1, 0), // pass or drop
    step(BPF.RETURN, 0), // drop
    step(BPF.RETURN, 0xffff_ffff), // pass
  ];
}
