/** vigie as a process in a host of the lab. */

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Place } from "./addresses.ts";
import { Process } from "./process.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A built file, if one is to be tested. */
const BUILT = Deno.env.get("VIGIE");

/** The program and the arguments before its own: from source, or what the variable VIGIE names. */
export const VIGIE: { readonly command: string; readonly args: readonly string[] } =
  BUILT === undefined
    ? { command: Deno.execPath(), args: ["run", "--quiet", "-A", `${ROOT}main.ts`] }
    : { command: resolve(BUILT), args: [] };

/** A running `vigie run`; its configuration file goes with it. */
export class Vigie extends Process {
  readonly #file: string;

  /** @param program What runs vigie. @param env Variables of its environment, besides the usual ones. */
  constructor(
    host: Place,
    file: string,
    program: { readonly command: string; readonly args: readonly string[] } = VIGIE,
    env: Readonly<Record<string, string>> = {},
  ) {
    super({
      name: `vigie on ${host.name}`,
      namespace: host.namespace,
      command: program.command,
      args: [...program.args, "run", "-f", file],
      env,
    });
    this.#file = file;
  }

  /** Asks for its counters and waits for them. @returns The lines that SIGUSR2 makes it log. */
  async statistics(): Promise<string[]> {
    const from = this.lines.length;
    this.signal("SIGUSR2");
    await this.saw(/timers fired, at most/);
    return this.lines.slice(from);
  }

  /** The value of a counter of an instance; 0 if it is not mentioned. */
  async counter(name: string, instance = "VI_1"): Promise<number> {
    const lines = await this.statistics();
    // Of all that it has said meanwhile, the answer is the last.
    const line = lines.findLast((line) => line.includes(`(${instance}) `)) ?? "";
    return Number(new RegExp(`\\b${name} (\\d+)`).exec(line)?.[1] ?? 0);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    Deno.removeSync(this.#file);
  }
}

/** Starts vigie in a host; does not wait. */
export function startVigie(host: Place, text: string): Vigie {
  const file = Deno.makeTempFileSync({ prefix: "vigie-lab-", suffix: ".conf" });
  Deno.writeTextFileSync(file, text);
  return new Vigie(host, file);
}

/** How a command of vigie ended. */
export interface Answer {
  readonly code: number;
  /** Standard output and standard error. */
  readonly text: string;
}

/** Runs a command of vigie to its end. @param before A program that runs vigie: setpriv for example. */
export async function runVigie(
  host: Pick<Place, "namespace">,
  args: readonly string[],
  before: readonly string[] = [],
): Promise<Answer> {
  const [command, ...rest] = [...before, VIGIE.command, ...VIGIE.args, ...args];
  const { code, stdout, stderr } = await host.namespace.run(() => ({
    output: new Deno.Command(command!, {
      args: rest,
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output(),
  })).output;
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}
