/** Log lines for syslog, as syslog(3) of glibc writes them. */

import { type LogEvent, SYSLOG_SEVERITY } from "../core/log.ts";
import { SyslogSocket } from "../net/syslog_socket.ts";
import { type Logger, timeStamp } from "./logger.ts";

/** Facilities that keepalived's -S takes, by name: numbers of sys/syslog.h. */
export const FACILITIES: Readonly<Record<string, number>> = {
  user: 1,
  daemon: 3,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`local${n}`, 16 + n])),
};

/** Under what name lines appear. */
export interface SyslogIdentity {
  readonly ident: string;
  readonly pid: number;
  /** A value of FACILITIES. */
  readonly facility: number;
}

/** "<29>Nov 20 17:32:59 Keepalived_vrrp[25336]: (VI_1) Entering MASTER STATE". */
export function formatSyslog(
  { level, text, instance }: LogEvent,
  { ident, pid, facility }: SyslogIdentity,
  at: Date,
): string {
  const about = instance === undefined ? "" : `(${instance}) `;
  // Without the day of the week in front and the year behind (RFC 3164, 4.1.2).
  const stamp = timeStamp(at).slice(4, -5);
  return `<${facility << 3 | SYSLOG_SEVERITY[level]}>${stamp} ${ident}[${pid}]: ${about}${text}`;
}

/** Writes to syslog; what it does not take goes to `otherwise`. */
export function syslogLogger(
  identity: SyslogIdentity,
  otherwise: Logger,
  socket = new SyslogSocket(),
): Logger {
  const encoder = new TextEncoder();
  return (event) => {
    if (!socket.send(encoder.encode(formatSyslog(event, identity, new Date())))) otherwise(event);
  };
}
