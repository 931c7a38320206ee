/** `deno task build`: vigie in one executable file, and its checksum. */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { BuildError, bundle, runDeno } from "./bundle.ts";
import { buildCommand, replaceFile, writeSum } from "./command.ts";
import { type Machine, MACHINES, readElf } from "./elf.ts";
import { packProgram } from "./program.ts";
import { runtimeFor, THIS_MACHINE } from "./runtime.ts";
import { dirname, resolve } from "node:path";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ENTRY = "main.ts";

const USAGE = `Usage: deno task build [options]
  --target ${Object.keys(MACHINES).join("|")}  the machine to build for; default this one
  --output FILE     default dist/vigie
  --method METHOD   pack: into Deno's executable, from the npm registry alone
                    compile: by deno compile, which downloads from Deno's site
                    default: pack, or compile if there is nothing to pack into
  --runtime FILE    the executable of Deno to pack into, instead of the version that runs this`;

/** How the executable was made. */
type Method = "pack" | "compile";

interface Options {
  readonly target: Machine;
  readonly output: string;
  readonly method: Method | undefined;
  readonly runtime: string | undefined;
}

/** @throws {TypeError} If the arguments make no sense. */
function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      target: { type: "string", default: THIS_MACHINE },
      output: { type: "string", default: resolve(ROOT, "dist/vigie") },
      method: { type: "string" },
      runtime: { type: "string" },
    },
  });
  const { target, output, method, runtime } = values;
  if (!(target in MACHINES)) throw new TypeError(`Unknown target ${target}`);
  if (method !== undefined && method !== "pack" && method !== "compile") {
    throw new TypeError(`Unknown method ${method}`);
  }
  return { target: target as Machine, output: resolve(output), method, runtime };
}

async function build({ target, output, method, runtime }: Options): Promise<void> {
  await Deno.mkdir(dirname(output), { recursive: true });
  if (method === "compile") await compile(target, output);
  else await packOrCompile(target, output, runtime, method);
  const file = await Deno.readFile(output);
  const sum = await writeSum(output, file);
  const compressed = gzipSync(file, { level: 9 }).length;
  console.log(`${output}: ${target}, ${megabytes(file.length)}, ${megabytes(compressed)} by gzip`);
  console.log(`sha256 ${sum}`);
}

/** Packing is what the tests prove; without a runtime to pack into, Deno's own way is tried. */
async function packOrCompile(
  target: Machine,
  output: string,
  runtime: string | undefined,
  method: Method | undefined,
): Promise<void> {
  let packed;
  try {
    packed = await runtimeFor(target, runtime);
  } catch (error) {
    if (!(error instanceof BuildError) || method === "pack" || runtime !== undefined) throw error;
    console.log(`${error.message}: trying deno compile`);
    return await compile(target, output);
  }
  const { bytes, origin } = packed;
  if (readElf(bytes).machine !== target) throw new BuildError(`${origin} is not for ${target}`);
  await replaceFile(output, packProgram(bytes, await bundle(ROOT, ENTRY)).file, 0o755);
  console.log(`packed into ${origin}`);
}

/** @throws {BuildError} If Deno's base binary cannot be had. */
async function compile(target: Machine, output: string): Promise<void> {
  const flags = [
    "--quiet",
    "--allow-all",
    "--no-prompt",
    "--no-code-cache",
    "--exclude-unused-npm",
  ];
  const place = ["--target", `${target}-unknown-linux-gnu`, "--output", output];
  await runDeno(["compile", ...flags, ...place, ENTRY], ROOT);
  console.log("made by deno compile");
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

Deno.exit(await buildCommand(USAGE, readOptions, build));
