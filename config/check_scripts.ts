/** Scripts that start a program for what a built-in check asks by itself. */

import type { Config } from "./model.ts";
import { builtInFor } from "./idioms.ts";
import type { Report } from "./problem.ts";

/** Warns of each; what a script file does is not looked at here. */
export function checkScripts({ checks }: Config, report: Report): void {
  for (const { kind, name, position, spec: { probe } } of checks) {
    if (kind !== "script" || probe.kind !== "script") continue;
    const found = builtInFor(probe.words);
    if ("why" in found) continue;
    const block = `${found.kind} { ${found.lines.join("; ")} }`;
    report({
      severity: "warning",
      position,
      message: `vrrp_script "${name}" starts a program at every turn for what a built-in check ` +
        `asks by itself: ${block}`,
      remedy: "Run `vigie modernize`, which writes the vrrp_check",
    });
  }
}
