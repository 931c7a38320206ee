/** What a running daemon says of itself in its log when a signal asks. */

import type { EngineEvent } from "../engine/messages.ts";
import { formatMicros, micros } from "../core/time.ts";
import type { ProcessStatus } from "../track/process.ts";
import type { CheckStatus } from "../track/status.ts";

type Status = Extract<EngineEvent, { kind: "status" }>;

/** One line an instance: state, priority, master, what is wrong. */
export function stateLines({ instances }: Status): string[] {
  return instances.map((instance) => {
    const { name, state, priority, master, primaryAddress, faults, waitsFor } = instance;
    const parts = [
      `(${name}) ${state.toUpperCase()}`,
      `priority ${priority}`,
      `source ${primaryAddress ?? "none"}`,
      master === null ? "no master known" : `master ${master.address} (${master.priority})`,
      ...faults,
      ...waitsFor.map((tracker) => `waiting for the first result of ${tracker}`),
    ];
    return parts.join(", ");
  });
}

/** One line a check: how it is, since when, how fast, and what was wrong last. */
export function checkLines(checks: readonly CheckStatus[]): string[] {
  return checks.map((check) => {
    const { tracker, state, sinceMs, latencyUs, lastError, lastErrorAtMs, warning } = check;
    const parts = [
      `${tracker}: ${state} since ${new Date(sinceMs).toISOString()}`,
      ...latencyUs === null ? [] : [`took ${formatMicros(latencyUs)}`],
      ...warning === null ? [] : [`warning: ${warning}`],
      ...lastError === null
        ? []
        : [`last error: ${lastError} at ${new Date(lastErrorAtMs ?? 0).toISOString()}`],
      `${check.runs} runs, ${check.failures} failures, ${check.skipped} skipped`,
    ];
    return parts.join(", ");
  });
}

/** One line a tracked process: how many run, which, and how many should. */
export function processLines(processes: readonly ProcessStatus[]): string[] {
  return processes.map(({ tracker, state, sinceMs, count, quorum, quorumMax, pids }) => {
    const most = quorumMax === null ? "" : ` to ${quorumMax}`;
    const since = sinceMs === null ? "" : ` since ${new Date(sinceMs).toISOString()}`;
    const which = pids.length === 0
      ? ""
      : `: ${pids.join(" ")}${count > pids.length ? " ..." : ""}`;
    return `${tracker}: ${state}${since}, ${count} running, ${quorum}${most} wanted${which}`;
  });
}

/** One line an instance with its counters that are not zero, then the strays and the loop. */
export function statisticsLines({ instances, strays, loop }: Status): string[] {
  const counted = instances.map(({ name, counters }) => `(${name}) ${countText(counters)}`);
  const stray = Object.entries(strays).map(([where, counts]) =>
    `Packets for no instance on ${where}: ${countText(counts)}`
  );
  const late = formatMicros(micros(loop.worstLatenessUs));
  return [...counted, ...stray, `${loop.timersFired} timers fired, at most ${late} late`];
}

function countText(counts: Readonly<Record<string, number | undefined>>): string {
  const parts = Object.entries(counts).filter(([, count]) => count !== 0 && count !== undefined);
  if (parts.length === 0) return "nothing counted yet";
  return parts.map(([name, count]) => `${name} ${count}`).join(", ");
}
