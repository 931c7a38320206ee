/** From what the blocks say to the records of the model, with every default filled in. */

import { buildCheck, buildScript } from "./build_check.ts";
import { buildDelays } from "./build_delays.ts";
import { buildGarpGroups } from "./build_garp_groups.ts";
import { buildGlobal } from "./build_global.ts";
import { buildGroups, type GroupDraft } from "./build_groups.ts";
import { buildInstance } from "./build_instance.ts";
import { buildRouting } from "./build_routes.ts";
import { buildStatic } from "./build_static.ts";
import { buildTrackProcess } from "./build_process.ts";
import { buildTrackFiles } from "./build_track_file.ts";
import { withLinks } from "./build_vmac.ts";
import type { Config, Facts, VrrpInstance, VrrpSyncGroup } from "./model.ts";
import { limitedNearest } from "./nearest.ts";
import { byName, type Defined, type Objects } from "./objects.ts";
import type { Tree } from "./parser.ts";
import type { Report } from "./problem.ts";
import { Scripts } from "./scripts.ts";
import { buildRoot } from "./table_root.ts";

/** A configuration, and what `check` must know of its references. */
export interface Built {
  readonly config: Config;
  readonly objects: Objects;
  /** Objects that an instance or a group names, as "script chk". */
  readonly named: ReadonlySet<string>;
}

/** The configuration that a tree means. Instances that could never run are left out, reported. */
export function build(tree: Tree, facts: Facts | null, report: Report): Built {
  const globals = tree.global_defs ?? {};
  const scripts = new Scripts(globals, facts?.inspect ?? null, report);
  const global = buildGlobal(
    { globals, scripts, facts, report },
    buildRoot(tree),
    buildGarpGroups(tree.garp_group ?? [], facts, report),
  );
  const objects = buildObjects(tree, scripts, facts, report);
  const named = new Set<string>();
  const reachable = withLinks(facts, tree);
  const tracking = {
    objects,
    facts: reachable,
    named,
    nearest: limitedNearest(),
    dynamicInterfaces: global.dynamicInterfaces,
  };
  const drafts = buildGroups(tree, { globals, scripts, tracking, report });
  const { dynamicInterfaces } = global;
  const routingInput = { globals, dynamicInterfaces, facts: reachable, report };
  const routings = buildRouting(tree, routingInput);
  const groupOf = new Map(drafts.flatMap((group) => group.members.map((name) => [name, group])));
  const instances = (tree.vrrp_instance ?? []).flatMap((named): readonly VrrpInstance[] => {
    const group = groupOf.get(named.name) ?? null;
    const routing = routings.get(named.name)!;
    const instance = buildInstance({
      named,
      globals,
      scripts,
      tracking,
      routing,
      group,
      facts,
      report,
    });
    return instance === null ? [] : [instance];
  });
  scripts.reportInsecure();
  const tracked = new Set(
    instances.flatMap(({ tracks }) => tracks.map(({ kind, name }) => `${kind} ${name}`)),
  );
  const config = {
    global,
    instances,
    groups: buildMembers(drafts, instances),
    checks: [
      ...inUse(objects.script, "script", tracked),
      ...inUse(objects.check, "check", tracked),
    ],
    trackProcesses: inUse(objects.process, "process", tracked),
    trackFiles: inUse(objects.file, "file", tracked),
    statics: buildStatic(
      tree,
      routings.get(null)!,
      new Set(instances.map(({ name }) => name)),
      routingInput,
    ),
    linkDelays: buildDelays(tree.interface_up_down_delays ?? [], instances, routingInput),
  };
  return { config, objects, named };
}

function buildObjects(
  tree: Tree,
  scripts: Scripts,
  facts: Facts | null,
  report: Report,
): Objects {
  const input = { scripts, facts, report };
  return {
    script: byName((tree.vrrp_script ?? []).flatMap((named) => buildScript(named, input) ?? [])),
    check: byName((tree.vrrp_check ?? []).map((named) => buildCheck(named, input))),
    process: byName(
      (tree.vrrp_track_process ?? []).flatMap((named) => buildTrackProcess(named, report) ?? []),
    ),
    file: byName(buildTrackFiles(tree, facts?.inspect ?? null, report)),
  };
}

/** The records of one kind that an instance tracks. */
function inUse<D extends Defined>(
  objects: ReadonlyMap<string, D>,
  kind: string,
  tracked: ReadonlySet<string>,
): readonly NonNullable<D["record"]>[] {
  return [...objects.values()].flatMap(({ name, record }) =>
    record !== null && tracked.has(`${kind} ${name}`) ? [record] : []
  );
}

/** The groups, with those of their members that could be built. */
function buildMembers(
  drafts: readonly GroupDraft[],
  instances: readonly VrrpInstance[],
): readonly VrrpSyncGroup[] {
  const built = new Set(instances.map(({ name }) => name));
  return drafts.map(({ name, position, members, notify }) => ({
    name,
    position,
    members: members.filter((member) => built.has(member)),
    notify,
  })).filter(({ members }) => members.length > 0);
}
