/** `include` and its variants: which files are meant, and what keepalived makes of those it lacks. */

import {
  expandBraces,
  hasWildcard,
  joinPath,
  type ListFolder,
  matchPaths,
} from "./include_glob.ts";

/** What must be so for an include not to be fatal (`include_check` of keepalived.conf(5)). */
export type IncludeCheck = "read" | "match" | "wildcard_match" | "brace_match";

/** All of them: what option -e and a bare `include_check` turn on. */
export const INCLUDE_CHECKS: readonly IncludeCheck[] = [
  "read",
  "match",
  "wildcard_match",
  "brace_match",
];

/** What each variant of the word adds to what is in force. */
const VARIANTS: Readonly<Record<string, readonly IncludeCheck[]>> = {
  include: [],
  includer: ["read"],
  includem: ["read", "match"],
  includew: ["read", "match", "wildcard_match"],
  includeb: ["read", "brace_match"],
  includea: INCLUDE_CHECKS,
};

/** A line with an include: the word, and the pattern behind it. */
export const INCLUDE = /^\s*(include[rmwba]?)(?=\s|$)\s*(.*)$/s;

/** Why a file is not included. */
export interface ReadFailure {
  /** There is no such file. */
  readonly absent: boolean;
  /** Such as "Permission denied". */
  readonly reason: string;
}

/** The content of a file, or why there is none. */
export type ReadFile = (path: string) => Uint8Array | ReadFailure;

/** One file that is included. */
export interface IncludedFile {
  readonly path: string;
  readonly content: Uint8Array;
}

/** Something that is not included. */
export interface Missed {
  readonly what: string;
  readonly isFatal: boolean;
}

/** Reads what an include names. Files come out one by one: what one holds may end the reading. */
export function* findIncluded(
  pattern: string,
  { word, folder, checks, read, list }: {
    readonly word: string;
    /** Of the file that includes. */
    readonly folder: string;
    readonly checks: ReadonlySet<IncludeCheck>;
    readonly read: ReadFile;
    readonly list: ListFolder;
  },
): Generator<IncludedFile | Missed> {
  const inForce = new Set([...checks, ...VARIANTS[word] ?? []]);
  const alternatives = expandBraces(pattern), isBrace = alternatives.length > 1;
  for (const alternative of alternatives) {
    const isWild = hasWildcard(alternative);
    let found = 0;
    for (const path of matchPaths(joinPath(folder, alternative), list)) {
      const content = read(path);
      if (content instanceof Uint8Array) {
        found++;
        yield { path, content };
      } else if (!content.absent) {
        found++;
        const what = `Cannot include "${path}": ${content.reason}: it is skipped`;
        yield { what, isFatal: inForce.has("read") };
      }
    }
    if (found > 0) continue;
    const check = isBrace ? "brace_match" : isWild ? "wildcard_match" : "match";
    // A folder without any files is what a wildcard is for.
    if (isWild && !inForce.has(check)) continue;
    const what = isWild
      ? `No file matches "${alternative}"`
      : `Cannot find "${joinPath(folder, alternative)}" to include it`;
    yield { what, isFatal: inForce.has(check) };
  }
}

/**
 * What `include_check` puts in force. The first plain word sets, "+" adds and "-" takes away.
 *
 * @returns Also the first word that is none, which keepalived ignores.
 */
export function readIncludeChecks(
  words: readonly string[],
  before: Iterable<IncludeCheck>,
): { readonly checks: ReadonlySet<IncludeCheck>; readonly wrong: string | null } {
  if (words.length === 0) return { checks: new Set(INCLUDE_CHECKS), wrong: null };
  const checks = new Set(before);
  let wrong: string | null = null;
  for (const [at, word] of words.entries()) {
    const sign = /^[+-]/.exec(word)?.[0] ?? "";
    const check = INCLUDE_CHECKS.find((known) => known === word.slice(sign.length));
    if (check === undefined || sign === "" && at > 0) wrong ??= word;
    else if (sign === "-") checks.delete(check);
    else {
      if (sign === "") checks.clear();
      checks.add("read").add(check);
    }
  }
  return { checks, wrong };
}
