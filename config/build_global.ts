/** `global_defs`: what holds for the daemon as a whole. */

import { micros, seconds } from "../lib/core/time.ts";
import type { Found, Settings } from "./keyword.ts";
import type {
  Facts,
  GarpGroup,
  GlobalDefs,
  MailDefs,
  NotifyFifo,
  ProcessDefs,
  RootDefs,
  ScriptCommand,
  TimedScript,
} from "./model.ts";
import type { Report } from "./problem.ts";
import type { Scripts } from "./scripts.ts";
import type { GLOBAL_DEFS } from "./table_global.ts";

type Globals = Settings<typeof GLOBAL_DEFS>;

/** keepalived's defaults (its keyword reference). */
const SCRIPT_TIMEOUT_SECONDS = 10, SMTP_CONNECT_SECONDS = 30;

/** What the builders of this block share. */
interface GlobalInput {
  readonly globals: Globals;
  readonly scripts: Scripts;
  readonly facts: Facts | null;
  readonly report: Report;
}

/** keepalived's, in its run-time folder. */
const RELOAD_FILE = "/run/keepalived.reload";

function buildReload(globals: Globals): GlobalDefs["reload"] {
  const { reload_file: file, fifo_write_vrrp_states_on_reload: states } = globals;
  return {
    file: file === undefined ? null : file.value ?? RELOAD_FILE,
    writeStates: states !== undefined,
    timeFile: globals.reload_time_file?.value ?? null,
    repeat: globals.reload_repeat?.value ?? false,
    saveFolder: globals.config_save_dir?.value ?? null,
  };
}

/** All of it, but for what is merged into instances. */
export function buildGlobal(
  input: GlobalInput,
  root: RootDefs,
  garpGroups: readonly GarpGroup[],
): GlobalDefs {
  const { globals, scripts } = input;
  return {
    routerId: globals.router_id?.value ?? null,
    startupDelayUs: globals.vrrp_startup_delay?.value ?? micros(0),
    delayAfterBootUs: globals.vrrp_delay_after_boot?.value ?? micros(0),
    scriptUser: scripts.scriptUser,
    enableScriptSecurity: globals.enable_script_security?.value ?? false,
    fifos: buildFifos(input),
    startupScript: buildTimed(input, "startup_script"),
    shutdownScript: buildTimed(input, "shutdown_script"),
    mail: buildMail(input),
    root,
    reload: buildReload(globals),
    dynamicInterfaces: globals.dynamic_interfaces !== undefined,
    realtimePriority: globals.vrrp_rt_priority?.value ?? null,
    process: buildProcess(globals),
    firewall: buildFirewall(globals),
    noLocalIgmp: globals.disable_local_igmp !== undefined,
    garpIntervalUs: globals.vrrp_garp_interval?.value ?? micros(0),
    gnaIntervalUs: globals.vrrp_gna_interval?.value ?? micros(0),
    garpGroups,
  };
}

/** keepalived's table, and just before the filter's own chains, whose priority is 0. */
const FIREWALL_TABLE = "keepalived", FIREWALL_PRIORITY = -1;

function buildFirewall(globals: Globals): GlobalDefs["firewall"] {
  return {
    table: globals.nftables?.value ?? FIREWALL_TABLE,
    priority: globals.nftables_priority?.value ?? FIREWALL_PRIORITY,
    counters: globals.nftables_counters !== undefined,
  };
}

/** What `process_names` calls the process that speaks VRRP (keepalived's keyword reference). */
const KEEPALIVED_VRRP = "keepalived_vrrp";

function buildProcess(globals: Globals): ProcessDefs {
  return {
    name: globals.process_name?.value ?? null,
    engineName: globals.vrrp_process_name?.value ??
      (globals.process_names === undefined ? null : KEEPALIVED_VRRP),
    niceness: globals.vrrp_priority?.value ?? null,
    processors: globals.vrrp_cpu_affinity?.value ?? null,
    noSwap: globals.vrrp_no_swap !== undefined,
    realtimeLimitUs: globals.vrrp_rlimit_rttime === undefined
      ? null
      : micros(globals.vrrp_rlimit_rttime.value),
    umask: globals.umask?.value ?? null,
    oomScoreAdjust: globals.oom_score_adj?.value ?? null,
  };
}

type GlobalScript =
  | "startup_script"
  | "shutdown_script"
  | "notify_fifo_script"
  | "vrrp_notify_fifo_script";

function buildScript(
  { globals, scripts }: GlobalInput,
  keyword: GlobalScript,
): ScriptCommand | null {
  const given = globals[keyword];
  return given === undefined ? null : scripts.command(given.value, `${keyword} is not run`);
}

function buildTimed(
  input: GlobalInput,
  keyword: "startup_script" | "shutdown_script",
): TimedScript | null {
  const timeout = input.globals[`${keyword}_timeout`];
  if (timeout !== undefined && input.globals[keyword] === undefined) {
    warn(input, timeout, `${timeout.value} s for no ${keyword}: the line has no effect`);
  }
  const command = buildScript(input, keyword);
  return command && { command, timeoutUs: seconds(timeout?.value ?? SCRIPT_TIMEOUT_SECONDS) };
}

/** In the order "global", "vrrp"; one path is one FIFO. */
function buildFifos(input: GlobalInput): readonly NotifyFifo[] {
  const keywords = ["notify_fifo", "vrrp_notify_fifo"] as const;
  const fifos: NotifyFifo[] = [];
  for (const keyword of keywords) {
    const found = input.globals[keyword];
    const script = input.globals[`${keyword}_script`];
    if (found === undefined) {
      if (script !== undefined) {
        warn(input, script, `There is no ${keyword} that this script could read: it is not run`);
      }
      continue;
    }
    if (fifos.some(({ path }) => path === found.value.path)) {
      input.report({
        severity: "error",
        position: found.position,
        message: `"${found.value.path}" is the path of notify_fifo already: ${keyword} is ignored`,
        remedy: "Give it another path, or delete one of the two lines",
      });
      continue;
    }
    fifos.push(buildFifo(input, keyword, found.value));
  }
  return fifos;
}

function buildFifo(
  input: GlobalInput,
  keyword: "notify_fifo" | "vrrp_notify_fifo",
  { path, owner, position }: NonNullable<Globals["notify_fifo"]>["value"],
): NotifyFifo {
  const reason = input.facts?.inspect?.fifo(path) ?? null;
  if (reason !== null) {
    input.report({
      severity: "error",
      position,
      message: `Cannot use "${path}" as a FIFO: ${reason}: nothing is written to it`,
      remedy: "Name a path in a folder that exists, such as /run/vigie.fifo, where nothing else is",
    });
  }
  const until = "the FIFO that is made belongs to the daemon's user";
  const usable = owner !== null && input.scripts.account(owner, until);
  return {
    path,
    owner: usable ? owner.name : null,
    script: buildScript(input, `${keyword}_script`),
    position,
  };
}

function warn(
  { report }: GlobalInput,
  { position }: Found<unknown>,
  message: string,
  remedy = "Delete the line, or write the other one",
): void {
  report({ severity: "warning", position, message, remedy });
}

function buildMail(input: GlobalInput): MailDefs {
  const { globals } = input;
  const login = globals.smtp_login?.value ?? null;
  // A password must not go in the clear because a server, or who answers for it, offers nothing else.
  const tls = globals.smtp_tls?.value ?? (login === null ? "opportunistic" : "starttls");
  if (login !== null && tls !== "starttls" && tls !== "tls") {
    const when = tls === "none" ? "" : " if the server offers no encryption";
    warn(
      input,
      globals.smtp_tls!,
      `The password of smtp_login goes over the network in the clear${when}: smtp_tls is ${tls}`,
      'Write "smtp_tls starttls", or "smtp_tls tls" for a server that expects it (port 465)',
    );
  }
  const timeout = globals.smtp_connect_timeout;
  if (timeout?.value === 0) {
    const message = `No server answers in 0 s: ${SMTP_CONNECT_SECONDS} s is used`;
    warn(input, timeout, message, "Write more than 0, or delete the line");
  }
  return {
    recipients: (globals.notification_email ?? []).map(({ value }) => value),
    from: globals.notification_email_from?.value ?? null,
    server: globals.smtp_server?.value ?? null,
    heloName: globals.smtp_helo_name?.value ?? null,
    connectTimeoutUs: timeout?.value || seconds(SMTP_CONNECT_SECONDS),
    tls,
    login,
    noFaults: globals.no_email_faults !== undefined,
  };
}
