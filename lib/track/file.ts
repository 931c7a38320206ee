/** The file check: there or not, fresh, and holding what it must. */

import type { FileProbe } from "../core/probe_spec.ts";
import { formatMicros } from "../core/time.ts";
import { matchBody } from "./body.ts";
import { type Checker, couldNotRun, failed, GOOD, type Verdict } from "./checker.ts";
import { codeOf, inWords } from "./words.ts";

/** A content is read so far. */
const CONTENT_BYTES = 1024 * 1024;

/** Looks at the file. A file system that hangs, as NFS can, costs a thread, not the check. */
export const checkFile: Checker<FileProbe> = (probe, { signal }) => {
  if (signal.aborted) return Promise.resolve(failed("aborted"));
  return new Promise((resolve) => {
    const abort = () => resolve(failed("aborted"));
    signal.addEventListener("abort", abort, { once: true });
    look(probe, signal).catch(explain).then((verdict) => {
      signal.removeEventListener("abort", abort);
      resolve(verdict);
    });
  });
};

async function look(probe: FileProbe, signal: AbortSignal): Promise<Verdict> {
  const info = await statOf(probe.path);
  if (!probe.mustExist) return info === null ? GOOD : failed("exists");
  if (info === null) return failed("does not exist");
  const age = ageProblem(probe, info);
  if (age !== null) return failed(age);
  if (probe.content === null) return GOOD;
  // To open a FIFO waits for a writer, to open a device may do anything.
  if (!info.isFile) return failed("is not a regular file");
  const content = await read(probe.path, signal);
  if (content.length > CONTENT_BYTES && probe.content.kind === "sha256") {
    return failed("content is larger than 1 MiB");
  }
  const why = await matchBody(probe.content, content.subarray(0, CONTENT_BYTES), "content");
  return why === null ? GOOD : failed(why);
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

function ageProblem({ maxAgeUs }: FileProbe, { mtime }: Deno.FileInfo): string | null {
  if (maxAgeUs === null || mtime === null) return null;
  const ageUs = (Date.now() - mtime.getTime()) * 1000;
  return ageUs <= maxAgeUs ? null : `not modified within ${formatMicros(maxAgeUs)}`;
}

/** As much as is tested, and one byte if there is more. */
async function read(path: string, signal: AbortSignal): Promise<Uint8Array> {
  using file = await Deno.open(path);
  let content = new Uint8Array(4096);
  let length = 0;
  while (length <= CONTENT_BYTES && !signal.aborted) {
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
