/** Waiting: generous in time, so that a loaded machine makes a test slow and never wrong. */

/** How long anything may take that is bound to happen. */
export const TIMEOUT_MS = 60_000;

const STEP_MS = 10;

/** Lets time pass. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Waits until a condition holds.
 * @param what Completes "Waited in vain for ...".
 */
export async function until(
  holds: () => boolean,
  what: string,
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > deadline) {
      throw new Error(`Waited in vain for ${what}, ${timeoutMs} ms long`);
    }
    await sleep(STEP_MS);
  }
}

/** Asserts that a condition never holds within a time. */
export async function never(holds: () => boolean, what: string, forMs: number): Promise<void> {
  const deadline = performance.now() + forMs;
  while (performance.now() < deadline) {
    if (holds()) throw new Error(`Did not expect ${what}`);
    await sleep(STEP_MS);
  }
}
