/** What mails say. */

import { type Announcement, subjectKey, subjectTitle } from "./announcement.ts";

/** A mail before it is addressed. */
export interface MailText {
  readonly subject: string;
  readonly text: string;
}

/** What several announcements of one subject come to. */
export interface MailEntry {
  readonly last: Announcement;
  /** How many. */
  readonly count: number;
}

/** Where it comes from. */
export interface MailOrigin {
  readonly host: string;
  /** `router_id`. */
  readonly routerId: string | null;
}

/** One change of state, with keepalived's subject: "[R1] VRRP Instance VI_1 - Entering MASTER state". */
export function singleMail(announcement: Announcement, origin: MailOrigin): MailText {
  const { state, previous, priority, cause, at, type } = announcement;
  const lines = [
    `${subjectTitle(announcement)} is ${state} now, it was ${previous}.`,
    "",
    `Cause: ${cause}`,
    `Time: ${at.toISOString()}`,
    ...type === "instance" ? [`Priority: ${priority}`] : [],
    `Host: ${origin.host}`,
  ];
  const subject = `${lead(origin)}${subjectTitle(announcement)} - Entering ${state} state`;
  return { subject, text: `${lines.join("\n")}\n` };
}

/** Many changes of state in one mail: for each subject how many, and the newest. */
export function digestMail(entries: readonly MailEntry[], origin: MailOrigin): MailText {
  const total = entries.reduce((sum, { count }) => sum + count, 0);
  const lines = entries.map(({ last, count }) =>
    `${subjectTitle(last)}: ${count === 1 ? "one change" : `${count} changes`}, ${last.state} ` +
    `since ${last.at.toISOString()} (${last.cause})`
  );
  const intro = "These changes of state came too fast for a mail each:";
  const text = [intro, "", ...lines, "", `Host: ${origin.host}`].join("\n");
  return { subject: `${lead(origin)}VRRP - ${total} changes of state`, text: `${text}\n` };
}

/** Announcements put together by subject, in the order of the newest ones. */
export function mergeEntries(entries: readonly MailEntry[]): MailEntry[] {
  const merged = new Map<string, MailEntry>();
  for (const { last, count } of entries) {
    const key = subjectKey(last), before = merged.get(key)?.count ?? 0;
    merged.delete(key);
    merged.set(key, { last, count: before + count });
  }
  return [...merged.values()];
}

function lead({ host, routerId }: MailOrigin): string {
  return `[${routerId ?? host}] `;
}
