/** Mail: few, whatever happens. */

import type { Clock } from "../../track/clock.ts";
import type { Logger } from "../logger.ts";
import type { Announcement } from "./announcement.ts";
import { deliver, newTally, sleep, type Tally, type TargetStatus } from "./delivery.ts";
import {
  digestMail,
  type MailEntry,
  type MailOrigin,
  type MailText,
  mergeEntries,
  singleMail,
} from "./mail_text.ts";

/** So many mails a minute; what comes on top of them waits for the minute's end, for one digest. */
export const MAILS_A_MINUTE = 4;

const MINUTE_MS = 60_000;

/** Beyond so many waiting ones, those of one subject are counted instead of kept. */
const MAX_KEPT = 10;

/** Four tries: a greylisting server wants to be asked again, a dead one is not worth waiting for. */
const DELAYS_MS = [1000, 5000, 25_000];

/** Sends a mail, once. @throws {Error} In words; a DeliveryError if it would be refused again. */
export type SendMail = (mail: MailText, signal: AbortSignal) => Promise<string>;

/** What mail needs. */
export interface MailParts {
  /** "smtp.example:25". */
  readonly server: string;
  readonly origin: MailOrigin;
  /** `no_email_faults`. */
  readonly noFaults: boolean;
  readonly send: SendMail;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Who reads mail wants to know of these; keepalived sends none for a stop either. */
const MAILED: readonly string[] = ["MASTER", "BACKUP", "FAULT"];

/** Sends mails one at a time. */
export class MailTarget {
  readonly #parts: MailParts;
  readonly #tally: Tally = newTally();
  readonly #stopping = new AbortController();
  readonly #cancelled = new AbortController();
  #pending: MailEntry[] = [];
  #working: Promise<void> | null = null;
  /** Since when mails are counted, in monotonic milliseconds, and how many were sent since. */
  #minute = { since: -Infinity, sent: 0 };
  /** Whether what waits has waited for the end of a minute. */
  #isDigest = false;
  #digested = 0;
  #isSending = false;

  constructor(parts: MailParts) {
    this.#parts = parts;
  }

  /** Takes one in; what is not for mail is ignored. */
  announce(announcement: Announcement): void {
    const { state } = announcement;
    if (!MAILED.includes(state) || (state === "FAULT" && this.#parts.noFaults)) return;
    this.#pending.push({ last: announcement, count: 1 });
    if (this.#pending.length > MAX_KEPT) this.#pending = mergeEntries(this.#pending);
    this.#working ??= this.#work();
  }

  /** Resolves when nothing waits and nothing is being sent. */
  idle(): Promise<void> {
    return this.#working ?? Promise.resolve();
  }

  /** The minute is not waited for any more, nor is any mail tried again. */
  hurry(): void {
    this.#stopping.abort();
  }

  /** Ends what is being sent and forgets the rest. */
  cancel(): void {
    this.hurry();
    this.#pending = [];
    this.#cancelled.abort();
  }

  /** What it has done so far; announcements that went out in a digest count as left out. */
  status(): TargetStatus {
    return {
      target: `mail to ${this.#parts.server}`,
      kind: "mail",
      waiting: this.#pending.reduce((sum, { count }) => sum + count, Number(this.#isSending)),
      leftOut: this.#digested,
      ...this.#tally,
    };
  }

  async #work(): Promise<void> {
    while (this.#pending.length > 0) {
      await this.#haveRoom();
      if (this.#pending.length > 0) await this.#send(this.#next());
    }
    this.#working = null;
  }

  /** Waits until one more mail may leave. */
  async #haveRoom(): Promise<void> {
    const { clock } = this.#parts;
    const past = () => clock.monotonicMs() - this.#minute.since;
    const isFull = this.#minute.sent >= MAILS_A_MINUTE;
    if (isFull && past() < MINUTE_MS) {
      await sleep(clock, MINUTE_MS - past(), this.#stopping.signal);
      this.#isDigest = true;
    }
    if (isFull || past() >= MINUTE_MS) this.#minute = { since: clock.monotonicMs(), sent: 0 };
    this.#minute.sent++;
  }

  #next(): MailText {
    const { origin } = this.#parts;
    const isDigest = this.#isDigest || this.#stopping.signal.aborted ||
      this.#pending.some(({ count }) => count > 1);
    this.#isDigest = false;
    const taken = isDigest ? mergeEntries(this.#pending) : this.#pending.slice(0, 1);
    this.#pending = isDigest ? [] : this.#pending.slice(1);
    const [only] = taken;
    if (taken.length === 1 && only?.count === 1) return singleMail(only.last, origin);
    this.#digested += taken.reduce((sum, { count }) => sum + count, 0);
    return digestMail(taken, origin);
  }

  async #send(mail: MailText): Promise<void> {
    const { clock, send, log, server } = this.#parts;
    const signal = this.#stopping.signal, isOutdated = () => false;
    const trying = { delaysMs: DELAYS_MS, clock, signal, isOutdated };
    this.#isSending = true;
    const result = await deliver(() => send(mail, this.#cancelled.signal), trying);
    this.#isSending = false;
    if (result.kind === "delivered") {
      this.#tally.delivered++;
      this.#tally.last = result.answer;
    } else if (result.kind === "failed") {
      this.#tally.failed++;
      this.#tally.last = result.why;
      const tries = result.tries === 1 ? "" : ` after ${result.tries} tries`;
      const text = `Cannot send the mail "${mail.subject}" by ${server}${tries}: ${result.why}`;
      log({ level: "warning", text });
    }
  }
}
