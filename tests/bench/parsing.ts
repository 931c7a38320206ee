/** How long the check of a thousand instances takes, from the file on. */

import { loadConfig } from "../../lib/daemon/load.ts";
import { manyInstances } from "./many_instances.ts";

/** The first one warms the compiler up, and is told as well. */
const RUNS = 5;

/** Instances of the configuration. */
const INSTANCES = 1000;

/** Milliseconds of each run, the first one from cold. */
export async function measureParsing(): Promise<readonly number[]> {
  const file = Deno.makeTempFileSync({ prefix: "vigie-bench-", suffix: ".conf" });
  try {
    Deno.writeTextFileSync(file, manyInstances(INSTANCES));
    const times: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const start = performance.now();
      await loadConfig(file, "root");
      times.push(Math.round(performance.now() - start));
    }
    return times;
  } finally {
    Deno.removeSync(file);
  }
}

/** For people. */
export function parsingText([first, ...others]: readonly number[]): string {
  return `Check of ${INSTANCES} instances: ${first} ms the first time, then ${
    others.join(", ")
  } ms\n`;
}
