/** The packed program: Deno's executable, the application in it, and how Deno is called. */

import { bootstrapUrl, cargoOf } from "./bootstrap.ts";
import { pack, type Packed } from "./pack.ts";
import type { Additions } from "./entry.ts";

/**
 * How Deno is called, whoever calls the program: nothing of the place where it runs is read (deno.json,
 * lock file, package.json, node_modules), nothing is fetched, nothing is asked.
 */
const DENO_ARGS = [
  "run",
  "--quiet",
  "--allow-all",
  "--no-prompt",
  "--no-config",
  "--no-lock",
  "--no-remote",
  "--no-npm",
  "--node-modules-dir=none",
  "--cached-only",
  "--no-code-cache",
  // Functions are compiled when called and small code is preferred: 5 MB less with 100 instances.
  "--v8-flags=--optimize-for-size,--max-lazy",
];

/** A name of more than 255 bytes: no file system has it, nor can it be made. */
const NOWHERE = `/${"vigie-writes-no-cache-".repeat(12)}`;

/**
 * Deno keeps its cache nowhere, does not ask for updates, and looks for npm's settings in a home where
 * nobody can put any: it would refuse to start over a file there that it may not read.
 */
const DENO_ENV: Readonly<Record<string, string>> = {
  DENO_DIR: NOWHERE,
  // On a terminal Deno would say that it cannot open the cache that it is not to have.
  DENO_LOG: "error,deno::cache::cache_db=off",
  DENO_NO_UPDATE_CHECK: "1",
  HOME: "/proc",
};

/** Variables that change what Deno, its Node side and its telemetry do. */
const DROPPED = ["DENO_", "NODE_", "OTEL_", "NPM_CONFIG_", "npm_config_"];

/** Packs an application, as {@link bundle} made it, into Deno's executable. */
export function packProgram(deno: Uint8Array, modules: ReadonlyMap<string, string>): Packed {
  const cargo = cargoOf(modules);
  // The distance to the cargo stands in the strings before it, in a fixed number of digits.
  const draft = pack(deno, additions(0), cargo);
  return pack(deno, additions(draft.segment.fileSize - cargo.length), cargo);
}

function additions(distance: number): Additions {
  return {
    args: [...DENO_ARGS, bootstrapUrl(distance, DENO_ENV)],
    env: Object.entries(DENO_ENV).map(([name, value]) => `${name}=${value}`),
    droppedPrefixes: DROPPED,
  };
}
