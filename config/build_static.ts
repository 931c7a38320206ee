/** Static addresses, routes and rules, and the instances that depend on them. */

import type { VirtualAddress } from "../lib/core/virtual_address.ts";
import { type BuiltRouting, checkDevice, type RoutingInput } from "./build_routes.ts";
import type { Word } from "./lexer.ts";
import type { StaticEntries, StaticEntry, TrackGroup } from "../lib/core/static_entries.ts";
import type { Tree } from "./parser.ts";

/** Where static addresses go that do not say, as keepalived's. */
const DEFAULT_INTERFACE = "eth0";

/**
 * The static entries of a file.
 * @param routing Static routes and rules. @param instances Names of those that could be built.
 */
export function buildStatic(
  tree: Tree,
  routing: BuiltRouting,
  instances: ReadonlySet<string>,
  input: RoutingInput,
): StaticEntries {
  const groups = new Map(
    (tree.track_group ?? []).map(({ name, settings }): [string, TrackGroup] => {
      const members = (settings.group ?? []).map(({ value }) => value.text);
      return [name, { name, members: members.filter((member) => instances.has(member)) }];
    }),
  );
  const named = new Set<string>();
  const resolve = <T>({ entry, trackGroup }: { entry: T; trackGroup: Word | null }) => {
    const group = knownGroup(trackGroup, groups, input);
    if (group !== null) named.add(group);
    return { entry, trackGroup: group };
  };
  return {
    addresses: buildAddresses(tree, input).map(resolve),
    routes: routing.routes.map(resolve),
    rules: routing.rules.map(resolve),
    groups: [...groups.values()].filter(({ name, members }) =>
      named.has(name) && members.length > 0
    ),
  } satisfies Record<string, readonly (StaticEntry<unknown> | TrackGroup)[]>;
}

function buildAddresses(
  tree: Tree,
  input: RoutingInput,
): { readonly entry: VirtualAddress; readonly trackGroup: Word | null }[] {
  const fallback = input.globals.default_interface?.value ?? DEFAULT_INTERFACE;
  return (tree.static_ipaddress ?? []).map(({ value: { entry, trackGroup }, position }) => {
    const device = entry.device ?? fallback;
    checkDevice({ text: device, position }, input);
    return { entry: { ...entry, device }, trackGroup };
  });
}

function knownGroup(
  group: Word | null,
  groups: ReadonlyMap<string, TrackGroup>,
  { report }: RoutingInput,
): string | null {
  if (group === null) return null;
  if (groups.has(group.text)) return group.text;
  report({
    severity: "error",
    position: group.position,
    message: `There is no track_group "${group.text}": no instance depends on this entry`,
    remedy: `Write a block "track_group ${group.text}", or delete the words`,
  });
  return null;
}
