/** The portable form and OpenWrt's package, built once for a test file. */

import { join } from "node:path";
import { builtVigie, ROOT, run } from "./build_shared.ts";

/** Where they are. */
export interface Built {
  readonly run: string;
  readonly ipk: string;
}

let built: Promise<Built> | null = null;

/** Builds them beside the executable that all tests of the build share. */
export function build(): Promise<Built> {
  return built ??= make();
}

async function make(): Promise<Built> {
  const program = await builtVigie(), output = join(program, "../vigie-portable.run");
  const main = join(ROOT, "lib/build/portable.ts");
  const args = ["--program", program, "--output", output, "--ipk", "--architecture", "test"];
  const { code, stderr, stdout } = await run([Deno.execPath(), "run", "-A", main, ...args]);
  if (code !== 0) throw new Error(`the build failed: ${stderr}`);
  const ipk = /^(.*\.ipk):/m.exec(stdout)![1]!;
  return { run: output, ipk };
}
