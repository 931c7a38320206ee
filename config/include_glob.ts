/** Which files a pattern names, as glob(3) with GLOB_BRACE finds them. Pure: folders are listed by others. */

/** The names in a folder; null if it cannot be listed. */
export type ListFolder = (folder: string) => readonly string[] | null;

/** Alternatives that braces may make, and files that a pattern may name: a line is 1024 bytes long. */
const ALTERNATIVES_MAX = 1_000;
const MATCHES_MAX = 10_000;

/** Whether a pattern has signs other than braces that stand for something else. */
export function hasWildcard(pattern: string): boolean {
  return /(?<!\\)[*?[]/.test(pattern);
}

/** Writes out `{a,b}`, nested ones too; at most a thousand. A brace without its other half is itself. */
export function expandBraces(pattern: string): readonly string[] {
  const done: string[] = [], todo = [pattern];
  while (todo.length > 0 && done.length + todo.length <= ALTERNATIVES_MAX) {
    const next = todo.pop()!, group = firstGroup(next);
    if (group === null) done.push(next);
    else {
      const { from, to, parts } = group;
      const written = parts.map((part) => next.slice(0, from) + part + next.slice(to));
      todo.push(...written.toReversed());
    }
  }
  return done;
}

interface Group {
  readonly from: number;
  readonly to: number;
  readonly parts: readonly string[];
}

/** The first brace that is closed, and what stands between its commas. In one pass: see `expandBraces`. */
function firstGroup(text: string): Group | null {
  const open: number[] = [], commas: number[][] = [];
  let first: { from: number; to: number; commas: readonly number[] } | null = null;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (sign === "\\") at++;
    else if (sign === "{") {
      open.push(at);
      commas.push([]);
    } else if (sign === ",") commas.at(-1)?.push(at);
    else if (sign === "}" && open.length > 0) {
      const from = open.pop()!, own = commas.pop()!;
      if (first === null || from < first.from) first = { from, to: at + 1, commas: own };
      if (open.length === 0) break;
    }
  }
  if (first === null) return null;
  const ends = [...first.commas, first.to - 1];
  const parts = ends.map((end, at) => text.slice((at === 0 ? first.from : ends[at - 1]!) + 1, end));
  return { from: first.from, to: first.to, parts };
}

/**
 * The paths that a pattern without braces may name, sorted; one without wildcards names itself,
 * whether it is there or not.
 */
export function matchPaths(pattern: string, list: ListFolder): readonly string[] {
  const isAbsolute = pattern.startsWith("/");
  const parts = pattern.split("/").filter((part) => part !== "");
  let found: readonly string[] = [isAbsolute ? "/" : ""];
  for (const [at, part] of parts.entries()) {
    if (!hasWildcard(part)) {
      const name = part.replaceAll(/\\(.)/g, "$1");
      // What stands behind a wildcard must be there; the caller finds out when it reads.
      found = found.map((folder) => joinPath(folder, name));
      continue;
    }
    const matches = compile(part), isHidden = part.startsWith(".");
    found = found.flatMap((folder) =>
      (list(folder === "" ? "." : folder) ?? []).filter((name) =>
        (isHidden || !name.startsWith(".")) && matches(name)
      ).map((name) => joinPath(folder, name))
    ).slice(0, MATCHES_MAX);
    if (at === parts.length - 1) found = found.toSorted();
  }
  return found;
}

/** A path in a folder; an absolute one stays what it is. */
export function joinPath(folder: string, path: string): string {
  if (path.startsWith("/") || folder === "" || folder === ".") return path;
  return folder.endsWith("/") ? folder + path : `${folder}/${path}`;
}

/** The folder that a path is in; empty for a path that has none. */
export function folderOf(path: string): string {
  const at = path.lastIndexOf("/");
  return at < 0 ? "" : at === 0 ? "/" : path.slice(0, at);
}

type Test = (sign: string) => boolean;

/** One part of a name: any number of signs, or one that passes. */
type Step = "any" | Test;

/** Whether a name matches a pattern without slashes. In time of their product, at the worst. */
function compile(pattern: string): (name: string) => boolean {
  const steps = stepsOf(pattern);
  return (name) => {
    let step = 0, at = 0, star = -1, resume = 0;
    while (at < name.length) {
      const test = steps[step];
      if (test === "any") {
        star = step++;
        resume = at;
      } else if (test !== undefined && test(name[at]!)) {
        step++;
        at++;
      } else if (star >= 0) {
        step = star + 1;
        at = ++resume;
      } else return false;
    }
    while (steps[step] === "any") step++;
    return step === steps.length;
  };
}

function stepsOf(pattern: string): readonly Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const sign = pattern[at]!;
    if (sign === "*") steps.push("any");
    else if (sign === "?") steps.push(() => true);
    else if (sign === "[" && pattern.indexOf("]", at + 2) > 0) {
      const inverted = /[!^]/.test(pattern[at + 1]!);
      const end = pattern.indexOf("]", at + (inverted ? 3 : 2));
      if (end < 0) steps.push((other) => other === sign);
      else {
        const inside = membersOf(pattern.slice(at + (inverted ? 2 : 1), end));
        steps.push((other) => inside(other) !== inverted);
        at = end;
      }
    } else {
      const literal = sign === "\\" ? pattern[++at] ?? sign : sign;
      steps.push((other) => other === literal);
    }
  }
  return steps;
}

/** What stands in brackets: single signs and ranges. */
function membersOf(text: string): Test {
  const ranges: [string, string][] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at + 1] === "-" && at + 2 < text.length) {
      ranges.push([text[at]!, text[at + 2]!]);
      at += 2;
    } else ranges.push([text[at]!, text[at]!]);
  }
  return (sign) => ranges.some(([low, high]) => low <= sign && sign <= high);
}
