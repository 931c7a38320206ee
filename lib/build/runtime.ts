/** The Deno executable that a program is packed into: the one that runs, or its twin for another machine. */

import { join } from "node:path";
import { BuildError } from "./bundle.ts";
import type { Machine } from "./elf.ts";

/** The packages of npm that hold Deno's executable for Linux with glibc. */
const PACKAGES: Readonly<Record<Machine, string>> = {
  x86_64: "@deno/linux-x64-glibc",
  aarch64: "@deno/linux-arm64-glibc",
};

/** The machine that this runs on. */
export const THIS_MACHINE: Machine = Deno.build.arch;

/** An executable of Deno, and where it is from. */
export interface Runtime {
  readonly bytes: Uint8Array;
  readonly origin: string;
}

/**
 * Deno for a machine, in the version that runs this.
 *
 * @param file An executable to take instead, of whatever version.
 * @throws {BuildError} If it cannot be had.
 */
export async function runtimeFor(machine: Machine, file?: string): Promise<Runtime> {
  if (file !== undefined) return { bytes: await Deno.readFile(file), origin: file };
  if (machine === THIS_MACHINE) {
    return { bytes: await Deno.readFile(Deno.execPath()), origin: "the Deno that runs this" };
  }
  return await fromRegistry(`${PACKAGES[machine]}@${Deno.version.deno}`);
}

/**
 * Fetches a package with npm, which asks the registry that it is configured to use and compares what it
 * gets with the registry's checksum.
 */
async function fromRegistry(name: string): Promise<Runtime> {
  const folder = await Deno.makeTempDir({ prefix: "vigie-runtime-" });
  try {
    const [packed] = JSON.parse(
      await run("npm", [
        "pack",
        name,
        "--json",
        "--loglevel",
        "error",
        "--pack-destination",
        folder,
      ]),
    );
    await run("tar", ["-xzf", join(folder, packed.filename), "-C", folder, "package/deno"]);
    const bytes = await Deno.readFile(join(folder, "package/deno"));
    return { bytes, origin: `npm package ${name}, ${packed.integrity}` };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function run(program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" })
    .output().catch((error) => {
      throw new BuildError(`cannot run ${program}: ${error.message}`);
    });
  const said = new TextDecoder();
  if (!success) {
    const what = `${program} ${args.slice(0, 2).join(" ")}`;
    throw new BuildError(
      `${what}: ${said.decode(stderr).trim()}\n(--runtime FILE takes a Deno that is there already)`,
    );
  }
  return said.decode(stdout);
}
