/** A check made by a host of the lab: checkers are asynchronous, and only threads have namespaces. */

import { fileURLToPath } from "node:url";
import type { PolledProbe } from "../../lib/core/probe_spec.ts";
import type { Verdict } from "../../lib/track/checker.ts";
import type { Place } from "./addresses.ts";

const PROGRAM = fileURLToPath(new URL("../tools/probe_here.ts", import.meta.url));

/** Long enough for whatever comes at all, on a loaded machine. */
const ENOUGH_MS = 10_000;

/** Looks once from a host, in a process of its own. */
export async function probeFrom(
  { namespace }: Pick<Place, "namespace">,
  probe: PolledProbe,
  timeoutMs = ENOUGH_MS,
): Promise<Verdict> {
  const child = namespace.run(() =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", PROGRAM, JSON.stringify(probe), String(timeoutMs)],
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn()
  );
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout)) as Verdict;
}
