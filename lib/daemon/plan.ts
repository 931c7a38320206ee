/**
 * What a reload changes: computed from the configuration that runs and the new one. The reload is
 * done by the same match of instances (lib/engine/reload_match.ts) and the same comparison, so that
 * what is shown is what happens.
 */

import type { Config, VrrpInstance } from "../../config/model.ts";
import type { State } from "../vrrp/types.ts";
import { matchInstances } from "../engine/reload_match.ts";
import { NO_SETTING, type SettingChange, settingChanges } from "./plan_diff.ts";
import { cautionsOf, movesOf } from "./plan_moves.ts";
import { engineParts } from "./spec.ts";
import { isSame } from "../core/same.ts";

/** Something that has a name, and what of it changes. */
export interface NamedChange {
  readonly name: string;
  /** What it was called before; null for the same. */
  readonly was: string | null;
  readonly changes: readonly SettingChange[];
}

/** Things of one kind. */
export interface KindPlan {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly NamedChange[];
  readonly unchanged: number;
}

/** All that a reload would change: plain JSON. */
export interface Plan {
  readonly instances: KindPlan;
  readonly groups: KindPlan;
  /** "check web", "script chk", "process nginx", "file f". */
  readonly trackers: KindPlan;
  readonly global: readonly SettingChange[];
  /** Settings that only a restart changes. */
  readonly kept: readonly SettingChange[];
  /** Why virtual addresses would or might move, one a line; empty for none. */
  readonly moves: readonly string[];
  /** What else to think of, such as the other routers. */
  readonly cautions: readonly string[];
}

/** In which state an instance is, by name; null where no daemon was asked. */
export type States = ReadonlyMap<string, State> | null;

/** An instance of the one configuration and what it is in the other. */
export interface Pairing {
  readonly kept: readonly { readonly before: VrrpInstance; readonly after: VrrpInstance }[];
  readonly added: readonly VrrpInstance[];
  readonly removed: readonly VrrpInstance[];
}

/** The instances of two configurations, matched as the engine does. */
export function pairInstances(before: Config, after: Config): Pairing {
  const match = matchInstances(
    engineParts(before, false).instances,
    engineParts(after, false).instances,
  );
  const [old, now] = [before, after].map(({ instances }) =>
    new Map(instances.map((instance) => [instance.name, instance]))
  ) as [Map<string, VrrpInstance>, Map<string, VrrpInstance>];
  return {
    kept: match.kept.map(({ before, after }) => ({
      before: old.get(before.router.name)!,
      after: now.get(after.router.name)!,
    })),
    added: match.added.map(({ router }) => now.get(router.name)!),
    removed: match.removed.map(({ router }) => old.get(router.name)!),
  };
}

/** New names by old ones, of those instances that only have another name. */
export function renamedInstances({ kept }: Pairing): ReadonlyMap<string, string> {
  return new Map(
    kept.flatMap(({ before, after }) =>
      before.name === after.name ? [] : [[before.name, after.name]]
    ),
  );
}

/** What a reload from one configuration to the other changes. */
export function planReload(before: Config, wanted: Config, states: States): Plan {
  const { config: after, kept } = keepFixed(before, wanted);
  const pairing = pairInstances(before, after);
  return {
    instances: {
      added: pairing.added.map(describe),
      removed: pairing.removed.map(describe),
      ...changesOf(pairing.kept),
    },
    groups: kindPlan(groupsOf(before), groupsOf(after)),
    trackers: kindPlan(trackersOf(before), trackersOf(after)),
    global: settingChanges(before.global, after.global),
    kept,
    moves: movesOf(pairing, states),
    cautions: cautionsOf(pairing),
  };
}

/** A setting that a running process keeps. */
interface Fixed {
  readonly setting: string;
  of(config: Config): unknown;
  /** The configuration with the setting of another one. */
  keep(config: Config, from: Config): Config;
}

/** keepalived refuses to reload these as well: the process has begun with them. */
const FIXED: readonly Fixed[] = [
  {
    setting: "net_namespace, instance, use_pid_dir",
    of: (
      { global: { root: { netNamespace, instance, usePidFolder } } },
    ) => [netNamespace?.name ?? null, instance, usePidFolder],
    keep: (config, { global: { root: { netNamespace, instance, usePidFolder } } }) => {
      const { global } = config, root = { ...global.root, netNamespace, instance, usePidFolder };
      return { ...config, global: { ...global, root } };
    },
  },
  {
    setting: "nftables",
    of: ({ global: { firewall } }) => firewall,
    keep: (config, { global: { firewall } }) => {
      return { ...config, global: { ...config.global, firewall } };
    },
  },
  {
    setting: "umask",
    of: ({ global }) => global.process.umask,
    keep: (config, { global: { process: { umask } } }) => {
      const { global } = config;
      return { ...config, global: { ...global, process: { ...global.process, umask } } };
    },
  },
];

/** A configuration as a reload can take it over, and what of it only a restart can. */
export function keepFixed(
  before: Config,
  after: Config,
): { readonly config: Config; readonly kept: readonly SettingChange[] } {
  let config = after;
  const kept: SettingChange[] = [];
  for (const { setting, of, keep } of FIXED) {
    if (isSame(of(before), of(after))) continue;
    config = keep(config, before);
    const words = (value: unknown) => value === null ? "none" : JSON.stringify(value);
    kept.push({ setting, before: words(of(before)), after: words(of(after)) });
  }
  return { config, kept };
}

/** Whether a reload would change anything. */
export function changesAnything({ instances, groups, trackers, global }: Plan): boolean {
  const kinds = [instances, groups, trackers].flatMap((
    { added, removed, changed },
  ) => [...added, ...removed, ...changed]);
  return kinds.length + global.length > 0;
}

/** Something that is known by its name alone. */
interface Named {
  readonly name: string;
  readonly what: unknown;
}

function groupsOf({ groups }: Config): Named[] {
  return groups.map(({ name, members, notify }) => ({ name, what: { members, notify } }));
}

function trackersOf({ checks, trackProcesses, trackFiles }: Config): Named[] {
  return [
    ...checks.map(({ kind, name, spec }) => ({ name: `${kind} ${name}`, what: spec })),
    ...trackProcesses.map(({ name, probe }) => ({ name: `process ${name}`, what: probe })),
    // What is written at the start is not written again.
    ...trackFiles.map(({ name, path }) => ({ name: `file ${name}`, what: { path } })),
  ];
}

function changesOf(
  pairs: readonly { readonly before: VrrpInstance; readonly after: VrrpInstance }[],
): Pick<KindPlan, "changed" | "unchanged"> {
  const changed = pairs.flatMap(({ before, after }) => {
    if (isSame(before, after, NO_SETTING)) return [];
    const was = before.name === after.name ? null : before.name;
    const changes = settingChanges(before, after).filter(({ setting }) => setting !== "name");
    return [{ name: after.name, was, changes }];
  });
  return { changed, unchanged: pairs.length - changed.length };
}

function kindPlan(before: readonly Named[], after: readonly Named[]): KindPlan {
  const old = new Map(before.map(({ name, what }) => [name, what]));
  const names = new Set(after.map(({ name }) => name));
  const both = after.filter(({ name }) => old.has(name));
  const changed = both.flatMap(({ name, what }) => {
    const changes = settingChanges(old.get(name), what);
    return changes.length === 0 ? [] : [{ name, was: null, changes }];
  });
  return {
    added: [...names].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !names.has(name)),
    changed,
    unchanged: both.length - changed.length,
  };
}

function describe({ name, virtualRouterId, interface: device, priority }: VrrpInstance): string {
  const where = device === null ? "" : ` on ${device}`;
  return `${name} (VRID ${virtualRouterId}${where}, priority ${priority})`;
}
