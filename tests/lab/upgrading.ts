/** What tests of upgrades share: a vigie whose executable can be replaced, and what becomes of it. */

import type { Place } from "./addresses.ts";
import { GENUINE, type Images } from "./image.ts";
import type { Lab } from "./lab.ts";
import { until } from "./until.ts";
import { Vigie } from "./vigie.ts";

/** A program that starts another one, as its arguments before that one's. */
export type Launcher = readonly [string, ...string[]];

/** A vigie that runs from an executable of its own, which can be replaced. */
export function packed(
  lab: Lab,
  host: Place,
  images: Images,
  text: string,
  launcher: Launcher | readonly [] = [],
): Vigie & { readonly rewrite: (text: string) => void } {
  const config = Deno.makeTempFileSync({ prefix: "vigie-lab-", suffix: ".conf" });
  Deno.writeTextFileSync(config, text);
  const [command, ...args] = [...launcher, images.write("vigie", GENUINE)];
  const vigie = lab.keep(new Vigie(host, config, { command: command!, args }));
  return Object.assign(vigie, { rewrite: (text: string) => Deno.writeTextFileSync(config, text) });
}

/** The lab knows the process that it has started, not the one that goes on in its place. */
export function endSuccessor(vigie: Vigie): void {
  const [line] = vigie.said(/goes on in place of/);
  const pid = Number(/Process (\d+) goes on/.exec(line ?? "")?.[1] ?? 0);
  try {
    if (pid > 0) Deno.kill(pid, "SIGKILL");
  } catch {
    // The test itself has stopped it.
  }
}

/** Makes what it starts process 1 of a process namespace, which goes with it. */
export const AS_PROCESS_1: Launcher = [
  "unshare",
  "--pid",
  "--mount-proc",
  "--fork",
  "--kill-child",
];

/** What a process has started, and how another one is started beside it in its process namespace. */
export async function besideChildOf(pid: number): Promise<{ pid: number; enter: string[] }> {
  const children = `/proc/${pid}/task/${pid}/children`;
  let child = 0;
  await until(() => (child = Number(Deno.readTextFileSync(children).trim())) > 0, "a child");
  return { pid: child, enter: ["nsenter", "--target", `${child}`, "--pid", "--mount", "--"] };
}
