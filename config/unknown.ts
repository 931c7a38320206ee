/** What to say about keywords that vigie does not have. */

import type { Keyword, Table } from "./keyword.ts";
import { homeOf, knownKeyword, knownKeywords, without } from "./known.ts";
import type { Statement } from "./lexer.ts";
import type { Position } from "./model.ts";
import { nearest } from "./nearest.ts";
import type { Finding, Severity } from "./problem.ts";
import { PROBE_BLOCKS, VRRP_CHECK } from "./table_check.ts";
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
    message: `"${text}" is known, not active yet: ${missed}`,
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
  const home = Object.hasOwn(ROOT, keyword)
    ? "root"
    : nearHome(keyword, around.path) ?? homeOf(keyword) ?? ownHome(keyword);
  if (home === null) return null;
  if (home !== "root") {
    const into = home.startsWith("the ") ? home : `a ${home} block`;
    return {
      message: `"${keyword}" cannot stand ${around.title}, it is a keyword of ${home}`,
      remedy: `Move the line into ${into}; look for a "}" too many above`,
    };
  }
  return {
    message: `"${keyword}" cannot stand ${around.title}`,
    remedy: `Close the block of line ${around.opened?.line} with "}" before this line`,
  };
}

/** Of keywords that stand one level off in a vrrp_check: their names are those of other blocks too. */
function nearHome(keyword: string, path: string): string | null {
  const [outer, inner] = path.split(".");
  if (outer !== "vrrp_check") return null;
  if (inner !== undefined) return Object.hasOwn(VRRP_CHECK, keyword) ? outer : null;
  const blocks = PROBE_BLOCKS.filter((block) => Object.hasOwn(VRRP_CHECK[block].table, keyword));
  return blocks.length === 0 ? null : `the ${blocks.join(" or ")} block of vrrp_check`;
}

/** Of keywords that keepalived does not have. */
function ownHome(keyword: string): string | null {
  const rows = Object.entries<Keyword>(ROOT);
  const home = rows.find(([, row]) => row.kind === "section" && Object.hasOwn(row.table, keyword));
  return home?.[0] ?? null;
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
