/** The log in a file of the operator's. */

import { formatLog, type Logger } from "./logger.ts";

/**
 * Appends lines to a file, which is opened for each: whoever rotates logs need tell nobody. What
 * cannot be written goes to `otherwise`.
 */
export function fileLogger(path: string, otherwise: Logger): Logger {
  return (event) => {
    try {
      Deno.writeTextFileSync(path, `${formatLog(event, "time", new Date())}\n`, { append: true });
    } catch {
      otherwise(event);
    }
  };
}
