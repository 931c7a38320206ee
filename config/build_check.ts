/** `vrrp_script` and `vrrp_check`: from their blocks to what is run, and how often. */

import type { CheckSpec, ProbeSpec } from "../lib/core/probe_spec.ts";
import { seconds } from "../lib/core/time.ts";
import { buildProbe } from "./build_probe.ts";
import type { Named } from "./keyword.ts";
import type { Facts, VrrpCheck } from "./model.ts";
import { checkTimeout, type Defined, droppedFromUsers, headOf, reportMissing } from "./objects.ts";
import type { Report } from "./problem.ts";
import type { GivenScript, GivenUser } from "./readers_script.ts";
import type { Scripts } from "./scripts.ts";
import type { VRRP_CHECK } from "./table_check.ts";
import type { VRRP_SCRIPT } from "./table_track.ts";

/** What the builders of checks share. */
export interface CheckInput {
  readonly scripts: Scripts;
  readonly facts: Facts | null;
  readonly report: Report;
}

/** A `vrrp_script`; null if it has no command, so that references to it are not found. */
export function buildScript(
  named: Named<typeof VRRP_SCRIPT>,
  input: CheckInput,
): Defined<VrrpCheck> | null {
  const { name, position, settings, refused } = named;
  const { report } = input;
  const given = settings.script?.value;
  if (given === undefined) {
    if (!refused.has("script")) reportMissing("vrrp_script", "script", named, report);
    return null;
  }
  reportInitFail(named, report);
  const intervalUs = settings.interval?.value ?? seconds(1);
  checkTimeout(`vrrp_script "${name}"`, intervalUs, settings.timeout, report);
  const probe = scriptProbe(name, given, settings.user?.value ?? null, input);
  const spec = probe && {
    tracker: `script ${name}`,
    probe,
    intervalUs,
    timeoutUs: settings.timeout?.value || intervalUs,
    rise: settings.rise?.value ?? 1,
    fall: settings.fall?.value ?? 1,
    initial: "wait" as const,
  };
  const { weight = 0, reverse = false } = settings.weight?.value ?? {};
  const record = spec && { kind: "script" as const, name, position, weight, reverse, spec };
  return { ...headOf(named, "vrrp_script"), record };
}

/** `"</path"` runs nothing: the file must exist (keepalived-behaviour 4.3). */
function scriptProbe(
  name: string,
  given: GivenScript,
  user: GivenUser | null,
  { scripts, report }: CheckInput,
): ProbeSpec | null {
  const consequence = droppedFromUsers("vrrp_script", name);
  const [first = "", ...others] = given.words;
  if (!first.startsWith("<")) {
    const command = scripts.command(given, consequence, user);
    return command && { kind: "script", words: command.words, user: command.user };
  }
  const path = first.slice(1);
  if (!path.startsWith("/")) {
    report({
      severity: "error",
      position: given.position,
      message: `Cannot read "${given.words.join(" ")}": must be "<" and an absolute path: ` +
        consequence,
      remedy: 'Write "</path/of/the/file", or the command of a script',
    });
    return null;
  }
  if (others.length > 0) {
    const message = `"${others.join(" ")}" is ignored: behind "<" stands one path`;
    const remedy = "Delete it, or write the command of a script";
    report({ severity: "warning", position: given.position, message, remedy });
  }
  return { kind: "file", path, mustExist: true, maxAgeUs: null, content: null };
}

function reportInitFail({ settings }: Named<typeof VRRP_SCRIPT>, report: Report): void {
  if (settings.init_fail === undefined) return;
  report({
    severity: "warning",
    position: settings.init_fail.position,
    message: "init_fail has no effect, nor has it with keepalived: the first result decides",
    remedy: 'Delete the line, or use a vrrp_check with "init_state down"',
  });
}

/** A `vrrp_check`. */
export function buildCheck(
  named: Named<typeof VRRP_CHECK>,
  input: CheckInput,
): Defined<VrrpCheck> {
  const { name, position, settings } = named;
  const { report } = input;
  const intervalUs = settings.interval?.value ?? seconds(1);
  const probe = buildProbe(named, input);
  if (probe?.kind === "process") reportPolling(named, report);
  else checkTimeout(`vrrp_check "${name}"`, intervalUs, settings.timeout, report);
  const spec: CheckSpec | null = probe && {
    tracker: `check ${name}`,
    probe,
    intervalUs,
    timeoutUs: settings.timeout?.value ?? intervalUs,
    rise: settings.rise?.value ?? 1,
    fall: settings.fall?.value ?? 1,
    initial: settings.init_state?.value ?? "wait",
  };
  const { weight = 0, reverse = false } = settings.weight?.value ?? {};
  const record = spec && { kind: "check" as const, name, position, weight, reverse, spec };
  return { ...headOf(named, "vrrp_check"), record };
}

/** A process is watched: its death is told by the kernel, not found at the next look. */
function reportPolling({ name, settings }: Named<typeof VRRP_CHECK>, report: Report): void {
  for (const keyword of ["interval", "timeout", "rise", "fall", "init_state"] as const) {
    const found = settings[keyword];
    if (found === undefined) continue;
    report({
      severity: "warning",
      position: found.position,
      message: `${keyword} has no effect in vrrp_check "${name}": a process is watched, not polled`,
      remedy: "Delete the line; to wait before a change counts, write fork_delay or " +
        "terminate_delay into the process block",
    });
  }
}
