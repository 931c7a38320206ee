/** What is loaded before the first runs, so that their time is for looking. */

import assert from "node:assert/strict";
import { ip } from "../lib/core/address.ts";
import type { DnsProbe, FileProbe, PolledProbe } from "../lib/core/probe_spec.ts";
import { prepareProbe } from "../lib/track/checkers.ts";
import { httpProbe, PLAIN_TLS } from "./tools/http_lab.ts";

/** What tests/tools/cold_probe.ts prints. */
interface Cold {
  readonly preparedMs: number;
  /** How long the modules took after that. */
  readonly loadedMs: number;
}

async function prepareCold(probe: PolledProbe, modules: readonly string[]): Promise<Cold> {
  const tool = new URL("tools/cold_probe.ts", import.meta.url).pathname;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", tool, JSON.stringify(probe), ...modules],
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout)) as Cold;
}

/** What is loaded is there at once; what is not takes as long as all that was prepared, or longer. */
async function loads(probe: PolledProbe, ...modules: string[]): Promise<void> {
  let told = "";
  // On a busy machine one attempt may stumble; all of them stumble only for a reason.
  for (let attempt = 0; attempt < 4; attempt++) {
    const { preparedMs, loadedMs } = await prepareCold(probe, modules);
    if (loadedMs < preparedMs / 4) return;
    told += ` ${loadedMs} ms after ${preparedMs} ms`;
  }
  assert.fail(`${modules.join(", ")} had to be loaded:${told}`);
}

const patterned = (pattern: string): FileProbe => ({
  kind: "file",
  path: "/proc/self/status",
  mustExist: true,
  maxAgeUs: null,
  content: { kind: "regex", pattern },
});

const DNS: DnsProbe = {
  kind: "dns",
  server: ip("127.0.0.1"),
  port: 1,
  name: "a.example",
  type: "A",
  answer: null,
  tcp: false,
  sourceAddress: null,
  device: null,
};

Deno.test("prepareProbe() loads what an HTTPS check needs", async () => {
  const probe = httpProbe("https://127.0.0.1:1/", { tls: PLAIN_TLS });
  await loads(probe, "node:tls", "node:net");
});

Deno.test("prepareProbe() loads what a DNS check needs", async () => {
  await loads(DNS, "dns-packet", "node:dgram", "node:buffer");
});

Deno.test("prepareProbe() loads the engine of patterns where there is one", async () => {
  await loads(patterned("State"), "re2js");
});

Deno.test("prepareProbe() ends, well or not, for what can only go wrong", async () => {
  await assert.rejects(prepareProbe(patterned("(")), SyntaxError);
  const tls = { ...PLAIN_TLS, caFile: "/none/ca.pem" };
  await prepareProbe(httpProbe("https://127.0.0.1:1/", { tls }));
  await prepareProbe(httpProbe("https://[", { tls })).catch(() => {});
  await prepareProbe({ kind: "script", words: ["/none/script"], user: null });
});
