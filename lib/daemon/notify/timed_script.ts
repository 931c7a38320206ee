/** The scripts before the first instance starts and after the last one has stopped. */

import type { TimedScript } from "../../../config/model.ts";
import type { UserName } from "../../core/probe_spec.ts";
import { formatMicros } from "../../core/time.ts";
import { describeOutcome, startProgram } from "../../track/program.ts";
import type { Logger } from "../logger.ts";
import type { StartProgram } from "./script_target.ts";

/** What such a script needs besides itself. */
export interface TimedScriptParts {
  /** `startup_script` or `shutdown_script`. */
  readonly keyword: "startup_script" | "shutdown_script";
  /** Who runs a script that names nobody. */
  readonly scriptUser: UserName | null;
  readonly log: Logger;
  readonly start?: StartProgram;
}

/**
 * Runs a script to its end, or to its timeout, and says what went wrong. Never rejects.
 * @returns Whether it has exited with 0.
 */
export async function runTimed(script: TimedScript, parts: TimedScriptParts): Promise<boolean> {
  const { keyword, scriptUser, log, start = startProgram } = parts;
  const { command, timeoutUs } = script;
  const { words, user } = command;
  const outcome = await start({ words, user: user ?? scriptUser, timeoutUs }).outcome;
  if (outcome.kind === "exited" && outcome.status === 0) return true;
  const limit = outcome.kind === "timed out" ? ` after ${formatMicros(timeoutUs)}` : "";
  const how = `${describeOutcome(outcome)}${limit}`;
  log({ level: "warning", text: `Script ${keyword} (${words.join(" ")}): ${how}` });
  return false;
}
