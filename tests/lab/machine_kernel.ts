/** A Debian kernel for test machines: downloaded by apt, unpacked, never installed. */

import { join } from "node:path";
import { tmpdir } from "node:os";

/** Depends on the newest kernel for virtual machines, which has drivers for little else. */
const META_PACKAGE = "linux-image-cloud-amd64";

/** A kernel and its modules. */
export interface Kernel {
  /** The file that boots. */
  readonly image: string;
  /** The folder of its modules, as below /lib/modules. */
  readonly modules: string;
}

/** One kernel a user and version; /tmp because it is the system's, not the repository's. */
const CACHE = join(tmpdir(), `vigie-test-kernel-${Deno.uid()}`);

/**
 * The kernel, downloaded the first time (27 MB) and kept in the system's folder for temporary files.
 * @throws {Error} If it cannot be had: no apt, no network, another architecture.
 */
export function debianKernel(): Kernel {
  const name = /Depends: (linux-image-\S+)/.exec(run("apt-cache", ["depends", META_PACKAGE]))?.[1];
  if (name === undefined) throw new Error(`apt knows no ${META_PACKAGE}`);
  Deno.mkdirSync(CACHE, { recursive: true, mode: 0o700 });
  if (Deno.statSync(CACHE).uid !== Deno.uid()) throw new Error(`${CACHE} is somebody else's`);
  using lock = Deno.openSync(join(CACHE, "lock"), { write: true, create: true });
  lock.lockSync(true);
  const folder = join(CACHE, name);
  if (!exists(folder)) fetchInto(name, folder);
  const version = name.replace(/^linux-image-/, "");
  const place = ["lib/modules", "usr/lib/modules"].find((place) => exists(join(folder, place)));
  if (place === undefined) throw new Error(`${name} has no modules`);
  return {
    image: join(folder, "boot", `vmlinuz-${version}`),
    modules: join(folder, place, version),
  };
}

/** Downloads and unpacks beside the final place: what is there is whole. */
function fetchInto(name: string, folder: string): void {
  const work = Deno.makeTempDirSync({ dir: CACHE });
  try {
    run("apt-get", ["download", "-qq", "-o", "APT::Sandbox::User=root", name], work);
    const { name: file } = [...Deno.readDirSync(work)].find(({ name }) => name.endsWith(".deb"))!;
    run("dpkg-deb", ["-x", join(work, file), join(work, "unpacked")]);
    // Debian 13 compresses its modules.
    run("find", [join(work, "unpacked"), "-name", "*.ko.xz", "-exec", "xz", "-d", "{}", "+"]);
    Deno.renameSync(join(work, "unpacked"), folder);
  } finally {
    Deno.removeSync(work, { recursive: true });
  }
}

/**
 * The files of modules and of all that they need, in the order in which they can be loaded; what is
 * built into the kernel has none.
 * @param wanted Names without ".ko".
 * @throws {Error} If there is no such module.
 */
export function modulesFor({ modules }: Kernel, wanted: readonly string[]): string[] {
  const files = new Map<string, string>();
  for (const file of filesIn(modules)) {
    const name = /([^/]+)\.ko$/.exec(file)?.[1];
    if (name !== undefined) files.set(name.replaceAll("-", "_"), file);
  }
  const ordered = new Set<string>();
  const builtin = Deno.readTextFileSync(join(modules, "modules.builtin")).replaceAll("-", "_");
  const add = (name: string) => {
    const file = files.get(name.replaceAll("-", "_"));
    if (builtin.includes(`/${name.replaceAll("-", "_")}.ko`)) return;
    if (file === undefined) throw new Error(`The kernel has no module ${name}`);
    for (const needed of needsOf(file)) add(needed);
    ordered.add(file);
  };
  wanted.forEach(add);
  return [...ordered];
}

/** What a module says of itself in its .modinfo section: "depends=a,b", ended by a NUL. */
function needsOf(file: string): string[] {
  const text = new TextDecoder("latin1").decode(Deno.readFileSync(file));
  return (/\0depends=([^\0]*)\0/.exec(text)?.[1] ?? "").split(",").filter((name) => name !== "");
}

function* filesIn(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* filesIn(path);
    else yield path;
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** @returns Its standard output. @throws {Error} If it fails, with the first line of what it said. */
function run(command: string, args: readonly string[], cwd?: string): string {
  const { success, stdout, stderr } = new Deno.Command(command, {
    args: [...args],
    stdin: "null",
    env: { LC_ALL: "C" },
    ...cwd === undefined ? {} : { cwd },
  }).outputSync();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${command}: ${decoder.decode(stderr).trim().split("\n")[0]}`);
  return decoder.decode(stdout);
}
