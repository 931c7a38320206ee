/** `keepalived -t`: what is wrong with a configuration, with keepalived's exit codes. */

import { type Config, formatProblem, type Problem } from "../../config/mod.ts";
import type { Reading } from "../daemon/include_files.ts";
import { loadConfig } from "../daemon/load.ts";

/** keepalived 2.2.7 and 2.4 under -t (lib/scheduler.h); the manual page counts one lower. */
const TEST_EXIT = { ok: 0, missingParameter: 2, configTest: 5, include: 6, security: 6 } as const;

/** A fatal problem of this form makes keepalived end at once, with 2. */
const MISSING_PARAMETER = /^Cannot read "[^\n]*": [^\n]* is missing$/;

/**
 * What keepalived counts as an error though vigie does as the file says: by how our message begins.
 * All other warnings are vigie's own.
 */
const ERRORS_OF_KEEPALIVED = [
  /Truncating auth_pass/,
  /(nopreempt|preempt_delay) has no effect/,
  /has one member only/,
  /longer than \d+ (bytes|characters)/,
  /"(gw|or)" is an old spelling of/,
  /This rule has no preference/,
  /No virtual address but excluded ones/,
  /vmac_xmit_base is turned on$/,
];

/** What keepalived only logs, and goes on without: a script that cannot be run, but for a vrrp_script. */
const IDLE_NOTIFICATION =
  /^Script "[^\n]*: (\([^)]*\) notify\w*|(startup|shutdown)_script|\w*notify_fifo_script) is not run$/;

/**
 * Reads a configuration as the daemon would and says what is wrong with it.
 *
 * @param say Takes the lines.
 * @returns 0 for a file that is right or is not there, 2 where an argument is missing, 6 for scripts
 * without script security, 5 for everything else.
 */
export async function checkAsKeepalived(
  file: string,
  say: (line: string) => void,
  reading: Reading = {},
): Promise<number> {
  const { readable, problems, config } = await loadConfig(file, "root", reading);
  if (!readable) {
    say(`Config files missing '${file}'.`);
    return TEST_EXIT.ok;
  }
  for (const problem of problems) for (const line of formatProblem(problem).split("\n")) say(line);
  if (problems.some(isFailedInclude)) return TEST_EXIT.include;
  if (problems.some(isMissingParameter)) return TEST_EXIT.missingParameter;
  const scripted = runsScripts(config) ||
    problems.some((problem) => isIdleScript(problem) || isIdleNotification(problem));
  if (scripted && !config.global.enableScriptSecurity) {
    say("SECURITY VIOLATION - scripts are being executed but script_security not enabled.");
    return TEST_EXIT.security;
  }
  return problems.some(isError) ? TEST_EXIT.configTest : TEST_EXIT.ok;
}

function isMissingParameter({ severity, message }: Problem): boolean {
  return severity === "fatal" && MISSING_PARAMETER.test(message);
}

function isFailedInclude({ severity, message }: Problem): boolean {
  return severity === "fatal" && /, and the include must succeed$/.test(message);
}

function isError({ severity, message }: Problem): boolean {
  if (IDLE_NOTIFICATION.test(message)) return false;
  return severity !== "warning" || ERRORS_OF_KEEPALIVED.some((pattern) => pattern.test(message));
}

/** A script that nobody tracks is none of the configuration's checks, but keepalived counts it. */
function isIdleScript({ message, line }: Problem): boolean {
  return /is tracked by no instance/.test(message) && /^\s*vrrp_script\b/.test(line);
}

/** A notification that is there and cannot be run: keepalived counts it as a script. */
function isIdleNotification({ message }: Problem): boolean {
  return IDLE_NOTIFICATION.test(message) && !/ does not exist:? /.test(message);
}

/** Whether anything of it is a script. */
function runsScripts({ global, instances, groups, checks }: Config): boolean {
  const notified = [...instances, ...groups].map(({ notify }) => notify);
  return checks.some(({ spec }) => spec.probe.kind === "script") ||
    notified.some(({ scripts }) => Object.keys(scripts).length > 0) ||
    global.fifos.some(({ script }) => script !== null) ||
    global.startupScript !== null || global.shutdownScript !== null;
}
