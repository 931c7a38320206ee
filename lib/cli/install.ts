import { basename, resolve } from "node:path";
import { DISABLE, type Init, INITS, NEXT_STEPS } from "../daemon/install/files.ts";
import { detectInit, initNamed } from "../daemon/install/detect.ts";
import { install, type Step } from "../daemon/install/install.ts";
import { programFile } from "../engine/handover_exec.ts";

/** How `vigie install` is called. */
export interface InstallOptions {
  /** A folder that stands for "/": an image in the making. */
  readonly root?: string | undefined;
  /** Where sbin/vigie goes. */
  readonly prefix: string;
  /** The service manager, instead of the one that is found. */
  readonly init?: string | undefined;
  /** The executable, instead of the running one. */
  readonly exec?: string | undefined;
  readonly dryRun: boolean;
}

/**
 * `vigie install`: the executable, the service and a commented configuration. Starts and enables
 * nothing; says how.
 *
 * @param module The program's own module: it tells a packed program from one that runs from source.
 * @returns 0, or 1 if it could not be installed, with the reason on standard error.
 */
export async function installCommand(options: InstallOptions, module: string): Promise<number> {
  const root = rootOf(options.root), { dryRun } = options;
  try {
    const init = chooseInit(root, options.init);
    const executable = executableOf(options.exec, module);
    const program = `${options.prefix.replace(/\/+$/, "")}/sbin/vigie`;
    if (!program.startsWith("/")) throw new Error("--prefix must be an absolute path");
    const steps = await install({ root, init, program, executable, dryRun });
    for (const step of steps) console.log(stepLine(step, root, dryRun));
    if (!dryRun) console.log(nextSteps(init, program));
    return 0;
  } catch (error) {
    console.error(`Cannot install: ${inWords(error)}`);
    return 1;
  }
}

/** "" for the host itself, which "/" means too. */
export function rootOf(root: string | undefined): string {
  return root === undefined ? "" : resolve(root).replace(/\/$/, "");
}

/** "installed  /etc/vigie/vigie.conf", or with --dry-run "would be installed". */
export function stepLine({ done, path, why }: Step, root: string, dryRun: boolean): string {
  const changes = ["installed", "updated", "removed"].includes(done);
  const word = dryRun && changes ? `would be ${done}` : done;
  return `${word.padEnd(dryRun ? 20 : 10)} ${root}${path}${why === undefined ? "" : ` (${why})`}`;
}

/** What the system or the installer says, without a stack. */
export function inWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function chooseInit(root: string, named: string | undefined): Init {
  const choices = INITS.join(", ");
  if (named !== undefined) {
    const init = initNamed(named);
    if (init === null) throw new Error(`--init ${named} is not known: must be one of ${choices}`);
    return init;
  }
  const found = detectInit(root);
  if (found !== null) return found;
  throw new Error(`no service manager was found: name one with --init, of ${choices}`);
}

/** A carried loader stands for the program it runs; a runtime is not vigie. */
const NOT_VIGIE = /^(ld-.*|ld\.so.*|deno)$/;

function executableOf(named: string | undefined, module: string): string {
  if (named !== undefined) {
    if (!Deno.statSync(named).isFile) throw new Error(`${named} is not a file`);
    return named;
  }
  const own = programFile();
  if (module.startsWith("data:") || Deno.build.standalone) {
    if (!NOT_VIGIE.test(basename(own))) return own;
  }
  throw new Error(
    "this vigie runs from source or under another program, so there is no executable to copy: " +
      "name one with --exec: dist/vigie of deno task build, or the .run file",
  );
}

function nextSteps(init: Init, program: string): string {
  const steps = NEXT_STEPS[init].map((step) => `  ${step}`);
  return [
    "",
    `Nothing was enabled or started. For ${init}:`,
    ...steps,
    `To take it away again: ${DISABLE[init]}; ${program} uninstall`,
  ].join("\n");
}
