/** vigie called as keepalived: keepalived's options, files, log and exit codes (keepalived(8)). */

import { resolve } from "node:path";
import { parseUmask } from "../../config/table_global_process.ts";
import { EXIT } from "../daemon/daemon.ts";
import { fileLogger } from "../daemon/log_file.ts";
import { type Logger, logStyle, stderrLogger } from "../daemon/logger.ts";
import { type Resumption, takeHandover } from "../daemon/handover_resume.ts";
import { keepalivedOf, PidFile } from "../daemon/pid_file.ts";
import { FACILITIES, syslogLogger } from "../daemon/syslog.ts";
import { nameThread } from "../net/process_options.ts";
import { checkAsKeepalived } from "./keepalived_check.ts";
import {
  enterNamespace,
  type GivenCommand,
  startInBackground,
  tellStarted,
} from "./keepalived_launch.ts";
import { CONFIG_FILE, defaultPidFiles, namespaceOf, readingOf } from "./keepalived_identity.ts";
import { KEEPALIVED } from "./keepalived_name.ts";
import { type OptionName, type OptionRow, OPTIONS, parseOptions } from "./keepalived_options.ts";
import { SIGNAL_FUNCTIONS, USAGE, versionText } from "./keepalived_text.ts";
import { runCommand } from "./run.ts";
import { VERSION } from "./version.ts";

/** Where -g without a file writes (KEEPALIVED_LOG_FILE). */
const LOG_FILE = "/tmp/keepalived.log";

/** EXIT_FAILURE of stdlib.h: for a command line that cannot be used. */
const BAD_USAGE = 1;

/** What syslog knows the process by that speaks VRRP. */
const IDENT = "Keepalived_vrrp";

/**
 * Does what keepalived does when it is called so.
 *
 * @param module The program's own module, for the engine thread.
 * @returns keepalived's exit codes: those of `checkAsKeepalived` with -t, else those of
 * `runCommand`; 1 for a command line that cannot be used.
 */
export async function keepalivedCommand(args: readonly string[], module: string): Promise<number> {
  const { options, words, errors } = parseOptions(args);
  const given = { options, args, module }, log = lazily(() => chooseLog(options));
  // Another image's daemon is this one's now: from here on, nothing may end it but its own reasons.
  const resumption = takeHandover(VERSION, log);
  if (resumption !== null) return await serve(given, log, resumption);
  for (const error of errors) console.error(error);
  if (errors.length > 0) return BAD_USAGE;
  if (words.length > 0) console.log(`Unexpected argument(s): ${words.join(" ")}`);
  const told = tell(options);
  if (told !== null) return told;
  const refused = refusal(options);
  if (refused !== null) {
    console.error(refused);
    return BAD_USAGE;
  }
  // A test of the file looks into the namespace that it names, and stays outside.
  const namespace = options.has("config-test") ? options.get("namespace") : namespaceOf(options);
  if (namespace && !options.has("vigie-in-namespace")) {
    return enterNamespace(namespace, [`--namespace=${namespace}`, ...args], module);
  }
  return options.has("config-test") ? await test(options) : await run(given, log);
}

type Options = ReadonlyMap<OptionName, string | null>;

/** What is only asked. @returns The exit code; null if something is to be done. */
function tell(options: Options): number | null {
  if (options.has("version")) console.error(versionText());
  else if (options.has("help")) console.error(USAGE);
  else if (options.has("signum")) {
    const name = options.get("signum")!;
    if (!Object.hasOwn(SIGNAL_FUNCTIONS, name)) {
      console.error(`Unknown sigfunc ${name}`);
      return BAD_USAGE;
    }
    console.log(SIGNAL_FUNCTIONS[name]);
  } else return null;
  return EXIT.ok;
}

/** Why nothing is done; null if it is. */
function refusal(options: Options): string | null {
  for (const name of options.keys()) {
    const row: OptionRow = OPTIONS[name];
    // -P beside -C asks for both, of which one is there.
    if (row.refused && !(name === "check" && options.has("vrrp"))) {
      return `--${name} is declined: ${row.remark}`;
    }
  }
  return null;
}

function test(options: Options): Promise<number> {
  const target = options.get("config-test") ?? null;
  const say = (line: string) => {
    if (target === null) console.error(line);
    else Deno.writeTextFileSync(target, `${line}\n`, { append: true });
  };
  return checkAsKeepalived(options.get("use-file") ?? CONFIG_FILE, say, readingOf(options));
}

async function run(given: GivenCommand, log: Logger): Promise<number> {
  const { options } = given, isBackground = options.has("vigie-in-background");
  if (!isBackground && !options.has("dont-fork")) return await startInBackground(given);
  remark(options, log);
  if (pidPaths(options).some((path) => keepalivedOf(path) !== null)) {
    log({ level: "info", text: "daemon is already running" });
    return EXIT.ok;
  }
  if (isBackground) Deno.chdir("/");
  return await serve(given, log, null);
}

/** Is the daemon. @param resumption What another image has handed over: then it is known to be one. */
async function serve(
  { options, module }: GivenCommand,
  log: Logger,
  resumption: Resumption | null,
): Promise<number> {
  nameThread(KEEPALIVED);
  const umask = readUmask(options, log);
  const file = resolve(options.get("use-file") ?? CONFIG_FILE);
  let pidFiles: readonly PidFile[] = [];
  try {
    return await runCommand({
      file,
      ...readingOf(options),
      stays: true,
      realtime: true,
      log,
      resumption,
      // Not earlier: of two that start at once, the one that must not run would leave its own.
      onClaimed: () => pidFiles = writePidFiles(options, log),
      onStarted: () => {
        if (options.has("vigie-in-background") && resumption === null) tellStarted();
      },
      ...umask === null ? {} : { umask },
    }, module);
  } finally {
    for (const pidFile of pidFiles) pidFile.remove();
  }
}

/** Each option that does not do what keepalived does with it is said once. */
function remark(options: Options, log: Logger): void {
  for (const name of options.keys()) {
    const { remark }: OptionRow = OPTIONS[name];
    if (remark !== undefined) log({ level: "info", text: `--${name} has no effect: ${remark}` });
  }
}

function readUmask(options: Options, log: Logger): number | null {
  const text = options.get("umask");
  if (text === undefined || text === null) return null;
  const umask = parseUmask(text);
  if (umask === null) log({ level: "warning", text: `Invalid --umask option ${text}` });
  return umask;
}

/**
 * As keepalived: to syslog unless -G, to the console after -l with -n, to the file of -g, and to all
 * of these. What nothing of that takes goes to standard error, so that it is not lost in a container.
 */
function chooseLog(options: Options): Logger {
  const console = stderrLogger("time");
  const file = options.has("log-file") ? options.get("log-file") ?? LOG_FILE : null;
  const facility = readFacility(options.get("log-facility") ?? "daemon");
  const sinks: ((otherwise: Logger) => Logger)[] = [];
  if (options.has("log-console") && options.has("dont-fork")) sinks.push(() => console);
  if (file !== null) sinks.push((otherwise) => fileLogger(resolve(file), otherwise));
  if (!options.has("no-syslog")) {
    const identity = { ident: IDENT, pid: Deno.pid, facility: facility ?? FACILITIES.daemon! };
    sinks.push((otherwise) => syslogLogger(identity, otherwise));
  }
  const otherwise = sinks.length > 1 ? () => {} : stderrLogger(logStyle(Deno.env));
  const loggers = sinks.length === 0 ? [otherwise] : sinks.map((make) => make(otherwise));
  const log: Logger = (event) => loggers.forEach((write) => write(event));
  if (facility === undefined) {
    const given = options.get("log-facility");
    log({ level: "warning", text: `Invalid log facility '${given}'` });
  }
  return log;
}

/** A log that is opened when there is something to say. */
function lazily(open: () => Logger): Logger {
  let log: Logger | null = null;
  return (event) => (log ??= open())(event);
}

/** "3" is local3. Undefined if there is none such. */
function readFacility(text: string): number | undefined {
  const name = /^[0-7]$/.test(text) ? `local${text}` : text;
  return Object.hasOwn(FACILITIES, name) ? FACILITIES[name] : undefined;
}

/** Both hold the one process there is: whoever signals the one or the other reaches it. */
function pidPaths(options: Options): string[] {
  const { folder, pid, vrrpPid } = defaultPidFiles(options);
  makeFolder(folder);
  const paths = [options.get("pid") ?? pid, options.get("vrrp_pid") ?? vrrpPid];
  return [...new Set(paths.map((path) => resolve(path)))];
}

function writePidFiles(options: Options, log: Logger): PidFile[] {
  return pidPaths(options).flatMap((path) => {
    const written = PidFile.write(path);
    if (written instanceof PidFile) return [written];
    log({ level: "warning", text: `No pid file: ${written.why}` });
    return [];
  });
}

function makeFolder(folder: string): void {
  try {
    Deno.mkdirSync(folder, { recursive: true });
  } catch {
    // The pid files say why they cannot be written.
  }
}
