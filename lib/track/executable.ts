/** What makes a file a program that a certain user can run: permission bits, PATH, first bytes. */

/** Who wants to do something. */
export interface Runner {
  readonly uid: number;
  readonly gid: number;
}

/** Which part of the permission bits is about somebody, as chmod(1) calls it. */
export type PermissionClass = "u" | "g" | "o";

/** Bits of one class: read, write, execute (for a folder: search). */
export const PERMISSION = { read: 4, write: 2, execute: 1 } as const;

/** What of a file decides who may do what. */
export type Guarded = Pick<Deno.FileInfo, "mode" | "uid" | "gid" | "isDirectory">;

/** How far the bits of a class are shifted in the mode. */
const SHIFT: Readonly<Record<PermissionClass, number>> = { u: 6, g: 3, o: 0 };

/** Where programs are looked for when the environment has no PATH: systemd's default for services. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Linux reads this much of a file to find out what it is (BINPRM_BUF_SIZE, linux/binfmts.h). */
const HEAD_BYTES = 256;

/** The class that is about somebody: the first that fits, even if another one would allow more. */
export function classFor({ uid, gid }: Guarded, who: Runner): PermissionClass {
  if (who.uid === uid) return "u";
  return who.gid === gid ? "g" : "o";
}

/**
 * Whether the permission bits let somebody without supplementary groups do something. Root may do
 * everything, except execute a file that nobody may (capabilities(7), CAP_DAC_OVERRIDE).
 */
export function isAllowed(file: Guarded, who: Runner, permission: number): boolean {
  const mode = file.mode ?? 0;
  if (who.uid === 0) {
    return permission !== PERMISSION.execute || file.isDirectory || (mode & 0o111) !== 0;
  }
  return (mode >> SHIFT[classFor(file, who)] & permission) === permission;
}

/**
 * The file that a command means: one with a slash counts from the root folder, where programs are
 * run; any other is the first in PATH that may be executed, else the first there; null if there is
 * none.
 */
export function locate(command: string, path: string | undefined, who: Runner): string | null {
  if (command.includes("/")) return command.startsWith("/") ? command : `/${command}`;
  let found: string | null = null;
  for (const folder of (path || DEFAULT_PATH).split(":").filter((part) => part.startsWith("/"))) {
    const file = `${folder === "/" ? "" : folder}/${command}`;
    const info = statOrNull(file);
    if (info === null || !info.isFile) continue;
    if (isAllowed(info, who, PERMISSION.execute)) return file;
    found ??= file;
  }
  return found;
}

/** What a file begins with. */
export type Head =
  | { readonly kind: "machine code" }
  /** A `#!` line: the path as the kernel takes it, and the rest of the line as one argument. */
  | { readonly kind: "script"; readonly interpreter: string; readonly argument: string | null }
  /** Nothing that the kernel runs. */
  | { readonly kind: "other" }
  /** It is not a regular file that this process may read. */
  | { readonly kind: "hidden" };

/** Finds out what kind of program a file is, as execve(2) does. */
export function headOf(path: string): Head {
  const bytes = readHead(path);
  if (bytes === null) return { kind: "hidden" };
  const text = new TextDecoder("latin1").decode(bytes);
  if (text.startsWith("\x7fELF")) return { kind: "machine code" };
  const line = /^#![ \t]*([^ \t\n]+)(?:[ \t]+([^\n]*?))?[ \t]*(?:\n|$)/.exec(text);
  if (line === null) return { kind: "other" };
  const decoded = (part: string | undefined) =>
    part ? new TextDecoder().decode(Uint8Array.from(part, (c) => c.charCodeAt(0))) : null;
  return { kind: "script", interpreter: decoded(line[1])!, argument: decoded(line[2]) };
}

function readHead(path: string): Uint8Array | null {
  // A FIFO would be waited for: only what is a regular file is opened.
  if (!statOrNull(path)?.isFile) return null;
  try {
    using file = Deno.openSync(path);
    const buffer = new Uint8Array(HEAD_BYTES);
    return buffer.subarray(0, file.readSync(buffer) ?? 0);
  } catch {
    return null;
  }
}

/** What stat(2) says of a path, links followed; null if it says nothing. */
export function statOrNull(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch {
    return null;
  }
}
