import { formatProblem, isFatal, type Problem } from "../../config/mod.ts";
import type { LogLevel } from "../core/log.ts";
import { EXIT, runDaemon } from "../daemon/daemon.ts";
import { configFile, loadConfig } from "../daemon/load.ts";
import { type Logger, logStyle, stderrLogger } from "../daemon/logger.ts";
import { claimNamespace, missingCapabilities, type Rival } from "../net/host.ts";
import { VERSION } from "./version.ts";

const LEVELS: Readonly<Record<Problem["severity"], LogLevel>> = {
  fatal: "error",
  error: "error",
  warning: "warning",
};

/** How `vigie run` is called. */
export interface RunOptions {
  readonly file?: string | undefined;
  /** False after --no-realtime. */
  readonly realtime: boolean;
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
  const { file, realtime: allowRealtime } = options;
  const log = stderrLogger(logStyle(Deno.env));
  const path = configFile(file);
  const loaded = await loadConfig(path, "this process");
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
  const rival = claimNamespace();
  if (rival !== null && isTrusted(rival)) {
    log({ level: "error", text: `vigie is already running here: process ${rival.pid}` });
    return EXIT.ok;
  }
  if (rival !== null) {
    const text =
      `Process ${rival.pid} of user ${rival.uid} pretends to be vigie: going on without it`;
    log({ level: "warning", text });
  }
  return await runDaemon({ config: loaded.config, module, version: VERSION, allowRealtime, log });
}

/** Any user can take a name; only root and this user can keep vigie from running by it. */
function isTrusted({ uid }: Rival): boolean {
  return uid === 0 || uid === Deno.uid();
}

const CAPABILITY_REMEDY = "run as root, or grant it (AmbientCapabilities= in a systemd unit, " +
  "--cap-add for a container)";

function logProblem(log: Logger, problem: Problem): void {
  for (const line of formatProblem(problem).split("\n")) {
    log({ level: LEVELS[problem.severity], text: line });
  }
}
