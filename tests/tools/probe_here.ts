/**
 * Looks once, in the network namespace that it was started in, and prints the verdict as JSON.
 * Arguments: a probe as JSON, and the time that it may take in milliseconds. Echo requests are the
 * engine's and cannot be sent here.
 */

import { type Family, type Ip, parseIp } from "../../lib/core/address.ts";
import type { PolledProbe } from "../../lib/core/probe_spec.ts";
import { millis } from "../../lib/core/time.ts";
import { couldNotRun, type ProbeHost } from "../../lib/track/checker.ts";
import { checkProbe } from "../../lib/track/checkers.ts";

const host: ProbeHost = {
  addressOf(device: string, family: Family): Ip | null {
    const found = Deno.networkInterfaces().find(({ name, family: of }) =>
      name === device && of.toLowerCase() === family
    );
    return found === undefined ? null : parseIp(found.address);
  },
  ping: () => Promise.resolve(couldNotRun("no engine here")),
};

const [text, timeoutMs] = Deno.args;
const probe = JSON.parse(text!) as PolledProbe;
const signal = AbortSignal.timeout(Number(timeoutMs));
const verdict = await checkProbe(probe, { signal, timeoutUs: millis(Number(timeoutMs)), host });
console.log(JSON.stringify(verdict));
// What a checker has left open must not show as a wait.
Deno.exit();
