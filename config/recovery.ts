/** What to say where the structure of a file is broken; the parser goes on after each of these. */

import { knownKeyword } from "./known.ts";
import type { Statement, Word } from "./lexer.ts";
import type { Position } from "./model.ts";
import type { Finding } from "./problem.ts";
import type { Surroundings } from "./unknown.ts";

/** A keyword that opens a block, without its brace. */
export function missingOpen(statement: Statement): Finding {
  const last = statement.words.at(-1)!;
  return {
    severity: "error",
    position: last.position,
    message: `Missing "{" behind "${last.text}"`,
    remedy: `Write "{" at the end of this line; what follows is read as its block`,
  };
}

/** An opening brace that belongs to no keyword; `title` says where: `in "vrrp_instance VI_1"`. */
export function unexpectedOpen(title: string, position: Position): Finding {
  return {
    severity: "error",
    position,
    message: `Unexpected "{" ${title}: no keyword that opens a block stands before it`,
    remedy: 'Delete it, and the "}" that belongs to it',
  };
}

/** A closing brace at the top level. */
export function extraClose(position: Position): Finding {
  return {
    severity: "error",
    position,
    message: 'Extra "}": no block is open here',
    remedy: 'Delete it, or add the "{" that it should close',
  };
}

/** The end of the file inside of a block that began at `opened`. */
export function unclosed(block: string, opened: Position): Finding {
  return {
    severity: "error",
    position: opened,
    message: `Cannot find the end of "${block}": a "}" is missing before the end of the file`,
    remedy: `Close the block with "}"`,
  };
}

/** A named block without a name, or with one that is taken. */
export function badName(keyword: string, name: Word | undefined, position: Position): Finding {
  return {
    severity: "error",
    position,
    message: name === undefined
      ? `A ${keyword} must have a name: this one is ignored`
      : `${keyword} "${name.text}" is already defined: this one is ignored`,
    remedy: name === undefined ? `Write a name behind "${keyword}"` : "Give it another name",
  };
}

/** A setting that is given twice where only the first one counts. */
export function givenTwice(keyword: Word, around: Surroundings): Finding {
  return {
    severity: "error",
    position: keyword.position,
    message: `"${keyword.text}" is given twice ${around.title}: the first one counts`,
    remedy: "Delete one of the two lines",
  };
}

/** Words behind the arguments of a keyword, which keepalived drops without a word. */
export function extraWords(statement: string, extra: Word, around: Surroundings): Finding {
  return {
    severity: "warning",
    position: extra.position,
    message: `"${extra.text}" and what follows is ignored: "${statement}" is more than one setting`,
    remedy: isKeyword(extra.text, around)
      ? `Write "${extra.text}" on a line of its own`
      : "Delete what is too much",
  };
}

/** Words between a keyword and its block. */
export function wordsBeforeBlock(keyword: string, extra: Word): Finding {
  return {
    severity: "warning",
    position: extra.position,
    message: `Words between "${keyword}" and its block are ignored`,
    remedy: `Delete "${extra.text}"`,
  };
}

/** A keyword among the entries of a list, most often because a "}" was forgotten; null if it is none. */
export function keywordInList(list: Word, entry: Word, around: Surroundings): Finding | null {
  if (!isKeyword(entry.text, around) && knownKeyword("root", entry.text) === null) return null;
  return {
    severity: "error",
    position: entry.position,
    message: `"${entry.text}" is a keyword, not an entry of "${list.text}": the line is ignored`,
    remedy: `Close the "${list.text}" of line ${list.position.line} with "}" before this line`,
  };
}

function isKeyword(word: string, around: Surroundings): boolean {
  return Object.hasOwn(around.table, word) || knownKeyword(around.path, word) !== null;
}
