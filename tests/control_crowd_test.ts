/** Crowds at the control socket: whoever they are, they keep nobody from asking. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { file, router } from "./lab/config.ts";
import { isInstalled } from "./lab/installed.ts";
import { peerTest } from "./lab/lab.ts";
import { Process } from "./lab/process.ts";
import { runVigie, VIGIE } from "./lab/vigie.ts";

const SETPRIV = { name: "setpriv", installed: isInstalled("/usr/bin/setpriv") };

const CLIENT = fileURLToPath(new URL("tools/control_client.ts", import.meta.url));

/** More than the runtime has threads that may block. */
const CROWD = 200;

/** nobody, who may read the test's files all the same. */
const READS = "-all,+dac_read_search";
const NOBODY = [
  ...["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"],
  ...["--inh-caps", READS, "--ambient-caps", READS],
];

/** Who they are, and how many of them are sent away before they have had their 5 s. */
const CROWDS = [["of strangers", NOBODY, CROWD], ["of root's", [], CROWD - 16]] as const;

for (const [whose, before, sentAway] of CROWDS) {
  peerTest(SETPRIV, `${CROWD} connections ${whose} that say nothing harm nobody`, async (lab) => {
    const host = lab.host("a");
    const vigie = await lab.vigie(host, file([], router({ priority: 150 })));
    const [command, ...args] = [...before, VIGIE.command, "run", "-A", CLIENT, "idle", `${CROWD}`];
    const { namespace } = host;
    const crowd = lab.keep(new Process({ name: "crowd", namespace, command: command!, args }));
    await crowd.saw(/connected/);
    assert.deepEqual(await runVigie(host, ["healthcheck"]), { code: 0, text: "" });
    const line = await crowd.saw(new RegExp(`^${sentAway} ended`));
    // Its own measure, for the healthcheck may take its time to start.
    assert.ok(Number(/after ([\d.]+)/.exec(line)![1]) < 4500, `not when time is over: ${line}`);
    const { code, text } = await runVigie(host, ["restart"]);
    assert.equal(code, 0, text);
    assert.equal(vigie.said(/Entering MASTER STATE/).length, 1);
  });
}
