/** The loader and the libraries that a portable vigie carries, with their licences, from Debian. */

import { basename, join } from "node:path";
import { BuildError } from "./bundle.ts";
import { deb, downloadDebs, installedVersion } from "./deb.ts";
import type { Machine } from "./elf.ts";
import { THIS_MACHINE } from "./runtime.ts";

/** A file to carry. */
export interface CarriedFile {
  /** Where it belongs in vigie's directory. */
  readonly path: string;
  readonly mode: number;
  readonly content: Uint8Array;
}

/** What a machine's loader is called, and how Debian calls the machine. */
export const PLATFORMS: Readonly<
  Record<Machine, { readonly loader: string; readonly debian: string; readonly triplet: string }>
> = {
  x86_64: { loader: "ld-linux-x86-64.so.2", debian: "amd64", triplet: "x86_64-linux-gnu" },
  aarch64: { loader: "ld-linux-aarch64.so.1", debian: "arm64", triplet: "aarch64-linux-gnu" },
};

/**
 * What Deno is linked with (`readelf -d`, DT_NEEDED), the loader apart. Names are resolved without
 * further ones: the files and dns services are parts of libc since glibc 2.34.
 */
const LIBRARIES = [
  "libc.so.6",
  "libdl.so.2",
  "libgcc_s.so.1",
  "libm.so.6",
  "libpthread.so.0",
  "librt.so.1",
];

/** Which packages hold them, and the licences: libgcc-s1 names its own in gcc-12-base. */
const PACKAGES = ["libc6", "libgcc-s1", "gcc-12-base", "base-files"];

/** Licences, by the names under which they are carried; the last are those that they refer to. */
const LICENCES: Readonly<Record<string, string>> = {
  "licences/libc6": "usr/share/doc/libc6/copyright",
  "licences/libgcc-s1": "usr/share/doc/gcc-12-base/copyright",
  "licences/GPL-2": "usr/share/common-licenses/GPL-2",
  "licences/GPL-3": "usr/share/common-licenses/GPL-3",
  "licences/LGPL-2.1": "usr/share/common-licenses/LGPL-2.1",
};

/** What was found, and where. */
export interface Carried {
  readonly files: readonly CarriedFile[];
  readonly origin: string;
}

/**
 * The loader, the libraries and their licences: out of packages that apt fetches, or if it cannot, as
 * they are installed here.
 *
 * @param folder Packages that are there already, instead of downloading them.
 * @throws {BuildError} If they cannot be had.
 */
export async function carriedFor(machine: Machine, folder?: string): Promise<Carried> {
  const { debian } = PLATFORMS[machine];
  const scratch = await Deno.makeTempDir({ prefix: "vigie-libraries-" });
  try {
    const packages = folder ?? await downloadDebs(PACKAGES, debian, join(scratch, "debs"));
    return await unpacked(machine, packages, join(scratch, "root"));
  } catch (error) {
    const isOurs = machine === THIS_MACHINE && folder === undefined;
    if (!(error instanceof BuildError) || !isOurs) throw error;
    return await installed(machine, error);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function unpacked(machine: Machine, packages: string, root: string): Promise<Carried> {
  const { debian } = PLATFORMS[machine], versions: string[] = [];
  for (const name of PACKAGES) {
    const { version } = await deb(packages, name, debian).unpack(root);
    versions.push(`${name} ${version} (${debian})`);
  }
  return carried(machine, root, versions, "packages");
}

/** @param unfetched Why they were not fetched. */
async function installed(machine: Machine, unfetched: BuildError): Promise<Carried> {
  const { debian } = PLATFORMS[machine], versions: string[] = [];
  for (const name of PACKAGES) {
    const version = await installedVersion(name);
    if (version === null) throw unfetched;
    versions.push(`${name} ${version} (${debian})`);
  }
  return carried(machine, "/", versions, "as installed here, for they cannot be fetched");
}

function carried(
  machine: Machine,
  root: string,
  versions: readonly string[],
  how: string,
): Carried {
  const files = [...carriedFiles(root, machine), sourcesNote(versions)];
  return { files, origin: `${versions.join(", ")}, ${how}` };
}

function* carriedFiles(root: string, machine: Machine): Generator<CarriedFile> {
  const { loader, triplet } = PLATFORMS[machine];
  for (const name of [loader, ...LIBRARIES]) {
    const mode = name === loader ? 0o755 : 0o644;
    yield {
      path: name,
      mode,
      content: read(root, [`lib/${triplet}/${name}`, `usr/lib/${triplet}/${name}`]),
    };
  }
  for (const [path, source] of Object.entries(LICENCES)) {
    yield { path, mode: 0o644, content: read(root, [source]) };
  }
}

/** Debian moves libraries from /lib to /usr/lib. */
function read(root: string, places: readonly string[]): Uint8Array {
  for (const place of places) {
    try {
      return Deno.readFileSync(join(root, place));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new BuildError(`Debian's packages hold no ${basename(places[0]!)}`);
}

function sourcesNote(packages: readonly string[]): CarriedFile {
  const text =
    `The loader and the libraries beside vigie are Debian's, unchanged, from these packages:

${packages.map((name) => `  ${name}`).join("\n")}

Their licences are in this folder. Their source is at https://deb.debian.org/debian, in every version
that there was at https://snapshot.debian.org. Any compatible build of them can be put in their place.
`;
  return { path: "licences/SOURCES", mode: 0o644, content: new TextEncoder().encode(text) };
}
