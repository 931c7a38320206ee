/** What is wrong with a configuration, in the log of the daemon that reads it. */

import { formatProblem, type Problem } from "../../config/mod.ts";
import type { LogLevel } from "../core/log.ts";
import type { Logger } from "./logger.ts";

const LEVELS: Readonly<Record<Problem["severity"], LogLevel>> = {
  fatal: "error",
  error: "error",
  warning: "warning",
};

/** Logs a problem with its place and its remedy, a line each. */
export function logProblem(log: Logger, problem: Problem): void {
  for (const line of formatProblem(problem).split("\n")) {
    log({ level: LEVELS[problem.severity], text: line });
  }
}
