import { monotonicUs } from "./clock.ts";
import { AF, SOCK, SOL } from "./constants.ts";
import { ERRNO, SysError } from "./errno.ts";
import { closeFd } from "./fd.ts";
import type { Bytes } from "./layout.ts";
import { MessageBuffer, receiveMessage } from "./message.ts";
import {
  NETLINK_OPTION,
  type NetlinkMessage,
  type NetlinkReceived,
  NLM_F,
  NLMSG,
  parseAcknowledgement,
  parseMessages,
  RTM,
} from "./netlink.ts";
import { POLL, PollSet } from "./poll.ts";
import { readSockaddrNetlink, sockaddrNetlink } from "./sockaddr.ts";
import { bindSocket, openSocket, sendTo, socketName } from "./socket.ts";
import { setOption, setReceiveBuffer } from "./socket_options.ts";

/** The kernel answers in microseconds; longer means that the answer was lost. */
const DEADLINE_US = 5_000_000;

/** The kernel sends dumps in pieces of at most 32 KiB. */
const DATAGRAM_BYTES = 65_536;

/** Requests in one datagram: few enough that their acknowledgements fit the receive buffer. */
const BATCH_MESSAGES = 64, BATCH_BYTES = 32_768;

/** A dump that changes under our hands so often is given up. */
const DUMP_ATTEMPTS = 20;

/** Datagrams that one `receiveEvents` takes, so that a storm cannot hold its caller for ever. */
const EVENT_DATAGRAMS = 512;

/** What came by group since the last look. */
export interface NetlinkEvents {
  readonly messages: readonly NetlinkReceived[];
  /** Events were lost: the caller must look at everything again. */
  readonly overrun: boolean;
}

/** A netlink socket: synchronous requests, dumps, and events of groups. Belongs to one thread. */
export class NetlinkSocket {
  /** Poll it for POLL.IN when subscribed. */
  readonly fd: number;
  /** The socket's own address, which answers carry. */
  readonly port: number;
  readonly #poll = new PollSet();
  readonly #buffer = new MessageBuffer(DATAGRAM_BYTES, 64);
  #sequence = 0;
  #events: NetlinkReceived[] = [];
  #overrun = false;
  /** Something was dropped since the last request was sent: perhaps its answer. */
  #lost = false;

  /**
   * Opens a socket in the network namespace that the thread is in.
   * @param protocol NETLINK.*. @param doing What for, an infinitive: "watch links".
   * @param receiveBytes Room for events that nobody has read yet.
   * @throws {SysError}
   */
  constructor(protocol: number, doing: string, receiveBytes = 4 << 20) {
    this.fd = openSocket(AF.NETLINK, SOCK.RAW, protocol, doing);
    try {
      bindSocket(this.fd, sockaddrNetlink(0, 0), doing);
      this.port = readSockaddrNetlink(socketName(this.fd, doing))?.port ?? 0;
      // CAP_ACK keeps errors short: without it each carries the whole request back.
      setOption(this.fd, SOL.NETLINK, NETLINK_OPTION.CAP_ACK, 1, doing);
      setOption(this.fd, SOL.NETLINK, NETLINK_OPTION.EXT_ACK, 1, doing);
      setReceiveBuffer(this.fd, receiveBytes);
    } catch (error) {
      closeFd(this.fd);
      throw error;
    }
    this.#poll.add(this.fd, POLL.IN);
  }

  /**
   * Sends a request and waits for the kernel's acknowledgement.
   * @returns What the kernel answered before it: empty for most, the family for a GETFAMILY.
   * @throws {SysError} With the kernel's own message if it refuses; ETIMEDOUT after 5 s.
   */
  request(message: NetlinkMessage): NetlinkReceived[] {
    const sequence = this.#nextSequence(), answers: NetlinkReceived[] = [];
    this.#send(message.finish(sequence, NLM_F.REQUEST | NLM_F.ACK), message.doing);
    for (const answer of this.#answers(message.doing)) {
      if (answer.sequence !== sequence) continue;
      const end = parseAcknowledgement(answer);
      if (end === null) {
        answers.push(answer);
        continue;
      }
      if (end.errno !== 0) throw refusal(message, end.errno, end.text);
      return answers;
    }
    throw timedOut(message);
  }

  /**
   * Sends many requests in few system calls and collects the acknowledgement of each.
   * @returns In the order of `messages`: null for success, else why it failed. Later ones are tried
   * whatever happened to the earlier.
   * @throws {SysError} If a datagram cannot be sent at all.
   */
  requestAll(messages: readonly NetlinkMessage[]): (SysError | null)[] {
    const results: (SysError | null)[] = [];
    let batch: Bytes[] = [], bytes = 0;
    const flush = () => {
      const sent = messages.slice(results.length, results.length + batch.length);
      if (sent.length > 0) results.push(...this.#exchange(sent, batch));
      batch = [];
      bytes = 0;
    };
    for (const message of messages) {
      const encoded = message.finish(this.#nextSequence(), NLM_F.REQUEST | NLM_F.ACK);
      if (batch.length === BATCH_MESSAGES || bytes + encoded.length > BATCH_BYTES) flush();
      batch.push(encoded);
      bytes += encoded.length;
    }
    flush();
    return results;
  }

  /**
   * Sends requests of nf_tables that the kernel does all of or none (nfnetlink's batches), few enough
   * for one datagram.
   * @param edges What a batch begins and ends with; they are not answered.
   * @throws {SysError} Of the first that the kernel refuses.
   */
  transaction(
    messages: readonly NetlinkMessage[],
    edges: { readonly begin: NetlinkMessage; readonly end: NetlinkMessage },
  ): void {
    const encode = (message: NetlinkMessage, flags: number) =>
      message.finish(this.#nextSequence(), NLM_F.REQUEST | flags);
    const begin = encode(edges.begin, 0);
    const encoded = messages.map((message) => encode(message, NLM_F.ACK));
    const results = this.#exchange(messages, encoded, [begin], [encode(edges.end, 0)]);
    for (const result of results) if (result !== null) throw result;
  }

  /**
   * Asks for everything of a kind. Starts over if the kernel says that the list changed meanwhile.
   * @throws {SysError} If the kernel refuses; ETIMEDOUT after 5 s; EAGAIN if it never holds still.
   */
  dump(message: NetlinkMessage): NetlinkReceived[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const found = this.#dumpOnce(message);
      if (found !== "interrupted") return found;
    }
    throw new SysError(callName(message), ERRNO.EAGAIN, message.doing, "list keeps changing");
  }

  /** Receives the events of groups (RTNLGRP.*) from now on. @throws {SysError} */
  subscribe(groups: readonly number[]): void {
    for (const group of groups) {
      const doing = `subscribe to netlink group ${group}`;
      setOption(this.fd, SOL.NETLINK, NETLINK_OPTION.ADD_MEMBERSHIP, group, doing);
    }
  }

  /**
   * Events that have arrived, without waiting; call it again while the descriptor is readable.
   * @throws {SysError} If receiving fails, except for lost events, which `overrun` tells.
   */
  receiveEvents(): NetlinkEvents {
    for (let count = 0; count < EVENT_DATAGRAMS; count++) {
      if (this.#receive("receive netlink events") === null) break;
    }
    const events = { messages: this.#events, overrun: this.#overrun };
    this.#events = [];
    this.#overrun = false;
    return events;
  }

  /** Closes the socket. */
  close(): void {
    this.#poll.remove(this.fd);
    closeFd(this.fd);
  }

  /** `using socket = new NetlinkSocket(...)` closes it at the end of the block. */
  [Symbol.dispose](): void {
    this.close();
  }

  #dumpOnce(message: NetlinkMessage): NetlinkReceived[] | "interrupted" {
    const sequence = this.#nextSequence(), found: NetlinkReceived[] = [];
    this.#send(message.finish(sequence, NLM_F.REQUEST | NLM_F.DUMP), message.doing);
    let interrupted = false;
    for (const answer of this.#answers(message.doing)) {
      if (answer.sequence !== sequence) continue;
      if (answer.flags & NLM_F.DUMP_INTR) interrupted = true;
      if (answer.type !== NLMSG.DONE && answer.type !== NLMSG.ERROR) {
        found.push(answer);
        continue;
      }
      const end = parseAcknowledgement(answer);
      if (end !== null && end.errno !== 0) throw refusal(message, end.errno, end.text);
      return interrupted ? "interrupted" : found;
    }
    throw timedOut(message);
  }

  /** Sends one batch in one datagram and waits until each of its messages is answered. */
  #exchange(
    messages: readonly NetlinkMessage[],
    encoded: readonly Bytes[],
    before: readonly Bytes[] = [],
    after: readonly Bytes[] = [],
  ): (SysError | null)[] {
    const results = messages.map((message): SysError | null => timedOut(message));
    const bySequence = new Map<number, number>();
    for (const [index, bytes] of encoded.entries()) {
      const [head] = parseMessages(bytes);
      bySequence.set(head!.sequence, index);
    }
    this.#send(joined([...before, ...encoded, ...after]), messages[0]!.doing);
    const edges = new Set([...before, ...after].map((bytes) => parseMessages(bytes)[0]!.sequence));
    for (const answer of this.#answers(messages[0]!.doing)) {
      const index = bySequence.get(answer.sequence), end = parseAcknowledgement(answer);
      // A batch that is refused as a whole is answered by its edge alone.
      if (end !== null && end.errno !== 0 && edges.has(answer.sequence)) {
        return messages.map((message) => refusal(message, end.errno, end.text));
      }
      if (index === undefined || end === null) continue;
      results[index] = end.errno === 0 ? null : refusal(messages[index]!, end.errno, end.text);
      bySequence.delete(answer.sequence);
      if (bySequence.size === 0) break;
    }
    return results;
  }

  #nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#sequence;
  }

  #send(bytes: Bytes, doing: string): void {
    this.#lost = false;
    sendTo(this.fd, bytes, sockaddrNetlink(0, 0), 0, doing);
  }

  /**
   * Messages sent to this socket alone, until the deadline. The kernel answers before `sendto`
   * returns: what is not there after it ran out of room will not come.
   */
  *#answers(doing: string): Generator<NetlinkReceived> {
    const deadline = monotonicUs() + DEADLINE_US;
    for (;;) {
      const answers = this.#receive(doing);
      if (answers !== null) {
        yield* answers;
        continue;
      }
      const left = deadline - monotonicUs();
      if (left <= 0 || this.#lost) return;
      this.#poll.wait(left); // interrupted or not: look again, the deadline is absolute
    }
  }

  /**
   * Takes one datagram: answers are returned, what came by group is put aside for `receiveEvents`.
   * Null if nothing is waiting.
   */
  #receive(doing: string): NetlinkReceived[] | null {
    let message: MessageBuffer | null;
    try {
      message = receiveMessage(this.fd, this.#buffer, 0, doing);
    } catch (error) {
      if (!(error instanceof SysError) || error.errno !== ERRNO.ENOBUFS) throw error;
      this.#overrun = this.#lost = true;
      return [];
    }
    if (message === null) return null;
    const sender = readSockaddrNetlink(message.from);
    if (sender?.port !== 0) return []; // any process may write to us: only the kernel is believed
    if (message.truncated) this.#overrun = true;
    const messages = parseMessages(message.data.slice());
    if (sender.groups === 0) return messages.filter(({ port }) => port === this.port);
    this.#events.push(...messages);
    return [];
  }
}

const RTM_NAMES = new Map<number, string>(
  Object.entries(RTM).map(([name, type]) => [type, `RTM_${name}`]),
);

function callName(message: NetlinkMessage): string {
  return RTM_NAMES.get(message.type) ?? `netlink message ${message.type}`;
}

function refusal(message: NetlinkMessage, errno: number, text: string | null): SysError {
  return new SysError(callName(message), errno, message.doing, text);
}

function timedOut(message: NetlinkMessage): SysError {
  return new SysError(
    callName(message),
    ERRNO.ETIMEDOUT,
    message.doing,
    "the kernel's answer is lost",
  );
}

function joined(parts: readonly Bytes[]): Bytes {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
