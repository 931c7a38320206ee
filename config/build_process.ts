/** What makes a process count: `vrrp_track_process`, and `vrrp_check` with a process. */

import type { ProcessMatch, ProcessProbe } from "../lib/core/probe_spec.ts";
import { type Micros, micros } from "../lib/core/time.ts";
import type { Found, Named, Settings } from "./keyword.ts";
import type { Word } from "./lexer.ts";
import type { VrrpTrackProcess } from "./model.ts";
import { type Defined, headOf, reportMissing } from "./objects.ts";
import type { Report } from "./problem.ts";
import type { processOptions, VRRP_TRACK_PROCESS } from "./table_track.ts";

type Options = Settings<ReturnType<typeof processOptions>>;

/** Characters that the kernel keeps of a process's name (TASK_COMM_LEN - 1, linux/sched.h). */
const COMM_MAX = 15;

/** A `vrrp_track_process`; null if it watches nothing. */
export function buildTrackProcess(
  named: Named<typeof VRRP_TRACK_PROCESS>,
  report: Report,
): Defined<VrrpTrackProcess> | null {
  const { name, position, settings } = named;
  const probe = buildProcessProbe(settings, report);
  if (probe === null) {
    if (!named.refused.has("process")) {
      reportMissing("vrrp_track_process", "process", named, report);
    }
    return null;
  }
  const { weight = 0, reverse = false } = settings.weight?.value ?? {};
  const record = { name, position, weight, reverse, probe };
  return { ...headOf(named, "vrrp_track_process"), record };
}

/** The probe; null, without a report, if no process is named. */
export function buildProcessProbe(settings: Options, report: Report): ProcessProbe | null {
  const words = settings.process?.value;
  if (words === undefined) return null;
  const by = matchBy(settings, words.length > 1);
  if (by === "comm") checkComm(words[0]!, report);
  return {
    kind: "process",
    match: { words: words.map(({ text }) => text), by },
    ...buildQuorum(settings, report),
    forkDelayUs: later(settings.delay, settings.fork_delay),
    terminateDelayUs: later(settings.delay, settings.terminate_delay),
  };
}

/** keepalived-behaviour 4.5: parameters, or a word about them, make it look at the command line. */
function matchBy(settings: Options, parameters: boolean): ProcessMatch["by"] {
  if (settings.param_match !== undefined) return settings.param_match.value;
  if (parameters) return "exact";
  return settings.full_command === undefined ? "comm" : "any";
}

function checkComm({ text, position }: Word, report: Report): void {
  const long = new TextEncoder().encode(text).length > COMM_MAX;
  if (!long && !text.includes("/")) return;
  const what = long ? `a name of more than ${COMM_MAX} bytes` : "a path";
  report({
    severity: "warning",
    position,
    message: `No process is found by "${text}": ${what} is never what the kernel calls a process`,
    remedy: long
      ? `Write the first ${COMM_MAX} bytes, or "full_command" and the first word of the command line`
      : 'Write the name without its folders, or "full_command" if it is started by this path',
  });
}

function buildQuorum(
  { quorum, quorum_max: most }: Options,
  report: Report,
): Pick<ProcessProbe, "quorum" | "quorumMax"> {
  const least = quorum?.value ?? 1;
  if (most === undefined) return { quorum: least, quorumMax: null };
  if (most.value === 0) return { quorum: 0, quorumMax: 0 };
  if (most.value >= least) return { quorum: least, quorumMax: most.value };
  report({
    severity: "error",
    position: most.position,
    message:
      `quorum_max ${most.value} is below the quorum of ${least}, so that it could never be ` +
      "good: it is ignored",
    remedy: `Write ${least} or more, or 0 if none may run`,
  });
  return { quorum: least, quorumMax: null };
}

/** `delay` and a delay of its own are one setting: the later one counts. */
function later(both: Found<Micros> | undefined, own: Found<Micros> | undefined): Micros {
  if (both === undefined || own === undefined) return (both ?? own)?.value ?? micros(0);
  return both.order > own.order ? both.value : own.value;
}
