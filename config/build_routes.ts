/** Routes and rules of instances, and static ones: each line read with the names of the machine. */

import type { RouteEntry, RuleEntry } from "../lib/core/route_entry.ts";
import { type EntryLine, EntryWords, readLine } from "./entry_words.ts";
import { Names } from "./iproute_names.ts";
import type { Found, Settings } from "./keyword.ts";
import type { Word } from "./lexer.ts";
import type { Facts } from "./model.ts";
import { otherInterface } from "./other_interface.ts";
import type { Tree } from "./parser.ts";
import type { Report } from "./problem.ts";
import { readRoute } from "./route_entry.ts";
import { type ReadRule, readRule } from "./rule_entry.ts";
import type { GLOBAL_DEFS } from "./table_global.ts";

/** A rule without a preference gets this, the next one less, each family for itself, as keepalived's. */
const FIRST_PREFERENCE = 16384;

/** An entry that can be used, and the word that names its `track_group`. */
export interface BuiltEntry<T> {
  readonly entry: T;
  readonly trackGroup: Word | null;
}

/** What one instance, or the file itself, has. */
export interface BuiltRouting {
  readonly routes: readonly BuiltEntry<RouteEntry>[];
  readonly rules: readonly BuiltEntry<RuleEntry>[];
}

/** What lines are read with. */
export interface RoutingInput {
  readonly globals: Settings<typeof GLOBAL_DEFS>;
  readonly dynamicInterfaces: boolean;
  readonly facts: Facts | null;
  readonly report: Report;
}

/** The lines of one owner. */
interface Lines {
  /** Null for static ones. */
  readonly owner: string | null;
  readonly routes: readonly Found<EntryLine>[];
  readonly rules: readonly Found<EntryLine>[];
}

/** All routes and rules of a file by the name of their instance; null for static ones. */
export function buildRouting(
  tree: Tree,
  input: RoutingInput,
): ReadonlyMap<string | null, BuiltRouting> {
  const { globals, facts } = input;
  const names = new Names(facts?.inspect?.routingName ?? null, {
    usr: globals.iproute_usr_dir?.value ?? null,
    etc: globals.iproute_etc_dir?.value ?? null,
  });
  const all = linesOf(tree);
  const rules = buildRules(all, names, input);
  return new Map(all.map(({ owner, routes }) => [owner, {
    routes: routes.flatMap(({ value }) => buildRoute(value, owner, names, input) ?? []),
    rules: rules.get(owner) ?? [],
  }]));
}

function linesOf(tree: Tree): readonly Lines[] {
  const instances = (tree.vrrp_instance ?? []).map(({ name, settings }): Lines => ({
    owner: name,
    routes: settings.virtual_routes ?? [],
    rules: settings.virtual_rules ?? [],
  }));
  return [
    { owner: null, routes: tree.static_routes ?? [], rules: tree.static_rules ?? [] },
    ...instances,
  ];
}

function buildRoute(
  line: EntryLine,
  owner: string | null,
  names: Names,
  input: RoutingInput,
): BuiltEntry<RouteEntry> | null {
  const report = reportOf(owner, input.report);
  const read = readLine(new EntryWords(line, "route", names, report), readRoute);
  if (read === null) return null;
  for (const device of read.devices) checkDevice(device, { ...input, report });
  return { entry: read.entry, trackGroup: groupOf(read.trackGroup, owner, report) };
}

/** In the order of the file, in which preferences are counted down. */
function buildRules(
  all: readonly Lines[],
  names: Names,
  input: RoutingInput,
): ReadonlyMap<string | null, readonly BuiltEntry<RuleEntry>[]> {
  const next = { ipv4: FIRST_PREFERENCE, ipv6: FIRST_PREFERENCE };
  const lines = all.flatMap(({ owner, rules }) => rules.map((found) => ({ owner, found })))
    .sort((a, b) => a.found.order - b.found.order);
  const built = new Map<string | null, BuiltEntry<RuleEntry>[]>();
  for (const { owner, found: { value } } of lines) {
    const report = reportOf(owner, input.report);
    const words = new EntryWords(value, "rule", names, report);
    const read = readLine(words, readRule);
    if (read === null) continue;
    for (const device of read.devices) checkDevice(device, { ...input, report });
    const entry = withPreference(read, words, next);
    const trackGroup = groupOf(read.trackGroup, owner, report);
    built.set(owner, [...built.get(owner) ?? [], { entry, trackGroup }]);
  }
  return built;
}

function withPreference(
  { entry, preference }: ReadRule,
  words: EntryWords,
  next: Record<RuleEntry["family"], number>,
): RuleEntry {
  if (preference !== null) return { ...entry, preference };
  const counted = next[entry.family]--;
  words.warn(
    words.line[0],
    `This rule has no preference: it gets ${counted}, which is probably not what you want`,
    'Write "preference N": rules are asked in the order of their preferences',
  );
  return { ...entry, preference: counted };
}

/** Names the instance in every message about its lines. */
function reportOf(owner: string | null, report: Report): Report {
  if (owner === null) return report;
  return (finding) => report({ ...finding, message: `(${owner}) ${finding.message}` });
}

function groupOf(group: Word | null, owner: string | null, report: Report): Word | null {
  if (group === null || owner === null) return group;
  report({
    severity: "error",
    position: group.position,
    message: '"track_group" is for static entries only: it is ignored',
    remedy: "Delete it: what an instance has concerns that instance",
  });
  return null;
}

/** keepalived refuses to start when an interface is missing, unless they may come later. */
export function checkDevice(
  { text, position }: Word,
  { facts, dynamicInterfaces, report }: Omit<RoutingInput, "globals">,
): void {
  if (facts === null || facts.interfaces.some(({ name }) => name === text)) return;
  const remedy = otherInterface(text, facts);
  report(
    dynamicInterfaces
      ? {
        severity: "warning",
        position,
        message: `Interface "${text}" does not exist now: the entry waits for it`,
        remedy: `${remedy}, or create it later`,
      }
      : {
        severity: "fatal",
        position,
        message: `Interface "${text}" does not exist`,
        remedy: `${remedy}; for one that comes later write "dynamic_interfaces" into global_defs`,
      },
  );
}
