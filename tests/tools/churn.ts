/** Makes garbage, so that V8 collects it and gives pages back. As a worker, until it is terminated. */

/** What is kept for a while, in lists of so many objects. */
const LISTS = 300, OBJECTS = 5000;

/** Makes garbage for so long. */
export async function churn(ms: number): Promise<void> {
  const until = performance.now() + ms;
  let kept: unknown[] = [];
  while (performance.now() < until) {
    for (let at = 0; at < LISTS / 10; at++) {
      kept.push(Array.from({ length: OBJECTS }, (_, x) => ({ x, text: `a${x}` })));
    }
    if (kept.length >= LISTS) kept = [];
    // The collector has work for its idle moments.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

if ("WorkerGlobalScope" in globalThis) await churn(Infinity);
