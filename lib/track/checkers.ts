/** Which checker does what; each is loaded when the first probe of its kind is. */

import type { PolledProbe } from "../core/probe_spec.ts";
import type { Checker, ProbeContext, Verdict } from "./checker.ts";

type Kind = PolledProbe["kind"];
type ProbeOf<K extends Kind> = Extract<PolledProbe, { readonly kind: K }>;

/** What there is of a kind of probe. */
interface Loaded<P extends PolledProbe> {
  readonly check: Checker<P>;
  /** Loads what this probe needs besides the checker; may reject, as the check will say why. */
  readonly prepare: ((probe: P) => Promise<void>) | null;
}

const LOADERS: { readonly [K in Kind]: () => Promise<Loaded<ProbeOf<K>>> } = {
  async http() {
    const { checkHttp, prepareHttp } = await import("./http.ts");
    return { check: checkHttp, prepare: prepareHttp };
  },
  async tcp() {
    const { checkTcp, prepareTcp } = await import("./tcp.ts");
    return { check: checkTcp, prepare: prepareTcp };
  },
  async dns() {
    const { checkDns, prepareDns } = await import("./dns.ts");
    return { check: checkDns, prepare: prepareDns };
  },
  async ping() {
    const { checkPing, preparePing } = await import("./ping.ts");
    return { check: checkPing, prepare: preparePing };
  },
  async file() {
    const { checkFile, prepareFile } = await import("./file.ts");
    return { check: checkFile, prepare: prepareFile };
  },
  async script() {
    const { checkScript } = await import("./script.ts");
    return { check: checkScript, prepare: null };
  },
};

function load<K extends Kind>(probe: ProbeOf<K>): Promise<Loaded<ProbeOf<K>>> {
  const loader: () => Promise<Loaded<ProbeOf<K>>> = LOADERS[probe.kind as K];
  return loader();
}

/** Looks once, whatever the kind. It rejects only if the checker breaks its contract. */
export async function checkProbe<K extends Kind>(
  probe: ProbeOf<K>,
  context: ProbeContext,
): Promise<Verdict> {
  return await (await load(probe)).check(probe, context);
}

/**
 * Loads all that the first run of a probe would load: modules, its pattern, its PEM files. That may
 * take longer than the run may. It rejects with what goes wrong, which the run says in words.
 */
export async function prepareProbe<K extends Kind>(probe: ProbeOf<K>): Promise<void> {
  await (await load(probe)).prepare?.(probe);
}
