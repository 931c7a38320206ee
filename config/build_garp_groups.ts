/** `garp_group`: which interfaces share the gaps between their announcements. */

import { micros } from "../lib/core/time.ts";
import type { Block } from "./keyword.ts";
import type { Word } from "./lexer.ts";
import type { Facts, GarpGroup, Position } from "./model.ts";
import { otherInterface } from "./other_interface.ts";
import type { Report } from "./problem.ts";
import type { GARP_GROUP } from "./table_garp_group.ts";

type GroupBlock = Block<typeof GARP_GROUP>;

/** The groups that have a gap and an interface; as keepalived, the first group keeps an interface. */
export function buildGarpGroups(
  blocks: readonly GroupBlock[],
  facts: Facts | null,
  report: Report,
): readonly GarpGroup[] {
  const owners = new Map<string, GroupBlock>();
  return blocks.flatMap((block) => {
    const members = membersOf(block);
    const usable = [requireInterval(block, report), requireInterface(block, members, report)];
    for (const member of members) checkExists(member, facts, report);
    if (usable.includes(false)) return [];
    const interfaces = members.filter((member) => isFree(member, block, owners, report));
    const { garp_interval: garp, gna_interval: gna } = block.settings;
    return interfaces.length === 0 ? [] : [{
      position: block.position,
      interfaces: interfaces.map(({ text }) => text),
      garpIntervalUs: garp?.value ?? micros(0),
      gnaIntervalUs: gna?.value ?? micros(0),
    }];
  });
}

/** In the order of the file. */
function membersOf({ settings }: GroupBlock): readonly Word[] {
  return [
    ...(settings.interface ?? []).map(({ order, value }) => ({ order, words: [value] })),
    ...(settings.interfaces ?? []).map(({ order, value }) => ({ order, words: value })),
  ].sort((a, b) => a.order - b.order).flatMap(({ words }) => words);
}

/** Whether an interval is given. 0 is one: it lifts that of global_defs. */
function requireInterval({ settings, refused, position }: GroupBlock, report: Report): boolean {
  if (settings.garp_interval !== undefined || settings.gna_interval !== undefined) return true;
  if (!refused.has("garp_interval") && !refused.has("gna_interval")) {
    const remedy = 'Write "garp_interval SECONDS" or "gna_interval SECONDS" into the block';
    ignored("has no interval", position, remedy, report);
  }
  return false;
}

function requireInterface(
  { settings, refused, position }: GroupBlock,
  members: readonly Word[],
  report: Report,
): boolean {
  if (members.length > 0) return true;
  if (!refused.has("interface") && (settings.interfaces ?? []).length === 0) {
    const remedy = 'Write "interface IFNAME", or an interfaces block with one name a line';
    ignored("names no interface", position, remedy, report);
  }
  return false;
}

function ignored(why: string, position: Position, remedy: string, report: Report): void {
  report({
    severity: "error",
    position,
    message: `This garp_group ${why}: it is ignored`,
    remedy,
  });
}

/** Whether no group has the interface yet; then this one has it. */
function isFree(
  { text, position }: Word,
  block: GroupBlock,
  owners: Map<string, GroupBlock>,
  report: Report,
): boolean {
  const owner = owners.get(text);
  if (owner === undefined) {
    owners.set(text, block);
    return true;
  }
  if (owner === block) {
    const message = `Interface "${text}" is named twice in this garp_group: it is used once`;
    report({ severity: "warning", position, message, remedy: "Delete one of the two" });
  } else {
    const { line } = owner.position;
    const message =
      `Interface "${text}" is in the garp_group of line ${line} already, which keeps it`;
    report({
      severity: "error",
      position,
      message,
      remedy: "Delete it from one of the two groups",
    });
  }
  return false;
}

function checkExists({ text, position }: Word, facts: Facts | null, report: Report): void {
  if (facts === null || facts.interfaces.some((link) => link.name === text)) return;
  report({
    severity: "warning",
    position,
    message: `Interface "${text}" does not exist now: this garp_group paces it once it comes`,
    remedy: `${otherInterface(text, facts)}, or create it later`,
  });
}
