/** The portable form: a shell script and, behind it, vigie and its libraries as a compressed archive. */

import { gzipSync } from "node:zlib";
import { createHash } from "node:crypto";
import { type Bytes, concatBytes } from "../core/bytes.ts";
import { BuildError } from "./bundle.ts";
import type { Machine } from "./elf.ts";
import { SLOT_SIZE } from "./portable_elf.ts";
import { type CarriedFile, PLATFORMS } from "./portable_libraries.ts";
import { type TarEntry, tarOf } from "./tar.ts";

/** The script fills a multiple of it, so that dd(1) can skip it in one block. */
const STEP = 4096;

/** What the portable form is made of. */
export interface PortableParts {
  readonly machine: Machine;
  readonly version: string;
  /** The program, as makePortable() made it: without its paths. */
  readonly program: Uint8Array;
  readonly carried: readonly CarriedFile[];
  /** The script, with its `@NAMES@`. */
  readonly stub: string;
}

/**
 * The file.
 *
 * @param name What it is called in the script's own words.
 * @throws {BuildError} If the script names what is not known.
 */
export function portableRun(parts: PortableParts, name: string): Bytes {
  const { machine, version, program, carried } = parts;
  const payload = gzipSync(tarOf(treeOf(program, carried)), { level: 9 });
  const sum = createHash("sha256").update(payload).digest("hex");
  const values: Record<string, string> = {
    VERSION: version,
    MACHINE: machine,
    FILE: name,
    // Each build has a directory of its own.
    ID: `${version}-${sum.slice(0, 12)}`,
    LOADER: PLATFORMS[machine].loader,
    SUM: sum,
    SIZE: String(program.length + 2 * SLOT_SIZE),
    SLOT: String(SLOT_SIZE),
  };
  return concatBytes(scriptOf(parts.stub, values), payload);
}

/** What is in vigie's directory, without folders' names in front. */
export function treeOf(program: Uint8Array, carried: readonly CarriedFile[]): TarEntry[] {
  const folders = carried.flatMap(({ path }) => path.includes("/") ? [path.split("/")[0]!] : []);
  return [
    ...[...new Set(folders)].map((path): TarEntry => ({ path, folder: true })),
    ...carried,
    { path: "vigie", mode: 0o755, content: program },
  ];
}

/** The script with its values, filled up with line ends. */
function scriptOf(stub: string, values: Readonly<Record<string, string>>): Bytes {
  const fill = (block: number) =>
    stub.replaceAll(/@([A-Z]+)@/g, (_, name: string) => {
      const value = name === "BLOCK" ? String(block) : values[name];
      if (value === undefined) throw new BuildError(`the script asks for ${name}`);
      return value;
    });
  const encoder = new TextEncoder();
  let block = STEP;
  while (encoder.encode(fill(block)).length > block) block += STEP;
  const text = encoder.encode(fill(block));
  return concatBytes(text, new Uint8Array(block - text.length).fill(0x0a));
}
