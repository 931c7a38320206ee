/** Names that look like definitions and are none. */

import type { Definitions, Undefined } from "./definitions.ts";
import { limitedNearest } from "./nearest.ts";
import type { Report } from "./problem.ts";
import { positionOf } from "./source.ts";

/** Lines whose words may be for a shell, or a secret: a "$" in them is usual. */
const FREE_TEXT =
  /^\s*(?:\w*(?:script|notify|path|command|up|down)\w*|auth_pass|auth_hmac|smtp_login)\s/;

/**
 * Warns of names without a definition. keepalived leaves them as they are without a word, since
 * files from before there were definitions have "$" in them: so nothing is said of `$NAME` in a file
 * that defines nothing, nor in free text of a name that resembles none.
 */
export function reportUndefined(definitions: Definitions, report: Report): void {
  const { names } = definitions, nearest = limitedNearest();
  for (const use of definitions.undefined) {
    const { line, from, to, name } = use;
    if (!isCertain(use) && names.length === 0) continue;
    const later = definitions.whereIs(name);
    const near = later === null ? nearest(name, names) : null;
    if (later === null && near === null && FREE_TEXT.test(line.text)) continue;
    const written = line.text.slice(from, to);
    report({
      severity: "warning",
      position: positionOf(line, from, to),
      message: later === null
        ? `"${written}" has no definition: it is left as it is`
        : `"${written}" has no definition yet (${later}): it is left as it is`,
      remedy: later !== null
        ? "Move the definition above this line"
        : near !== null
        ? `Did you mean "$${near}"?`
        : `Write "$${name}=VALUE" on a line above`,
    });
  }
}

/** Braces outside of free text would be taken for a block. */
function isCertain({ line, from }: Undefined): boolean {
  return line.text.startsWith("${", from) && !FREE_TEXT.test(line.text);
}
