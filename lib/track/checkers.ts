/** Which checker does what; each is loaded when the first probe of its kind runs. */

import type { PolledProbe } from "../core/probe_spec.ts";
import type { Checker, ProbeContext, Verdict } from "./checker.ts";

type Kind = PolledProbe["kind"];
type ProbeOf<K extends Kind> = Extract<PolledProbe, { readonly kind: K }>;

const LOADERS: { readonly [K in Kind]: () => Promise<Checker<ProbeOf<K>>> } = {
  http: async () => (await import("./http.ts")).checkHttp,
  tcp: async () => (await import("./tcp.ts")).checkTcp,
  dns: async () => (await import("./dns.ts")).checkDns,
  ping: async () => (await import("./ping.ts")).checkPing,
  file: async () => (await import("./file.ts")).checkFile,
  script: async () => (await import("./script.ts")).checkScript,
};

/** Looks once, whatever the kind. It rejects only if the checker breaks its contract. */
export async function checkProbe<K extends Kind>(
  probe: ProbeOf<K>,
  context: ProbeContext,
): Promise<Verdict> {
  const load: () => Promise<Checker<ProbeOf<K>>> = LOADERS[probe.kind as K];
  return await (await load())(probe, context);
}
