/** vrrp_no_swap on an emulated machine, where cgroups may be made. */

import assert from "node:assert/strict";
import { builtVigie } from "./build_shared.ts";
import { file } from "./lab/config.ts";
import { AGENT_PATH, type Machine } from "./lab/machine.ts";
import { machineRouter, machineTest, PRELUDE_PATH } from "./lab/machine_lab.ts";

const PROGRAM = "/usr/sbin/vigie", CONFIG = "/etc/vigie/vigie.conf", LOG = "/run/vigie.log";

const GROUPS = "/sys/fs/cgroup", GROUP = `${GROUPS}/vigie`;

const FIRST_PROCESS = `#!/bin/busybox sh
/bin/busybox --install -s
. ${PRELUDE_PATH}
mount -t cgroup2 cgroup2 ${GROUPS}
echo +memory > ${GROUPS}/cgroup.subtree_control
mkdir ${GROUP}
exec ${AGENT_PATH}
`;

/** Starts vigie in a cgroup. @param before What else happens there. */
async function start(machine: Machine, before = ""): Promise<void> {
  const started = await machine.run(
    `sh -c 'echo $$ > ${GROUP}/cgroup.procs; ${before} exec ${PROGRAM} run' > ${LOG} 2>&1 &`,
  );
  assert.equal(started.code, 0, started.text);
  await machine.shows(`cat ${LOG}`, /Entering MASTER STATE/);
}

async function stop(machine: Machine): Promise<void> {
  const stopped = await machine.run(`kill $(pidof vigie); while pidof vigie; do sleep 1; done`);
  assert.equal(stopped.code, 0, stopped.text);
}

machineTest("vrrp_no_swap takes swap away from a cgroup of vigie's own", {}, async (lab) => {
  const root = lab.root(1)
    .program(await builtVigie(), PROGRAM)
    .text(CONFIG, file(["vrrp_no_swap"], machineRouter({ priority: 150 })))
    .text("/init", FIRST_PROCESS, 0o755);
  const machine = await lab.boot("a", 1, root);
  const limit = async () => (await machine.run(`cat ${GROUP}/memory.swap.max`)).text;

  // Somebody else in the cgroup keeps its swap.
  await machine.run(`sleep 100000 & echo $! > ${GROUP}/cgroup.procs; echo $! > /run/other`);
  await start(machine);
  assert.equal(await limit(), "max\n");
  const said = (await machine.run(`grep vrrp_no_swap ${LOG}`)).text;
  assert.match(
    said,
    /this host has no swap\. If it gets some: \/sys\/fs\/cgroup\/vigie is not its/,
  );
  await stop(machine);

  await machine.run(`kill $(cat /run/other)`);
  await start(machine);
  assert.equal(await limit(), "0\n");
  const locked = await machine.run(`grep VmLck /proc/$(pidof vigie)/status`);
  assert.match(locked.text, /VmLck:\s+\d{4,} kB/);

  // The next image, and reports that make garbage: V8 gives pages back.
  assert.equal((await machine.run(`${PROGRAM} restart`)).code, 0);
  await machine.run(`for at in $(seq 50); do kill -USR1 $(pidof vigie); done`);
  assert.equal(await limit(), "0\n");
  assert.equal((await machine.run(`${PROGRAM} healthcheck`)).code, 0);
  assert.equal((await machine.run(`grep vrrp_no_swap ${LOG}`)).text, "");
});
