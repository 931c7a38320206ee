/** What every checker is: it looks once and says what it saw. Rise, fall and delays are others' work. */

import type { Family, Ip } from "../core/address.ts";
import type { PingProbe, PolledProbe } from "../core/probe_spec.ts";
import type { Micros } from "../core/time.ts";

/** What a checker saw. */
export type Verdict =
  /** `warning`: good, but not for long, such as "certificate expires in 5 days". */
  | { readonly good: true; readonly warning?: string }
  /**
   * `failed`: the service is not as it should be. `could not run`: the check itself is broken, such
   * as a script that does not exist. `why` in a few words: "connection refused", "HTTP 503".
   */
  | { readonly good: false; readonly kind: "failed" | "could not run"; readonly why: string };

/** What a checker needs of its host besides Deno's own API. */
export interface ProbeHost {
  /** The first address of a family on an interface; null if it has none. */
  addressOf(device: string, family: Family): Ip | null;
  /** Sends an echo request and waits for its answer, or for the signal. */
  ping(probe: PingProbe, destination: Ip, signal: AbortSignal): Promise<Verdict>;
}

/** What a checker is given besides its probe. */
export interface ProbeContext {
  /** Aborted when the time is up or the check is no longer wanted. */
  readonly signal: AbortSignal;
  readonly timeoutUs: Micros;
  readonly host: ProbeHost;
}

/**
 * Looks once. It never rejects: what goes wrong is a verdict. When the signal is aborted it settles
 * with any verdict as soon as it has let go of every connection and process of its own: at once, or
 * when a program that is deaf to SIGTERM has been killed after 2 s. Who called it says meanwhile that
 * the time is up, and does not call it again before.
 */
export type Checker<P extends PolledProbe = PolledProbe> = (
  probe: P,
  context: ProbeContext,
) => Promise<Verdict>;

/** A verdict of a service that is not as it should be. */
export function failed(why: string): Verdict {
  return { good: false, kind: "failed", why };
}

/** A verdict of a check that could not be made at all. */
export function couldNotRun(why: string): Verdict {
  return { good: false, kind: "could not run", why };
}

/** All is well. */
export const GOOD: Verdict = { good: true };
