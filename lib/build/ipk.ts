/**
 * Packages for OpenWrt's opkg: vigie, what it needs of another C library, and the files that
 * `vigie install` puts on a host with procd. An .ipk is an archive of three: a version of the format,
 * what opkg is told, and the files.
 */

import { dirname } from "node:path";
import { gzipSync } from "node:zlib";
import { type Bytes, concatBytes } from "../core/bytes.ts";
import { type ShippedFile, shippedFiles } from "../daemon/install/files.ts";
import type { Machine } from "./elf.ts";
import { pathsOf } from "./portable_elf.ts";
import { type CarriedFile, PLATFORMS } from "./portable_libraries.ts";
import { treeOf } from "./portable_run.ts";
import { type TarEntry, tarOf } from "./tar.ts";

/** Where vigie and its libraries are, and the name under which it is found. */
const HOME = "/usr/lib/vigie", PROGRAM = "/usr/sbin/vigie";

/** The package's number for the same version of vigie. */
const RELEASE = 1;

/** OpenWrt's names of machines, where it makes no difference which processor it is. */
export const ARCHITECTURES: Readonly<Record<Machine, string>> = {
  x86_64: "x86_64",
  aarch64: "aarch64_generic",
};

/** What a package is made of. */
export interface IpkParts {
  readonly machine: Machine;
  /** As opkg knows the machine (`opkg print-architecture`). */
  readonly architecture: string;
  readonly version: string;
  /** The program, as makePortable() made it: without its paths. */
  readonly program: Uint8Array;
  readonly carried: readonly CarriedFile[];
}

/** The usual name of the package's file. */
export function ipkName({ version, architecture }: IpkParts): string {
  return `vigie_${version}-${RELEASE}_${architecture}.ipk`;
}

/** The package. @throws {ElfError} */
export function ipk(parts: IpkParts): Bytes {
  const shipped = shippedFiles("procd", PROGRAM);
  const files = dataOf(parts, shipped);
  const size = files.reduce((sum, file) => sum + ("content" in file ? file.content.length : 0), 0);
  return archive([
    entry("debian-binary", "2.0\n"),
    { path: "./data.tar.gz", mode: 0o644, content: archive(files) },
    { path: "./control.tar.gz", mode: 0o644, content: archive(controlOf(parts, shipped, size)) },
  ], NOT_AGAIN);
}

/** The contents are compressed already. */
const NOT_AGAIN = 0;

function archive(entries: readonly TarEntry[], level = 9): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(tarOf([{ path: ".", folder: true }, ...entries]), { level }));
}

function entry(name: string, text: string, mode = 0o644): TarEntry {
  return { path: `./${name}`, mode, content: new TextEncoder().encode(text) };
}

function dataOf(parts: IpkParts, shipped: readonly ShippedFile[]): TarEntry[] {
  const { machine, program, carried } = parts;
  const whole = concatBytes(program, pathsOf(HOME, PLATFORMS[machine].loader));
  const own = treeOf(whole, carried).map((file) => ({ ...file, path: `.${HOME}/${file.path}` }));
  const files: TarEntry[] = [
    ...shipped.map(({ path, text, mode }) => entry(path.slice(1), text, mode)),
    ...own,
    { path: `.${PROGRAM}`, link: "../lib/vigie/vigie" },
  ];
  return [...foldersOf(files), ...files.filter((file) => !("folder" in file))];
}

/** Every folder above, the outermost first. */
function foldersOf(files: readonly TarEntry[]): TarEntry[] {
  const folders = new Set<string>();
  for (const { path } of files) {
    const above: string[] = [];
    for (let at = dirname(path); at !== "."; at = dirname(at)) above.unshift(at);
    for (const folder of above) folders.add(folder);
  }
  return [...folders].sort().map((path) => ({ path, folder: true }));
}

function controlOf(
  { version, architecture }: IpkParts,
  shipped: readonly ShippedFile[],
  size: number,
): TarEntry[] {
  const control = {
    Package: "vigie",
    Version: `${version}-${RELEASE}`,
    Architecture: architecture,
    Maintainer: "the authors of vigie",
    License: "MIT AND LGPL-2.1-or-later AND GPL-3.0-or-later WITH GCC-exception-3.1",
    Section: "net",
    // The same configuration file, ubus object and hotplug events.
    Conflicts: "keepalived",
    Provides: "keepalived",
    "Installed-Size": String(size),
    Description: "VRRP daemon that reads keepalived's configuration",
  };
  const lines = Object.entries(control).map(([name, value]) => `${name}: ${value}\n`);
  const config = shipped.filter(({ isConfig }) => isConfig).map(({ path }) => `${path}\n`);
  return [
    entry("control", lines.join("")),
    entry("conffiles", config.join("")),
    entry("postinst", hook("default_postinst"), 0o755),
    entry("prerm", hook("default_prerm"), 0o755),
  ];
}

/** OpenWrt's own part for packages with a service: enables, starts, stops and disables it. */
function hook(name: string): string {
  return `#!/bin/sh
[ "\${IPKG_NO_SCRIPT:-}" = 1 ] && exit 0
[ -s "\${IPKG_INSTROOT:-}/lib/functions.sh" ] || exit 0
. "\${IPKG_INSTROOT:-}/lib/functions.sh"
${name} "$0" "$@"
`;
}
