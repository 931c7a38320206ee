/** Starting anew: into the background, or in another network namespace. */

import { resolve } from "node:path";
import { beginAnewInNamespace } from "../net/enter_namespace.ts";
import { ENVIRONMENT, sameProgram } from "./demo/launch.ts";
import type { OptionName } from "./keepalived_options.ts";

/** A command line of keepalived's. */
export interface GivenCommand {
  readonly args: readonly string[];
  readonly options: ReadonlyMap<OptionName, string | null>;
  /** The program's own module. */
  readonly module: string;
}

/** Options that name a file which the daemon uses; the last one given counts. */
const FILES = ["use-file", "pid", "vrrp_pid", "log-file"] as const;

/** What the daemon in the background writes once it runs. */
const STARTED = "started\n";

/**
 * Starts this program again as a daemon, with a session of its own, and waits until it runs: a
 * JavaScript program cannot fork. What it says until then is shown.
 *
 * @returns 0 once it runs, else the exit code of the one that failed.
 */
export async function startInBackground(
  { args, options, module }: GivenCommand,
): Promise<number> {
  // The daemon leaves this folder, and may have to read its arguments again (`vigie restart`).
  const absolute = FILES.flatMap((name) => {
    const path = options.get(name);
    return path ? [`--${name}=${resolve(path)}`] : [];
  });
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  const again = sameProgram(module, ["keepalived", ...own, ...absolute, "--vigie-in-background"]);
  const child = new Deno.Command(again.command, {
    args: [...again.args],
    env: ENVIRONMENT,
    detached: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const shown = child.stderr.pipeTo(Deno.stderr.writable, { preventClose: true });
  const first = await child.stdout.pipeThrough(new TextDecoderStream()).getReader().read();
  if (first.value === STARTED) return 0;
  const { code } = await child.status;
  await shown;
  return code;
}

/** Tells who started this process, and waits for it, that the daemon runs. */
export function tellStarted(): void {
  try {
    Deno.stdout.writeSync(new TextEncoder().encode(STARTED));
  } catch {
    // It has not waited.
  }
}

/**
 * Goes on as the same process in a network namespace.
 *
 * @returns Only if that fails: 1, as keepalived's.
 */
export function enterNamespace(name: string, args: readonly string[], module: string): number {
  const again = sameProgram(module, ["keepalived", ...args, "--vigie-in-namespace"]);
  try {
    return beginAnewInNamespace(name, again.command, [again.command, ...again.args]);
  } catch (error) {
    console.error(`Unable to set the network namespace ${name}: ${(error as Error).message}`);
    return 1;
  }
}
