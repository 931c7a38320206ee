/**
 * What vigie says of configurations, in the network and the files that this process is in: its -t,
 * its check, and what it reads. Printed as one JSON object, by path.
 */

import type { Config } from "../../config/mod.ts";
import { checkAsKeepalived } from "../../lib/cli/keepalived_check.ts";
import { loadConfig } from "../../lib/daemon/load.ts";

/** One configuration. */
export interface Verdict {
  /** The exit code of `keepalived -t`, vigie being keepalived. */
  readonly code: number;
  /** What `vigie check` says: severity and message. */
  readonly problems: readonly string[];
  readonly config: Config;
}

if (import.meta.main) {
  const [id, ...files] = Deno.args;
  const verdicts: Record<string, Verdict> = {};
  for (const file of files) {
    const code = await checkAsKeepalived(file, () => {}, { id: id! });
    const { config, problems } = await loadConfig(file, "root", { id: id! });
    const said = problems.map(({ severity, message }) => `${severity}: ${message}`);
    verdicts[file] = { code, problems: said, config };
  }
  console.log(JSON.stringify(verdicts));
}
