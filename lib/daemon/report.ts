/** What a running daemon says of itself in its log when a signal asks. */

import type { EngineEvent } from "../engine/messages.ts";
import { formatMicros, micros } from "../core/time.ts";

type Status = Extract<EngineEvent, { kind: "status" }>;

/** One line an instance: state, priority, master, what is wrong. */
export function stateLines({ instances }: Status): string[] {
  return instances.map(({ name, state, priority, master, primaryAddress, faults }) => {
    const parts = [
      `(${name}) ${state.toUpperCase()}`,
      `priority ${priority}`,
      `source ${primaryAddress ?? "none"}`,
      master === null ? "no master known" : `master ${master.address} (${master.priority})`,
      ...faults,
    ];
    return parts.join(", ");
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
