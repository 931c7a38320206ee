/** What the commands that build have in common: their arguments, their failures, their files. */

import { basename } from "node:path";
import { toHex } from "../core/bytes.ts";
import { BuildError } from "./bundle.ts";
import { ChunkError } from "./chunk.ts";
import { ElfError } from "./elf.ts";

/**
 * Reads arguments and builds; what is wrong with either is said on standard error.
 *
 * @param readOptions Throws if the arguments make no sense.
 * @returns The exit code: 2 for the arguments, 1 for what could not be built.
 */
export async function buildCommand<Options>(
  usage: string,
  readOptions: (args: string[]) => Options,
  build: (options: Options) => Promise<void>,
): Promise<number> {
  let options;
  try {
    options = readOptions(Deno.args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    return 2;
  }
  try {
    await build(options);
    return 0;
  } catch (error) {
    const isExpected = [BuildError, ChunkError, ElfError].some((kind) => error instanceof kind);
    if (!isExpected) throw error;
    console.error(`Cannot build: ${error instanceof Error ? error.message : error}`);
    return 1;
  }
}

/** Writes a file whole or not at all: a program that runs cannot be written to, but be replaced. */
export async function replaceFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const temporary = `${path}.${Deno.pid}`;
  await Deno.writeFile(temporary, bytes, { mode });
  await Deno.rename(temporary, path);
}

/** Writes the checksum of a file beside it, as sha256sum(1) reads it. @returns The sum. */
export async function writeSum(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const sum = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  await Deno.writeTextFile(`${path}.sha256`, `${sum}  ${basename(path)}\n`);
  return sum;
}
