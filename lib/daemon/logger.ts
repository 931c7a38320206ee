/** Log lines on standard error, as keepalived's operators know them or as journald wants them. */

import { type LogEvent, SYSLOG_SEVERITY } from "../core/log.ts";
import { STDERR, writeAtOnce } from "../net/output.ts";

/** Takes log events. */
export type Logger = (event: LogEvent) => void;

/** How lines begin: keepalived's time stamp, or journald's `<N>` severity (sd-daemon(3)). */
export type LogStyle = "time" | "journald";

/** The style that fits where standard error goes: systemd sets JOURNAL_STREAM for its own. */
export function logStyle(environment: { get(name: string): string | undefined }): LogStyle {
  return environment.get("JOURNAL_STREAM") === undefined ? "time" : "journald";
}

/** One line: "Fri Nov 20 13:15:35 2026: (VI_1) Entering MASTER STATE". */
export function formatLog({ level, text, instance }: LogEvent, style: LogStyle, at: Date): string {
  const about = instance === undefined ? "" : `(${instance}) `;
  const lead = style === "journald" ? `<${SYSLOG_SEVERITY[level]}>` : `${timeStamp(at)}: `;
  return `${lead}${about}${text}`;
}

/** Writes to standard error, whole lines at once. */
export function stderrLogger(style: LogStyle): Logger {
  const encoder = new TextEncoder();
  return (event) => {
    // What nobody reads is lost: waiting for a reader would stop the checks, and the end of it all.
    writeAtOnce(STDERR, encoder.encode(`${formatLog(event, style, new Date())}\n`));
  };
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** asctime(3) without its newline, in local time. */
export function timeStamp(at: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
  const day = String(at.getDate()).padStart(2);
  return `${DAYS[at.getDay()]} ${MONTHS[at.getMonth()]} ${day} ${clock} ${at.getFullYear()}`;
}
