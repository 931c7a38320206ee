/** What will happen, for people: a table for each virtual router. ASCII, for serial consoles too. */

import { formatMicros, type Micros } from "../../core/time.ts";
import type { Reach } from "./advice.ts";
import type { Candidate } from "./election.ts";
import type { Scenario, Story } from "./scenarios.ts";

/** One virtual router: its head, its table, and what follows from it. */
export function storyLines(story: Story, reach: readonly Reach[]): string[] {
  const { router: { vrid, members } } = story, [{ instance }] = members;
  const addresses = instance.virtualAddresses.map(({ address, prefixLength }) =>
    `${address}/${prefixLength}`
  );
  const where = instance.interface === null ? "" : ` on ${instance.interface}`;
  const every = formatMicros(instance.advertIntervalUs);
  const alone = members.length === 1;
  return [
    `${instance.name}${where}: VRID ${vrid}, version ${instance.version}, an advert every ${every}`,
    `  addresses: ${addresses.length === 0 ? "none" : addresses.join(", ")}`,
    "",
    ...(alone ? lonelyTable(story) : fullTable(story)),
    "",
    ...footnotes(story),
    ...(alone ? reach.flatMap(reachLine) : []),
  ];
}

function fullTable({ router: { members }, scenarios }: Story): string[] {
  const heading = [
    "what happens",
    ...members.map(({ label }) => label),
    "holder",
    "noticed within",
    "then taken over in",
    "because",
  ];
  return table(
    heading,
    scenarios.map(({ event, candidates, outcome, noticedUs, isWrong }) => [
      event,
      ...candidates.map(worth),
      `${outcome.holder?.label ?? "nobody"}${isWrong ? " (!)" : ""}`,
      noticedText(noticedUs),
      tookText(outcome.tookUs),
      outcome.formula === "" ? outcome.why : `${outcome.why}: ${outcome.formula}`,
    ]),
  );
}

/** Without a peer's configuration only the priorities can be told. */
function lonelyTable({ scenarios }: Story): string[] {
  return table(
    ["what fails", "priority", "noticed within"],
    scenarios.map(({ event, candidates, noticedUs }) => [
      event,
      worth(candidates[0]!),
      noticedText(noticedUs),
    ]),
  );
}

function worth({ standing, isGone }: Candidate): string {
  if (isGone) return "-";
  return standing.faults.length > 0 ? "FAULT" : String(standing.priority);
}

function noticedText(us: Micros | null): string {
  if (us === null) return "";
  return us === 0 ? "at once" : formatMicros(us);
}

function tookText(took: readonly [Micros, Micros] | null): string {
  if (took === null) return "";
  const [least, most] = took;
  return least === most ? formatMicros(most) : `${formatMicros(least)} to ${formatMicros(most)}`;
}

function footnotes(story: Story): string[] {
  const { usual, scenarios } = story;
  const wrong = scenarios.filter(({ isWrong }) => isWrong);
  const lines = wrong.map(({ event, outcome }) =>
    `  (!) ${event}: ${outcome.holder!.label} keeps the addresses, though a router without any ` +
    `failure is there: ${outcome.why}`
  );
  const keeping = scenarios.filter(({ outcome, mended }) =>
    outcome.holder !== usual && mended.holder !== usual && outcome.holder === mended.holder
  );
  for (const { event, mended: { holder, why } } of keeping) {
    if (holder !== null) {
      lines.push(`  When it is over (${event}), ${holder.label} goes on: ${why}`);
    }
  }
  const nobody = scenarios.filter((one: Scenario) => one.outcome.holder === null);
  if (usual !== null && nobody.length > 0 && story.router.members.length > 1) {
    lines.push(`  Nobody holds the addresses: ${nobody.map(({ event }) => event).join("; ")}`);
  }
  return lines;
}

function reachLine({ tracker, whenGood, whenBad, peers }: Reach): string[] {
  if (whenBad === null) {
    return [`  ${tracker} fails: FAULT, any peer takes over`];
  }
  if (peers === null) {
    const who = whenBad < whenGood
      ? `only a peer of ${whenGood} with a lower address takes over`
      : "no peer can be backup before and take over then";
    return [
      `  (!) ${tracker} fails: the priority is ${whenBad}, ${whenGood} while all is well: ${who}`,
    ];
  }
  const [low, high] = peers;
  const range = low === high ? `is ${low}` : `is from ${low} to ${high}`;
  return [
    `  ${tracker} fails: ${whenGood} becomes ${whenBad}: a peer whose priority ${range} takes over`,
  ];
}

/** Columns of the width that their longest cell needs. */
function table(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heading.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]!.length))
  );
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, at) => cell.padEnd(widths[at]!)).join("  ")}`.trimEnd();
  return [line(heading), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)];
}
