/** Installing, and taking away exactly what was installed. */

import { type Content, digest, makeFolders, place, present } from "./content.ts";
import { type Init, shippedFiles } from "./files.ts";
import { type InstalledFile, type Manifest, MANIFEST_PATH, readManifest } from "./manifest.ts";

/** What to install, and where. */
export interface InstallRequest {
  /** The folder that stands for "/"; "" for the host itself. */
  readonly root: string;
  readonly init: Init;
  /** The executable's path on the host: "/usr/sbin/vigie". */
  readonly program: string;
  /** The executable to copy there. */
  readonly executable: string;
  /** Nothing is changed, all is answered. */
  readonly dryRun: boolean;
}

/** What became of a file or folder. */
export interface Step {
  readonly done: "installed" | "updated" | "unchanged" | "kept" | "removed" | "gone";
  readonly path: string;
  /** Why, where that is not plain. */
  readonly why?: string;
}

/** A file of the installation with what it is to hold. */
interface Wanted {
  readonly path: string;
  readonly mode: number;
  readonly isConfig: boolean;
  readonly content: Content;
}

/**
 * Installs, or brings up to date what an earlier run installed. What others have put there or changed
 * is kept.
 * @throws {Error} In words for people, for what the system refuses.
 */
export async function install(request: InstallRequest): Promise<readonly Step[]> {
  const { root, init, dryRun } = request;
  const before = readManifest(root);
  const known = new Map(before?.files.map((file) => [file.path, file]));
  const folders = [...before?.folders ?? []];
  const steps: Step[] = [];
  try {
    for (const wanted of wantedFiles(request)) {
      const sha256 = await digest(wanted.content);
      const step = await judge(root, wanted, sha256, known.get(wanted.path));
      steps.push(step);
      if (dryRun || (step.done !== "installed" && step.done !== "updated")) continue;
      folders.push(...makeFolders(root, wanted.path));
      await place(root + wanted.path, wanted.content, wanted.mode);
      known.set(wanted.path, { path: wanted.path, sha256 });
    }
  } finally {
    // Also of what was done before a failure: it is to be found again.
    if (!dryRun && known.size > 0) {
      folders.push(...makeFolders(root, MANIFEST_PATH));
      await record(root, { format: 1, init, files: [...known.values()], folders }, before);
    }
  }
  return steps;
}

function wantedFiles({ init, program, executable }: InstallRequest): readonly Wanted[] {
  return [
    { path: program, mode: 0o755, isConfig: false, content: { file: executable } },
    ...shippedFiles(init, program).map(({ text, ...file }) => ({ ...file, content: { text } })),
  ];
}

/** What is to be done about a file; nothing is done yet. */
async function judge(
  root: string,
  { path, isConfig }: Wanted,
  sha256: string,
  installed: InstalledFile | undefined,
): Promise<Step> {
  switch (present(root + path)) {
    case "nothing":
      return { done: "installed", path };
    case "something else":
      return { done: "kept", path, why: "it is a link or no file at all" };
    case "file": {
      const now = await digest({ file: root + path });
      if (now === sha256) return { done: "unchanged", path };
      if (now === installed?.sha256) return { done: "updated", path };
      const owner = isConfig ? "it is yours" : "vigie install has not put it there";
      return { done: "kept", path, why: installed ? "it was changed" : owner };
    }
  }
}

/** Writes the manifest, unless it says the same already. */
async function record(root: string, manifest: Manifest, before: Manifest | null): Promise<void> {
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  if (before !== null && text === `${JSON.stringify(before, null, 2)}\n`) return;
  await place(root + MANIFEST_PATH, { text }, 0o644);
}

/**
 * Takes note that vigie itself has replaced a file that it had installed, as an upgrade does, so that
 * `uninstall` takes that away too. Does nothing for other files, or where nothing is installed.
 * @throws {Error} In words for people.
 */
export async function noteReplacement(root: string, path: string): Promise<void> {
  const before = readManifest(root);
  if (!before?.files.some((file) => file.path === path)) return;
  const sha256 = await digest({ file: root + path });
  const files = before.files.map((file) => file.path === path ? { path, sha256 } : file);
  await record(root, { ...before, files }, before);
}

/**
 * Takes away what `install` has put there and nobody has changed since, and its empty folders.
 * @returns Null if nothing is installed.
 * @throws {Error} In words for people.
 */
export async function uninstall(root: string, dryRun: boolean): Promise<readonly Step[] | null> {
  const manifest = readManifest(root);
  if (manifest === null) return null;
  const steps: Step[] = [];
  for (const file of manifest.files) {
    const step = await judgeRemoval(root, file);
    steps.push(step);
    if (step.done === "removed" && !dryRun) Deno.removeSync(root + file.path);
  }
  if (dryRun) return steps;
  Deno.removeSync(root + MANIFEST_PATH);
  for (const folder of manifest.folders.toReversed()) removeIfEmpty(root + folder);
  return steps;
}

async function judgeRemoval(root: string, { path, sha256 }: InstalledFile): Promise<Step> {
  switch (present(root + path)) {
    case "nothing":
      return { done: "gone", path };
    case "something else":
      return { done: "kept", path, why: "it is a link or no file at all" };
    case "file":
      return await digest({ file: root + path }) === sha256
        ? { done: "removed", path }
        : { done: "kept", path, why: "it was changed since it was installed" };
  }
}

function removeIfEmpty(folder: string): void {
  try {
    Deno.removeSync(folder);
  } catch {
    // Others have put something there, or have removed it already.
  }
}
