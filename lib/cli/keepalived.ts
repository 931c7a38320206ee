/** vigie called as keepalived: keepalived's options, files, log and exit codes (keepalived(8)). */

import { resolve } from "node:path";
import { parseUmask } from "../../config/table_global_process.ts";
import { EXIT } from "../daemon/daemon.ts";
import { fileLogger } from "../daemon/log_file.ts";
import { type Logger, logStyle, stderrLogger } from "../daemon/logger.ts";
import { PidFile } from "../daemon/pid_file.ts";
import { FACILITIES, syslogLogger } from "../daemon/syslog.ts";
import { nameThread } from "../net/process_options.ts";
import { checkAsKeepalived } from "./keepalived_check.ts";
import {
  enterNamespace,
  type GivenCommand,
  startInBackground,
  tellStarted,
} from "./keepalived_launch.ts";
import { KEEPALIVED } from "./keepalived_name.ts";
import { type OptionName, type OptionRow, OPTIONS, parseOptions } from "./keepalived_options.ts";
import { SIGNAL_FUNCTIONS, USAGE, versionText } from "./keepalived_text.ts";
import { runCommand } from "./run.ts";

/** keepalived's, whatever is said elsewhere. */
const CONFIG_FILE = "/etc/keepalived/keepalived.conf";

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
  const namespace = options.get("namespace");
  if (namespace && !options.has("vigie-in-namespace")) {
    return enterNamespace(namespace, args, module);
  }
  return options.has("config-test") ? await test(options) : await run({ options, args, module });
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
  return checkAsKeepalived(options.get("use-file") ?? CONFIG_FILE, say);
}

async function run({ options, args, module }: GivenCommand): Promise<number> {
  const isBackground = options.has("vigie-in-background");
  if (!isBackground && !options.has("dont-fork")) {
    return await startInBackground({ args, options, module });
  }
  const log = chooseLog(options);
  remark(options, log);
  nameThread(KEEPALIVED);
  const umask = readUmask(options, log);
  const file = resolve(options.get("use-file") ?? CONFIG_FILE);
  const pidFiles = new PidFiles(options, log);
  if (pidFiles.isRunning) {
    log({ level: "info", text: "daemon is already running" });
    return EXIT.ok;
  }
  if (isBackground) Deno.chdir("/");
  try {
    const onStarted = () => isBackground && tellStarted();
    return await runCommand(
      { file, realtime: true, log, onStarted, ...umask === null ? {} : { umask } },
      module,
    );
  } finally {
    pidFiles.remove();
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

/** "3" is local3. Undefined if there is none such. */
function readFacility(text: string): number | undefined {
  const name = /^[0-7]$/.test(text) ? `local${text}` : text;
  return Object.hasOwn(FACILITIES, name) ? FACILITIES[name] : undefined;
}

/** Both hold the one process there is: whoever signals the one or the other reaches it. */
class PidFiles {
  readonly isRunning: boolean;
  readonly #held: PidFile[] = [];

  constructor(options: Options, log: Logger) {
    const folder = pidFolder(options.get("namespace") ?? null);
    const paths = [
      options.get("pid") ?? `${folder}/keepalived.pid`,
      options.get("vrrp_pid") ?? `${folder}/keepalived_vrrp.pid`,
    ];
    let isRunning = false;
    for (const path of new Set(paths.map((path) => resolve(path)))) {
      const written = PidFile.write(path);
      if (written instanceof PidFile) this.#held.push(written);
      else if (written.kind === "running") isRunning = true;
      else log({ level: "warning", text: `No pid file: ${written.why}` });
    }
    this.isRunning = isRunning;
    if (isRunning) this.remove();
  }

  remove(): void {
    for (const file of this.#held.splice(0)) file.remove();
  }
}

/** In a namespace with a name, where keepalived's are seen from outside of it. */
function pidFolder(namespace: string | null): string {
  if (namespace === null) return "/run";
  const folder = `/run/keepalived/keepalived_${namespace}`;
  try {
    Deno.mkdirSync(folder, { recursive: true });
  } catch {
    // The pid files say why they cannot be written.
  }
  return folder;
}
