/** What the tests of the build have in common: one built executable for all, and small helpers. */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./lab/until.ts";

/** The folder of this repository. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** One folder for all test files of a run, in the folder that git ignores; named after their process. */
const FOLDERS = join(ROOT, "dist", "for-tests");

const BUILD_TIMEOUT_MS = 600_000;

/** A scratch folder that goes with the test. */
export class Scratch implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "vigie-build-test-" });

  /** Writes a file. @returns Its path. */
  file(name: string, content: string | Uint8Array): string {
    const path = join(this.path, name);
    Deno.mkdirSync(dirname(path), { recursive: true });
    if (typeof content === "string") Deno.writeTextFileSync(path, content);
    else Deno.writeFileSync(path, content, { mode: 0o755 });
    return path;
  }

  /** Makes a folder. @returns Its path. */
  folder(name: string): string {
    const path = join(this.path, name);
    Deno.mkdirSync(path);
    return path;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** How a program ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. The environment is what is given and nothing else. */
export async function run(
  [program, ...args]: readonly [string, ...string[]],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ended> {
  const output = await new Deno.Command(program, {
    args,
    stdin: "null",
    clearEnv: options.env !== undefined,
    env: { ...options.env },
    ...options.cwd === undefined ? {} : { cwd: options.cwd },
  }).output();
  const text = new TextDecoder();
  return {
    code: output.code,
    stdout: text.decode(output.stdout),
    stderr: text.decode(output.stderr),
  };
}

/** Whether a program can be run here. */
export function hasProgram(name: string): boolean {
  try {
    return new Deno.Command(name, { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

/** Builds. @returns What it said. */
export async function build(root: string, ...args: string[]): Promise<string> {
  const main = join(root, "lib/build/main.ts");
  const ended = await run([Deno.execPath(), "run", "-A", main, "--method", "pack", ...args], {
    cwd: root,
  });
  if (ended.code !== 0) throw new Error(`the build failed: ${ended.stderr}`);
  return ended.stdout;
}

/** The executable, built once for all test files of this run. */
export async function builtVigie(): Promise<string> {
  const folder = join(FOLDERS, String(Deno.pid)), done = join(folder, "done");
  Deno.mkdirSync(FOLDERS, { recursive: true });
  if (isFirst(folder)) {
    removeOthers();
    await build(ROOT, "--output", join(folder, "vigie"));
    Deno.writeTextFileSync(done, "");
  }
  await until(() => exists(done), "the build to end", BUILD_TIMEOUT_MS);
  return join(folder, "vigie");
}

function isFirst(folder: string): boolean {
  try {
    Deno.mkdirSync(folder);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}

/** Those of earlier runs, whose process is gone. */
function removeOthers(): void {
  for (const { name } of Deno.readDirSync(FOLDERS)) {
    if (!exists(`/proc/${name}`)) Deno.removeSync(join(FOLDERS, name), { recursive: true });
  }
}

/** Whether there is anything under a name. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
