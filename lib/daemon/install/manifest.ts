/** What was installed, so that exactly that can be taken away again. */

/** Where it is kept: on OpenWrt, all of /var is gone after a reboot. */
export const MANIFEST_PATH = "/etc/vigie/installed.json";

/** One installed file. */
export interface InstalledFile {
  /** Without the root. */
  readonly path: string;
  /** Of its content as it was installed, in hexadecimal digits. */
  readonly sha256: string;
}

/** All of it. */
export interface Manifest {
  /** Of this format. */
  readonly format: 1;
  readonly init: string;
  readonly files: readonly InstalledFile[];
  /** Folders that did not exist before, the outermost first. */
  readonly folders: readonly string[];
}

/**
 * The manifest of the host at a root; null if nothing is installed.
 * @throws {Error} In words for people, if there is one that cannot be understood.
 */
export function readManifest(root: string): Manifest | null {
  const path = root + MANIFEST_PATH;
  let text;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  const manifest = parse(text);
  if (manifest === null) {
    throw new Error(`Cannot read ${path}: it is not what vigie install wrote`);
  }
  return manifest;
}

function parse(text: string): Manifest | null {
  try {
    const value = JSON.parse(text) as Partial<Manifest> | null;
    const isPath = (path: unknown) => typeof path === "string" && isClean(path);
    const isSound = value?.format === 1 && typeof value.init === "string" &&
      Array.isArray(value.files) && Array.isArray(value.folders) &&
      value.folders.every(isPath) &&
      value.files.every((file) => isPath(file?.path) && typeof file.sha256 === "string");
    return isSound ? value as Manifest : null;
  } catch {
    return null;
  }
}

/** An absolute path that does not leave its root. */
function isClean(path: string): boolean {
  return path.startsWith("/") && !path.split("/").includes("..");
}
