/** What to say about keywords that vigie does not have. */

import type { Table } from "./keyword.ts";
import { homeOf, knownKeyword, knownKeywords, without } from "./known.ts";
import type { Statement } from "./lexer.ts";
import type { Position } from "./model.ts";
import { nearest } from "./nearest.ts";
import type { Finding, Severity } from "./problem.ts";
import { ROOT } from "./tables.ts";

/** The block around a keyword. */
export interface Surroundings {
  /** As `known.ts` names blocks: "vrrp_instance.authentication". */
  readonly path: string;
  /** For messages, with its preposition: `in "vrrp_instance VI_1"`. */
  readonly title: string;
  /** Where the block begins; null at the top level. */
  readonly opened: Position | null;
  readonly table: Table;
}

/** A keyword that keepalived has and vigie does not act on. */
export function describeUnsupported(
  statement: Statement,
  around: Surroundings,
  severity: Exclude<Severity, "fatal">,
): Finding {
  const { text, position } = statement.words[0];
  const known = knownKeyword(around.path, text);
  const missed = known === null ? "it has no effect" : without(known);
  return {
    severity,
    position,
    message: `"${text}" is known, not supported yet: ${missed}`,
    remedy: severity === "warning"
      ? "Delete it, or leave it for later: it is ignored"
      : "Delete it if this router can do without, else keep keepalived here for now",
  };
}

/** A keyword that neither keepalived nor vigie has in this block. */
export function describeUnknown(
  statement: Statement,
  around: Surroundings,
  how: { readonly opensBlock: boolean; readonly suggest: boolean },
): Finding {
  const { text, position } = statement.words[0];
  const finding = misplaced(text, around) ?? misspelled(text, around, how.suggest);
  const effect = !how.opensBlock
    ? "the line is ignored"
    : around.opened === null
    ? "its whole block is ignored"
    : `the lines of its block are read as if they stood ${around.title}, which its "}" then ends`;
  return { severity: "error", position, ...finding, message: `${finding.message}: ${effect}` };
}

type Words = Pick<Finding, "message" | "remedy">;

/** A keyword of another block: most often a brace is missing or too many. */
function misplaced(keyword: string, around: Surroundings): Words | null {
  const home = Object.hasOwn(ROOT, keyword) ? "root" : homeOf(keyword);
  if (home === null) return null;
  if (home !== "root") {
    return {
      message: `"${keyword}" cannot stand ${around.title}, it is a keyword of ${home}`,
      remedy: `Move the line into a ${home} block; look for a "}" too many above`,
    };
  }
  return {
    message: `"${keyword}" cannot stand ${around.title}`,
    remedy: `Close the block of line ${around.opened?.line} with "}" before this line`,
  };
}

function misspelled(keyword: string, around: Surroundings, suggest: boolean): Words {
  const names = [
    ...Object.keys(around.table),
    ...knownKeywords(around.path).map((known) => known.keyword),
  ];
  const near = suggest ? nearest(keyword, names) : null;
  return {
    message: `Unknown keyword "${keyword}" ${around.title}`,
    remedy: near === null ? "Delete it, or correct the word" : `Write "${near}"`,
  };
}
