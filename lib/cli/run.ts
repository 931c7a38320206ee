import { formatProblem, isFatal, type Problem } from "../../config/mod.ts";
import type { LogLevel } from "../core/log.ts";
import { EXIT, runDaemon } from "../daemon/daemon.ts";
import { configFile, loadConfig } from "../daemon/load.ts";
import { type Logger, logStyle, stderrLogger } from "../daemon/logger.ts";
import { missingCapabilities } from "../net/host.ts";
import { VERSION } from "./version.ts";

const LEVELS: Readonly<Record<Problem["severity"], LogLevel>> = {
  fatal: "error",
  error: "error",
  warning: "warning",
};

/**
 * `vigie run`: the daemon in the foreground. It starts wherever keepalived would start, and says
 * loudly what of the configuration it ignores.
 *
 * @param module The program's own module, for the engine thread.
 * @returns keepalived's exit codes: 0 after a signal, 2 for a configuration that cannot be run, 4 for
 * a missing capability, 6 without a configuration file.
 */
export async function runCommand(file: string | undefined, module: string): Promise<number> {
  const log = stderrLogger(logStyle(Deno.env));
  const path = configFile(file);
  const loaded = loadConfig(path);
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
  return await runDaemon({ config: loaded.config, module, version: VERSION, log });
}

const CAPABILITY_REMEDY = "run as root, or grant it (AmbientCapabilities= in a systemd unit, " +
  "--cap-add for a container)";

function logProblem(log: Logger, problem: Problem): void {
  for (const line of formatProblem(problem).split("\n")) {
    log({ level: LEVELS[problem.severity], text: line });
  }
}
