/** `deno task build:portable`: vigie for hosts without glibc, as one file and as a package of OpenWrt. */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { basename, dirname, join, resolve } from "node:path";
import metadata from "../../deno.json" with { type: "json" };
import { BuildError, bundle } from "./bundle.ts";
import { buildCommand, replaceFile, writeSum } from "./command.ts";
import { type Machine, MACHINES, readElf } from "./elf.ts";
import { ARCHITECTURES, ipk, ipkName } from "./ipk.ts";
import { makePortable } from "./portable_elf.ts";
import { carriedFor } from "./portable_libraries.ts";
import { portableRun } from "./portable_run.ts";
import { packProgram } from "./program.ts";
import { runtimeFor, THIS_MACHINE } from "./runtime.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const USAGE = `Usage: deno task build:portable [options]
  --target ${Object.keys(MACHINES).join("|")}  the machine to build for; default this one
  --output FILE       default dist/vigie-portable.run
  --ipk               the package of OpenWrt too, beside it
  --architecture ARCH the package's, of \`opkg print-architecture\`; default ${
  Object.values(ARCHITECTURES).join(" or ")
}
  --program FILE      an executable of \`deno task build --method pack\`, instead of making one
  --runtime FILE      the executable of Deno to pack into, as for \`deno task build\`
  --debs FOLDER       packages of Debian, instead of fetching them by apt`;

interface Options {
  readonly target: Machine;
  readonly output: string;
  readonly ipk: boolean;
  readonly architecture: string;
  readonly program: string | undefined;
  readonly runtime: string | undefined;
  readonly debs: string | undefined;
}

/** @throws {TypeError} If the arguments make no sense. */
function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      target: { type: "string", default: THIS_MACHINE },
      output: { type: "string", default: resolve(ROOT, "dist/vigie-portable.run") },
      ipk: { type: "boolean", default: false },
      architecture: { type: "string" },
      program: { type: "string" },
      runtime: { type: "string" },
      debs: { type: "string" },
    },
  });
  const { target, output, program, runtime, debs } = values;
  if (!(target in MACHINES)) throw new TypeError(`Unknown target ${target}`);
  const architecture = values.architecture ?? ARCHITECTURES[target as Machine];
  if (!/^[a-z0-9_+.-]+$/.test(architecture)) {
    throw new TypeError(`Unknown architecture ${architecture}`);
  }
  return {
    target: target as Machine,
    output: resolve(output),
    ipk: values.ipk,
    architecture,
    program,
    runtime,
    // Programs that run elsewhere are given the path.
    debs: debs === undefined ? undefined : resolve(debs),
  };
}

async function build(options: Options): Promise<void> {
  const { target: machine, output, architecture } = options;
  await Deno.mkdir(dirname(output), { recursive: true });
  const program = makePortable(await packed(options));
  const { files: carried, origin } = await carriedFor(machine, options.debs);
  console.log(`carries ${origin}`);
  const { version } = metadata;
  const licence = await Deno.readTextFile(join(ROOT, "LICENSE"));
  const stub = await Deno.readTextFile(join(ROOT, "lib/build/portable_stub.sh"));
  const own = { path: "licences/vigie", mode: 0o644, content: new TextEncoder().encode(licence) };
  const parts = { machine, version, program, carried: [...carried, own], stub, architecture };
  await put(output, portableRun(parts, basename(output)), 0o755);
  if (options.ipk) await put(join(dirname(output), ipkName(parts)), ipk(parts), 0o644);
}

/** @throws {BuildError} If a file was named that is for another machine. */
async function packed({ program, runtime, target }: Options): Promise<Uint8Array> {
  if (program !== undefined) return forTarget(await Deno.readFile(program), program, target);
  const { bytes, origin } = await runtimeFor(target, runtime);
  return packProgram(forTarget(bytes, origin, target), await bundle(ROOT, "main.ts")).file;
}

function forTarget(bytes: Uint8Array, origin: string, target: Machine): Uint8Array {
  if (readElf(bytes).machine === target) return bytes;
  throw new BuildError(`${origin} is not for ${target}`);
}

/** Writes a file and its checksum, and says so. */
async function put(path: string, bytes: Uint8Array<ArrayBuffer>, mode: number): Promise<void> {
  await replaceFile(path, bytes, mode);
  const sum = await writeSum(path, bytes);
  console.log(`${path}: ${(bytes.length / 1e6).toFixed(1)} MB, sha256 ${sum}`);
}

Deno.exit(await buildCommand(USAGE, readOptions, build));
