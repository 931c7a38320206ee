/**
 * Makes one HTTP check in this process, and so in the network namespace that this process is in, and
 * prints the verdict. Usage: probe_http.ts '{"url": ...}' TIMEOUT_MS
 */

import type { HttpProbe } from "../../lib/core/probe_spec.ts";
import { millis } from "../../lib/core/time.ts";
import { checkHttp } from "../../lib/track/http.ts";

const [probe = "", timeoutMs = "5000"] = Deno.args;
const verdict = await checkHttp(JSON.parse(probe) as HttpProbe, {
  signal: AbortSignal.timeout(Number(timeoutMs)),
  timeoutUs: millis(Number(timeoutMs)),
  host: {
    addressOf: () => null,
    ping: () => Promise.reject(new Error("an HTTP check sends no echo request")),
  },
});
console.log(JSON.stringify(verdict));
