/** From what the blocks say to the records of the model, with every default filled in. */

import { micros, seconds } from "../lib/core/time.ts";
import { buildGarpGroups } from "./build_garp_groups.ts";
import { buildInstance } from "./build_instance.ts";
import type { InstanceInput } from "./instance_context.ts";
import type { Named, Settings } from "./keyword.ts";
import type {
  Config,
  Facts,
  GarpGroup,
  GlobalDefs,
  VrrpInstance,
  VrrpScript,
  VrrpTrackProcess,
} from "./model.ts";
import type { Tree } from "./parser.ts";
import type { Report } from "./problem.ts";
import type { GLOBAL_DEFS } from "./table_global.ts";
import type { VRRP_SCRIPT, VRRP_TRACK_PROCESS } from "./table_track.ts";

/** The configuration that a tree means. Instances that could never run are left out, reported. */
export function build(tree: Tree, facts: Facts | null, report: Report): Config {
  const globals = tree.global_defs ?? {};
  // A script without a command is no script: references to it are not found.
  const scripts = (tree.vrrp_script ?? []).filter(({ settings }) => settings.script !== undefined);
  const processes = tree.vrrp_track_process ?? [];
  const instances: VrrpInstance[] = [];
  for (const named of tree.vrrp_instance ?? []) {
    const input: InstanceInput = { named, globals, scripts, processes, facts, report };
    const instance = buildInstance(input);
    if (instance !== null) instances.push(instance);
  }
  return {
    global: buildGlobal(globals, buildGarpGroups(tree.garp_group ?? [], facts, report)),
    instances,
    scripts: (tree.vrrp_script ?? []).flatMap((named) => buildScript(named, globals, report) ?? []),
    trackProcesses: processes.map((named) => buildProcess(named, report)),
  };
}

function buildGlobal(
  globals: Settings<typeof GLOBAL_DEFS>,
  garpGroups: readonly GarpGroup[],
): GlobalDefs {
  return {
    routerId: globals.router_id?.value ?? null,
    startupDelayUs: globals.vrrp_startup_delay?.value ?? micros(0),
    scriptUser: globals.script_user?.value.user ?? null,
    enableScriptSecurity: globals.enable_script_security?.value ?? false,
    dynamicInterfaces: globals.dynamic_interfaces !== undefined,
    realtimePriority: globals.vrrp_rt_priority?.value ?? null,
    lockMemory: globals.vrrp_no_swap !== undefined,
    garpIntervalUs: globals.vrrp_garp_interval?.value ?? micros(0),
    gnaIntervalUs: globals.vrrp_gna_interval?.value ?? micros(0),
    garpGroups,
  };
}

function buildScript(
  named: Named<typeof VRRP_SCRIPT>,
  globals: Settings<typeof GLOBAL_DEFS>,
  report: Report,
): VrrpScript | null {
  const { settings } = named;
  const command = settings.script?.value;
  if (command === undefined) {
    if (!named.refused.has("script")) reportMissing("vrrp_script", "script", named, report);
    return null;
  }
  const user = settings.user?.value ?? globals.script_user?.value;
  const intervalUs = settings.interval?.value ?? seconds(1);
  return {
    name: named.name,
    position: named.position,
    command: command.user === null && user !== undefined
      ? { ...command, user: user.user, group: user.group }
      : command,
    intervalUs,
    timeoutUs: settings.timeout?.value || intervalUs,
    weight: settings.weight?.value.weight ?? 0,
    reverse: settings.weight?.value.reverse ?? false,
    rise: settings.rise?.value ?? 1,
    fall: settings.fall?.value ?? 1,
  };
}

function buildProcess(
  named: Named<typeof VRRP_TRACK_PROCESS>,
  report: Report,
): VrrpTrackProcess {
  const { settings } = named;
  if (settings.process === undefined && !named.refused.has("process")) {
    reportMissing("vrrp_track_process", "process", named, report);
  }
  return {
    name: named.name,
    position: named.position,
    process: settings.process?.value ?? [],
    weight: settings.weight?.value.weight ?? 0,
    reverse: settings.weight?.value.reverse ?? false,
  };
}

function reportMissing(
  block: string,
  keyword: string,
  named: { readonly name: string; readonly position: VrrpScript["position"] },
  report: Report,
): void {
  report({
    severity: "error",
    position: named.position,
    message: `${block} "${named.name}" has no "${keyword}": it watches nothing`,
    remedy: `Write a "${keyword}" line into the block`,
  });
}
