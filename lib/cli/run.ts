import { type Config, isFatal } from "../../config/mod.ts";
import { EXIT, runDaemon } from "../daemon/daemon.ts";
import { chooseConfig, type ConfigArguments, loadChosen } from "../daemon/uci.ts";
import { logProblem } from "../daemon/log_problems.ts";
import { type Logger, logStyle, stderrLogger } from "../daemon/logger.ts";
import { type Resumption, takeHandover } from "../daemon/handover_resume.ts";
import { isInNamespace } from "../net/enter_namespace.ts";
import { claimNamespace, missingCapabilities, type Rival } from "../net/host.ts";
import { goOnInNamespace } from "./own_namespace.ts";
import { VERSION } from "./version.ts";

/** How `vigie run` is called. */
export interface RunOptions extends ConfigArguments {
  /** False after --no-realtime. */
  readonly realtime: boolean;
  /** Where the log goes; standard error without it. */
  readonly log?: Logger;
  /** Takes the place of the configuration's. */
  readonly umask?: number;
  /** Called once, when nothing speaks against the daemon any more, before it starts. */
  readonly onClaimed?: () => void;
  /** Called once, when the daemon has started. */
  readonly onStarted?: () => void;
  /** What was handed over, of who has taken it already (`takeHandover`); null for nothing. */
  readonly resumption?: Resumption | null;
}

/**
 * `vigie run`: the daemon in the foreground. It starts wherever keepalived would start, and says
 * loudly what of the configuration it ignores.
 *
 * @param module The program's own module, for the engine thread.
 * @returns keepalived's exit codes: 0 after a signal, and where another one runs already, 2 for a configuration that cannot be run, 4 for
 * a missing capability, 6 without a configuration file.
 */
export async function runCommand(options: RunOptions, module: string): Promise<number> {
  const log = options.log ?? stderrLogger(logStyle(Deno.env));
  const resumption = options.resumption ?? takeHandover(VERSION, log);
  let code: number = EXIT.program;
  try {
    code = await prepareAndRun(options, module, log, resumption);
  } finally {
    // Before the new image is healthy, its end is a reason to go back, whatever it is.
    resumption?.fallBack(`it ended with status ${code}`);
  }
  return code;
}

async function prepareAndRun(
  options: RunOptions,
  module: string,
  log: Logger,
  resumption: Resumption | null,
): Promise<number> {
  const { realtime: allowRealtime } = options, source = chooseConfig(options);
  const loaded = await loadChosen(source, "this process");
  const { file: path } = loaded, { netNamespace } = loaded.config.global.root;
  // Whoever goes on stays where its addresses are: the file was changed after the rehearsal.
  const mayMove = !options.stays && resumption === null;
  if (netNamespace !== null && mayMove && isInNamespace(netNamespace.name) === false) {
    const say = (text: string) => log({ level: "error", text });
    return goOnInNamespace(netNamespace.name, Deno.args, module, say);
  }
  if (!loaded.enabled) {
    log({ level: "info", text: `${path} says "enabled 0": vigie does not run` });
    return EXIT.ok;
  }
  for (const problem of loaded.problems) logProblem(log, problem);
  if (!loaded.readable) return EXIT.noConfig;
  if (isFatal(loaded.problems)) {
    log({ level: "error", text: `Cannot run ${path}: see the fatal problems above` });
    return EXIT.config;
  }
  const missing = missingCapabilities();
  for (const { name, why } of missing) {
    log({
      level: "error",
      text: `Missing capability ${name}, needed ${why}: ${CAPABILITY_REMEDY}`,
    });
  }
  if (missing.length > 0) return EXIT.permission;
  const rival = resumption?.adoptClaim() ? null : claimNamespace();
  if (rival !== null && isTrusted(rival)) {
    log({ level: "error", text: `vigie is already running here: process ${rival.pid}` });
    return EXIT.ok;
  }
  if (rival !== null) {
    const text =
      `Process ${rival.pid} of user ${rival.uid} pretends to be vigie: going on without it`;
    log({ level: "warning", text });
  }
  const { onStarted } = options;
  options.onClaimed?.();
  const config = withUmask(loaded.config, options.umask);
  return await runDaemon({
    config,
    flat: loaded.flat,
    source,
    module,
    version: VERSION,
    allowRealtime,
    log,
    onStarted,
    resumption,
  });
}

function withUmask(config: Config, umask: number | undefined): Config {
  if (umask === undefined) return config;
  const { global } = config;
  return { ...config, global: { ...global, process: { ...global.process, umask } } };
}

/** Any user can take a name; only root and this user can keep vigie from running by it. */
function isTrusted({ uid }: Rival): boolean {
  return uid === 0 || uid === Deno.uid();
}

const CAPABILITY_REMEDY = "run as root, or grant it (AmbientCapabilities= in a systemd unit, " +
  "--cap-add for a container)";
