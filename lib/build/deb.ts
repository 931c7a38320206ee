/** Packages of Debian: fetched by apt, unpacked by dpkg, for whatever machine. */

import { join } from "node:path";
import { BuildError } from "./bundle.ts";

/** Where apt must write while it fetches for another machine than its own. */
const APT_FOLDERS = ["state/lists/partial", "cache/archives/partial"];

/**
 * Fetches packages by apt, from the archives that this host is set up with, whose signatures it checks.
 * The host's own state of packages is neither read nor changed.
 *
 * @param architecture As Debian names it.
 * @returns The folder.
 * @throws {BuildError} If apt is not there, or cannot fetch them.
 */
export async function downloadDebs(
  names: readonly string[],
  architecture: string,
  folder: string,
): Promise<string> {
  for (const name of APT_FOLDERS) await Deno.mkdir(join(folder, name), { recursive: true });
  const settings = {
    "APT::Architecture": architecture,
    "APT::Architectures": architecture,
    "APT::Sandbox::User": "",
    "Dir::State": join(folder, "state"),
    "Dir::State::status": "/dev/null",
    "Dir::Cache": join(folder, "cache"),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  // An archive that is out of reach is a warning: whether the packages are there is seen next.
  await run("apt-get", [...options, "-qq", "update"], folder);
  await run("apt-get", [...options, "-qq", "download", ...names], folder);
  return folder;
}

/** A package in a folder. */
export interface Deb {
  /** Unpacks its files. @returns Its version. @throws {BuildError} */
  unpack(root: string): Promise<{ readonly version: string }>;
}

/** Finds a package by its name. @throws {BuildError} If there is none, or more than one. */
export function deb(folder: string, name: string, architecture: string): Deb {
  const names = [...Deno.readDirSync(folder)].map((entry) => entry.name);
  const found = names.filter((file) =>
    file.startsWith(`${name}_`) && file.endsWith(`_${architecture}.deb`)
  );
  if (found.length !== 1) {
    throw new BuildError(
      `${found.length} packages ${name} for ${architecture} in ${folder}, not one`,
    );
  }
  const file = join(folder, found[0]!);
  return {
    async unpack(root) {
      await run("dpkg-deb", ["--extract", file, root], folder);
      return { version: (await run("dpkg-deb", ["--field", file, "Version"], folder)).trim() };
    },
  };
}

/** The version of a package that is installed here; null if it is not, or this is no Debian. */
export async function installedVersion(name: string): Promise<string | null> {
  try {
    return (await run("dpkg-query", ["--show", "--showformat=${Version}", name], "/")) || null;
  } catch (error) {
    if (error instanceof BuildError) return null;
    throw error;
  }
}

async function run(program: string, args: string[], cwd: string): Promise<string> {
  const command = new Deno.Command(program, { args, cwd, env: { LC_ALL: "C" }, stdin: "null" });
  let output: Deno.CommandOutput;
  try {
    output = await command.output();
  } catch (error) {
    throw new BuildError(`cannot run ${program}: ${(error as Error).message}`);
  }
  const said = new TextDecoder();
  if (!output.success) {
    throw new BuildError(`${program} failed: ${said.decode(output.stderr).trim()}`);
  }
  return said.decode(output.stdout);
}
