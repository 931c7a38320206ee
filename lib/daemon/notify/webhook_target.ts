/** One webhook: its queue and its tries. */

import type { Webhook } from "../../../config/model.ts";
import { type Clock, SYSTEM_CLOCK } from "../../track/clock.ts";
import type { Logger } from "../logger.ts";
import { type Announcement, subjectKey, subjectTitle } from "./announcement.ts";
import { deliver, newTally, type Tally, type TargetStatus } from "./delivery.ts";
import { readSecret } from "./secret.ts";
import { behindMessages, type JobContext, TargetQueue } from "./target_queue.ts";
import {
  judgeStatus,
  post,
  type Poster,
  webhookBody,
  webhookHeaders,
  type WebhookOrigin,
} from "./webhook.ts";

/** Five tries within about eight seconds; later, a newer state is likelier to be wanted. */
const DELAYS_MS = [500, 1000, 2000, 4000];

/** How long a receiver may take to answer. */
const TIMEOUT_MS = 10_000;

/** What a webhook needs. */
export interface WebhookParts {
  readonly webhook: Webhook;
  readonly origin: WebhookOrigin;
  readonly log: Logger;
  readonly poster?: Poster;
  readonly clock?: Clock;
  readonly timeoutMs?: number;
}

/** What makes a webhook another one. */
export function webhookKey({ url, secret }: Webhook, origin: WebhookOrigin): string {
  return JSON.stringify([url, secret, origin.host, origin.routerId]);
}

/** Delivers announcements to one URL, one at a time and in order. */
export class WebhookTarget {
  readonly queue: TargetQueue<Announcement>;
  /** The same for two that send the same to the same. */
  readonly key: string;
  readonly #parts: WebhookParts;
  readonly #title: string;
  readonly #tally: Tally = newTally();

  constructor(parts: WebhookParts) {
    this.#parts = parts;
    this.key = webhookKey(parts.webhook, parts.origin);
    this.#title = webhookTitle(parts.webhook);
    this.queue = new TargetQueue<Announcement>({
      keyOf: subjectKey,
      run: (announcement, context) => this.#run(announcement, context),
      ...behindMessages(this.#title, parts.log),
    });
  }

  /** What it has done so far. */
  status(): TargetStatus {
    const { queue } = this;
    const waiting = queue.waiting + Number(queue.isRunning);
    return {
      target: this.#title,
      kind: "webhook",
      waiting,
      leftOut: queue.leftOut,
      ...this.#tally,
    };
  }

  async #run(announcement: Announcement, { signal, isOutdated }: JobContext): Promise<void> {
    const { origin, clock = SYSTEM_CLOCK } = this.#parts;
    const body = webhookBody(announcement, origin), delivery = crypto.randomUUID();
    const trying = { delaysMs: DELAYS_MS, clock, signal, isOutdated };
    const result = await deliver(() => this.#try(body, delivery, signal), trying);
    if (result.kind === "delivered") {
      this.#tally.delivered++;
      this.#tally.last = result.answer;
    } else if (result.kind === "outdated") {
      this.queue.countLeftOut();
    } else {
      this.#tally.failed++;
      this.#tally.last = result.why;
      const what = `${subjectTitle(announcement)} is ${announcement.state}`;
      const tries = result.tries === 1 ? "" : ` after ${result.tries} tries`;
      const text = `Cannot tell the ${this.#title} that ${what}${tries}: ${result.why}`;
      this.#parts.log({ level: "warning", text });
    }
  }

  async #try(body: string, delivery: string, signal: AbortSignal): Promise<string> {
    const { webhook, clock = SYSTEM_CLOCK, poster = post, timeoutMs = TIMEOUT_MS } = this.#parts;
    const secret = webhook.secret === null ? null : await readSecret(webhook.secret);
    const headers = await webhookHeaders(body, delivery, secret, new Date(clock.wallMs()));
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const request = { url: webhook.url, headers, body };
      return judgeStatus(await poster(request, AbortSignal.any([signal, timeout])));
    } catch (error) {
      if (timeout.aborted) throw new Error(`no answer in ${timeoutMs / 1000} s`);
      throw error;
    }
  }
}

/** For people: path and query of a webhook's URL are often its secret, so they are not told. */
function webhookTitle({ url, position }: Webhook): string {
  const where = `${position.file}:${position.line}`;
  return URL.canParse(url) ? `webhook ${new URL(url).origin} (${where})` : `webhook of ${where}`;
}
