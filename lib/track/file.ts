/** The file check: there or not, fresh, and holding what it must. */

import type { FileProbe } from "../core/probe_spec.ts";
import { formatMicros } from "../core/time.ts";
import { matchBody, prepareTest } from "./body.ts";
import { type Checker, couldNotRun, failed, GOOD, type Verdict } from "./checker.ts";
import { SYSTEM_CLOCK } from "./clock.ts";
import { Shared } from "./shared.ts";
import { codeOf, inWords } from "./words.ts";

/** A content is read so far. */
const CONTENT_BYTES = 1024 * 1024;

/** So many looks at once, of Deno's 32 threads for calls that block. */
const MOST_AT_ONCE = 8;

/** What was seen. */
interface Seen {
  /** Null if there is no file. */
  readonly info: Deno.FileInfo | null;
  readonly seenMs: number;
  /** Null if it was not wanted, or could not be had. */
  readonly content: Uint8Array | null;
}

/** Reads what is wanted of a file. */
export type LookAt = (path: string, wantsContent: boolean) => Promise<Seen>;

/** The file check of this process. */
export const checkFile: Checker<FileProbe> = fileChecker(lookAt);

/**
 * Looks at the file. A file system that hangs, as NFS can, does so without being asked again: those
 * who want to know the same share one look, until it ends.
 */
export function fileChecker(look: LookAt, most: number = MOST_AT_ONCE): Checker<FileProbe> {
  const looks = new Shared<Seen>(most, SYSTEM_CLOCK);
  return async (probe, { signal }) => {
    if (signal.aborted) return failed("aborted");
    const { path, content, mustExist } = probe;
    const wantsContent = mustExist && content !== null;
    const key = `${wantsContent} ${path}`;
    const seen = await looks.ask(key, () => look(path, wantsContent)).wait(signal);
    if (seen === null) return failed("no answer from the file system");
    try {
      return seen.status === "fulfilled" ? await judge(probe, seen.value) : explain(seen.reason);
    } catch (error) {
      return explain(error);
    }
  };
}

/** Loads what a probe needs. @throws {SyntaxError} If its pattern is none. */
export async function prepareFile({ content }: FileProbe): Promise<void> {
  await prepareTest(content);
}

async function judge(probe: FileProbe, { info, seenMs, content }: Seen): Promise<Verdict> {
  if (!probe.mustExist) return info === null ? GOOD : failed("exists");
  if (info === null) return failed("does not exist");
  const age = ageProblem(probe, info, seenMs);
  if (age !== null) return failed(age);
  if (probe.content === null) return GOOD;
  if (content === null) return failed("is not a regular file");
  if (content.length > CONTENT_BYTES && probe.content.kind === "sha256") {
    return failed("content is larger than 1 MiB");
  }
  const why = await matchBody(probe.content, content.subarray(0, CONTENT_BYTES), "content");
  return why === null ? GOOD : failed(why);
}

async function lookAt(path: string, wantsContent: boolean): Promise<Seen> {
  const info = await statOf(path);
  const seenMs = Date.now();
  // To open a FIFO waits for a writer, to open a device may do anything.
  const content = wantsContent && info?.isFile ? await read(path) : null;
  return { info, seenMs, content };
}

/** Facts about a file; null if there is none. A link that leads nowhere is none. */
async function statOf(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    const code = codeOf(error);
    if (error instanceof Deno.errors.NotFound || code === "ENOENT" || code === "ENOTDIR") {
      return null;
    }
    throw error;
  }
}

function ageProblem(
  { maxAgeUs }: FileProbe,
  { mtime }: Deno.FileInfo,
  seenMs: number,
): string | null {
  if (maxAgeUs === null || mtime === null) return null;
  const ageUs = (seenMs - mtime.getTime()) * 1000;
  return ageUs <= maxAgeUs ? null : `not modified within ${formatMicros(maxAgeUs)}`;
}

/** As much as is tested, and one byte if there is more. */
async function read(path: string): Promise<Uint8Array> {
  using file = await Deno.open(path);
  let content = new Uint8Array(4096);
  let length = 0;
  while (length <= CONTENT_BYTES) {
    if (length === content.length) content = grown(content);
    const count = await file.read(content.subarray(length, CONTENT_BYTES + 1));
    if (count === null) break;
    length += count;
  }
  return content.subarray(0, length);
}

function grown(content: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(content.length * 4, CONTENT_BYTES + 1));
  larger.set(content);
  return larger;
}

/** That the file cannot be looked at says nothing about the service. */
function explain(error: unknown): Verdict {
  return couldNotRun(inWords(error));
}
