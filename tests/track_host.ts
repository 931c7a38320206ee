/** A host for checkers under test: addresses as given, no echo. */

import type { Family, Ip } from "../lib/core/address.ts";
import { millis } from "../lib/core/time.ts";
import { failed, type ProbeContext, type ProbeHost } from "../lib/track/checker.ts";

/** A ProbeHost with these addresses, by "device family"; its echo requests are not answered. */
export function fakeHost(addresses: Readonly<Record<string, Ip>> = {}): ProbeHost {
  return {
    addressOf: (device: string, family: Family) => addresses[`${device} ${family}`] ?? null,
    ping: (_probe, _destination, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) resolve(failed("aborted"));
        signal.addEventListener("abort", () => resolve(failed("aborted")), { once: true });
      }),
  };
}

/** What a checker is given, with a signal that nobody aborts unless one is given. */
export function context(
  signal: AbortSignal = new AbortController().signal,
  host: ProbeHost = fakeHost(),
): ProbeContext {
  return { signal, timeoutUs: millis(5000), host };
}

/** How many descriptors this process has open. */
export function openDescriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** Resolves when there are no more descriptors than before; closing one takes a moment. */
export async function noMoreDescriptorsThan(count: number): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (openDescriptors() > count) {
    if (performance.now() > deadline) {
      throw new Error(`${openDescriptors()} descriptors are open, ${count} were before`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
