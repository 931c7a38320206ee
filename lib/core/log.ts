/** Log lines are data until the last moment, so that they can be rendered, recorded and counted. */

/** syslog(3) severities that vigie uses, gravest first. */
export const LOG_LEVELS = ["error", "warning", "notice", "info", "debug"] as const;

/** One of them. */
export type LogLevel = typeof LOG_LEVELS[number];

/** One line of the log. `instance` names the vrrp_instance it is about. */
export interface LogEvent {
  readonly level: LogLevel;
  readonly text: string;
  readonly instance?: string;
}

/** syslog(3) number of a level, as journald's `<N>` prefix and syslog take it. */
export const SYSLOG_SEVERITY: Readonly<Record<LogLevel, number>> = {
  error: 3,
  warning: 4,
  notice: 5,
  info: 6,
  debug: 7,
};
