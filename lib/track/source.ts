/** Where a probe goes and where it leaves from: host names become addresses, devices sources. */

import { type Family, familyOf, type Ip, parseIp } from "../core/address.ts";
import type { ProbeSource } from "../core/probe_spec.ts";
import { err, ok, type Result } from "../core/result.ts";
import { couldNotRun, failed, type ProbeContext, type ProbeHost, type Verdict } from "./checker.ts";
import { isLocalhost, names } from "./names.ts";
import { inWords } from "./words.ts";

/** One way to a host. */
export interface Route {
  readonly destination: Ip;
  /** Null for what the routing table chooses. */
  readonly source: Ip | null;
}

/**
 * The source address of a probe to a destination of this family: the given one, else the first of the
 * device, else null for what the routing table chooses. The error is the verdict.
 */
export function localAddressFor(
  probe: ProbeSource,
  family: Family,
  host: ProbeHost,
): Result<Ip | null, Verdict> {
  const { sourceAddress, device } = probe;
  if (sourceAddress !== null) {
    return familyOf(sourceAddress) === family
      ? ok(sourceAddress)
      : err(couldNotRun(`source ${sourceAddress} is not an ${NAME[family]} address`));
  }
  if (device === null) return ok(null);
  const address = host.addressOf(device, family);
  return address === null
    ? err(couldNotRun(`${device} has no ${NAME[family]} address`))
    : ok(address);
}

const NAME: Readonly<Record<Family, string>> = { ipv4: "IPv4", ipv6: "IPv6" };

/**
 * Every way to a host (a name or an address) that the probe's source allows, in the order of the
 * resolver; at least one. The error is the verdict.
 */
export async function routesTo(
  to: string,
  probe: ProbeSource,
  context: Pick<ProbeContext, "signal" | "host">,
): Promise<Result<readonly Route[], Verdict>> {
  const addresses = await addressesOf(to, context.signal);
  if (!addresses.ok) return addresses;
  const routes: Route[] = [];
  let refusal: Verdict | null = null;
  for (const destination of addresses.value) {
    const source = localAddressFor(probe, familyOf(destination), context.host);
    if (source.ok) routes.push({ destination, source: source.value });
    else refusal ??= source.error;
  }
  return routes.length > 0 ? ok(routes) : err(refusal ?? failed("host name has no address"));
}

/** The addresses of a host name, or the address itself; the error is the verdict. */
export async function addressesOf(
  host: string,
  signal: AbortSignal,
): Promise<Result<readonly Ip[], Verdict>> {
  const address = parseIp(host);
  if (address !== null) return ok([address]);
  if (signal.aborted) return err(failed("aborted"));
  try {
    return ok(await names.addressesOf(host, signal));
  } catch (error) {
    return err(failed(inWords(error)));
  }
}

/** Loads what a lookup of this host needs, if it needs one. */
export async function prepareLookup(host: string): Promise<void> {
  if (parseIp(host) === null && !isLocalhost(host)) await import("node:dns/promises");
}
