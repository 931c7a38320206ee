/** Contents of files: compared by digest, put in place whole or not at all. */

import { dirname } from "node:path";
import type { Bytes } from "../../core/bytes.ts";

/** What a file is to hold: a text, or what another file holds. */
export type Content = { readonly text: string } | { readonly file: string };

/** What is at a path. */
export type Present = "nothing" | "file" | "something else";

/** What is at a path, links not followed. */
export function present(path: string): Present {
  try {
    return Deno.lstatSync(path).isFile ? "file" : "something else";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "nothing";
    throw error;
  }
}

/** The SHA-256 of a content, in hexadecimal digits; of a file piece by piece, for it may be large. */
export async function digest(content: Content): Promise<string> {
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  if ("text" in content) return hash.update(content.text).digest("hex");
  using file = await Deno.open(content.file);
  const buffer: Bytes = new Uint8Array(1 << 20);
  for (let length; (length = await file.read(buffer)) !== null;) {
    hash.update(buffer.subarray(0, length));
  }
  return hash.digest("hex");
}

/** Puts a content in place by a rename, so that a reader, or a power failure, sees all or nothing. */
export async function place(path: string, content: Content, mode: number): Promise<void> {
  const beside = `${path}.vigie-new`;
  try {
    if ("text" in content) await Deno.writeTextFile(beside, content.text);
    else await Deno.copyFile(content.file, beside);
    await Deno.chmod(beside, mode);
    using file = await Deno.open(beside);
    await file.sync();
    await Deno.rename(beside, path);
  } catch (error) {
    await Deno.remove(beside).catch(() => {
      // It was not even begun.
    });
    throw error;
  }
}

/**
 * Makes the folder of a path. @returns Which folders were made, the outermost first.
 * @throws {Error} In words for people, if a link leads out of the root.
 */
export function makeFolders(root: string, path: string): readonly string[] {
  const made: string[] = [];
  for (const folder of ancestors(path)) {
    try {
      Deno.mkdirSync(root + folder, { mode: 0o755 });
      made.push(folder);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
    if (root !== "" && !isWithin(root, root + folder)) {
      throw new Error(`Cannot use ${root}${folder}: it is a link that leads out of ${root}`);
    }
  }
  return made;
}

function isWithin(root: string, path: string): boolean {
  const [outer, inner] = [Deno.realPathSync(root), Deno.realPathSync(path)];
  return inner === outer || inner.startsWith(`${outer}/`);
}

/** "/etc", "/etc/vigie" of "/etc/vigie/vigie.conf". */
function ancestors(path: string): readonly string[] {
  const folder = dirname(path);
  return folder === "/" ? [] : [...ancestors(folder), folder];
}
