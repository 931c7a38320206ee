/** A path as the kernel walks it: every folder and link on the way, and where the way ends. */

import { codeOf, inWords } from "../track/words.ts";

/** Something on the way, itself: links are not followed. */
export interface Step {
  readonly path: string;
  readonly info: Deno.FileInfo;
}

/** Where a way ends. */
export type End =
  | { readonly kind: "there"; readonly path: string; readonly info: Deno.FileInfo }
  /** There is nothing at `path`; `isLast`: all folders before it are there. */
  | { readonly kind: "missing"; readonly path: string; readonly isLast: boolean }
  /** `path` is used as a folder and is none. */
  | { readonly kind: "not a folder"; readonly path: string }
  | { readonly kind: "too many links" }
  /** This process may not look at `path`, or cannot; `why` in words. */
  | { readonly kind: "hidden"; readonly path: string; readonly why: string };

/** A way and its end. */
export interface Walk {
  /** From the root folder on, each once; links themselves and what they lead to. */
  readonly steps: readonly Step[];
  readonly end: End;
}

/** Linux follows so many links in one path (MAXSYMLINKS, linux/namei.h). */
const MAX_LINKS = 40;

/** Walks an absolute path. */
export function walk(path: string): Walk {
  const steps = new Map<string, Step>();
  const look = (at: string) => {
    const known = steps.get(at);
    if (known !== undefined) return known.info;
    const info = Deno.lstatSync(at);
    steps.set(at, { path: at, info });
    return info;
  };
  const end = follow(path, look);
  return { steps: [...steps.values()], end };
}

function follow(path: string, look: (path: string) => Deno.FileInfo): End {
  const pending = namesOf(path);
  let here = "/", info = look(here);
  for (let links = 0; pending.length > 0;) {
    const name = pending.shift()!;
    if (!info.isDirectory) return { kind: "not a folder", path: here };
    const next = name === ".." ? parentOf(here) : `${here === "/" ? "" : here}/${name}`;
    try {
      const found = look(next);
      if (!found.isSymlink) {
        [here, info] = [next, found];
        continue;
      }
      if (++links > MAX_LINKS) return { kind: "too many links" };
      const target = Deno.readLinkSync(next);
      pending.unshift(...namesOf(target));
      if (target.startsWith("/")) [here, info] = ["/", look("/")];
    } catch (error) {
      return codeOf(error) === "ENOENT"
        ? { kind: "missing", path: next, isLast: pending.length === 0 }
        : { kind: "hidden", path: next, why: inWords(error) };
    }
  }
  return { kind: "there", path: here, info };
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

/** The folder that a path is in. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
