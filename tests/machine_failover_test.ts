/** Two emulated machines with nothing but busybox, the executable and its init script. */

import assert from "node:assert/strict";
import { builtVigie, run } from "./build_shared.ts";
import { VIP } from "./lab/config.ts";
import type { Initramfs } from "./lab/initramfs.ts";
import { AGENT_PATH } from "./lab/machine.ts";
import { type MachineLab, machineRouter, machineTest, PRELUDE_PATH } from "./lab/machine_lab.ts";

const PROGRAM = "/usr/sbin/vigie", CONFIG = "/etc/vigie/vigie.conf", LOG = "/var/log/vigie.log";

/** The first program that the kernel starts. @param then What it becomes. */
function firstProcess(then: string): string {
  return `#!/bin/busybox sh
/bin/busybox --install -s
. ${PRELUDE_PATH}
${AGENT_PATH} &
exec ${then}
`;
}

/** busybox's init: the service starts with the machine, and stops with it. */
const INITTAB = `::sysinit:/etc/init.d/vigie start
::ctrlaltdel:/sbin/reboot
::shutdown:/etc/init.d/vigie stop
`;

/** As `vigie install` makes it. */
async function withInitScript(lab: MachineLab, vigie: string): Promise<Initramfs> {
  const image = lab.scratch();
  const ended = await run([vigie, "install", "--root", image, "--init", "sysvinit"]);
  assert.equal(ended.code, 0, ended.stderr);
  return lab.root(1)
    .tree(image)
    .program(vigie, PROGRAM)
    .text(CONFIG, machineRouter({ priority: 150 }))
    .text("/etc/inittab", INITTAB)
    .text("/init", firstProcess("/sbin/init"), 0o755);
}

function withoutInit(lab: MachineLab, vigie: string): Initramfs {
  return lab.root(2)
    .program(vigie, PROGRAM)
    .text(CONFIG, machineRouter({ priority: 100 }))
    .text("/init", firstProcess(`${PROGRAM} run`), 0o755);
}

/** What ps(1) shows when the first process is vigie, and has no child that is a zombie. */
const NO_ORPHAN = /^(?=[^]*\n +0 S +vigie\n)(?![^]*\n +1 Z)/;

machineTest(
  "two machines elect a master and fail over: an init script on one, nothing but vigie on the other",
  {},
  async (lab) => {
    const vigie = await builtVigie(), { cable } = lab;
    const roots = [await withInitScript(lab, vigie), withoutInit(lab, vigie)] as const;
    const [first, second] = await Promise.all([
      lab.boot("init script", 1, roots[0]),
      lab.boot("first process", 2, roots[1]),
    ]);

    await first.shows(`cat ${LOG}`, /Entering MASTER STATE/);
    await second.saw(/Startup complete/);
    // Whichever started sooner: now the second has heard the first.
    await lab.advertises("192.0.2.1", cable.adverts("192.0.2.1").length + 2);
    await lab.answersFor(VIP, first);
    assert.equal((await second.run("cat /proc/1/comm")).text, "vigie\n");

    const stopped = await first.run("/etc/init.d/vigie stop");
    assert.deepEqual(stopped, { code: 0, text: "vigie stopped\n" });
    await lab.advertised("192.0.2.1", 0);
    await second.saw(/Entering MASTER STATE: master 192\.0\.2\.1 resigned/);
    await lab.answersFor(VIP, second);

    const started = await first.run("/etc/init.d/vigie start");
    assert.deepEqual(started, { code: 0, text: "vigie started\n" });
    await second.saw(/Entering BACKUP STATE: .* higher priority 150/);
    await lab.answersFor(VIP, first);

    await first.cutPower();
    const last = cable.adverts("192.0.2.1").at(-1)!;
    assert.equal(last.advert.priority, 150);
    await second.saw(/Entering MASTER STATE/);
    await lab.answersFor(VIP, second);
    const next = cable.adverts("192.0.2.2").find(({ at }) => at > last.at)!;
    assert.ok(next.at - last.at > 3e6, "three intervals and the skew time of priority 100");

    // A console is a terminal; Deno tells terminals more than files.
    assert.deepEqual(second.console.filter((line) => /\bcache\b/.test(line)), []);

    await second.run("(sleep 0.1 &)\nsleep 1");
    await second.shows("ps -o ppid,stat,comm", NO_ORPHAN);
  },
);
