/** The executable and its unit under the real systemd of this system, on an emulated machine. */

import assert from "node:assert/strict";
import { builtVigie, run } from "./build_shared.ts";
import { VIP } from "./lab/config.ts";
import type { Initramfs } from "./lab/initramfs.ts";
import { AGENT_PATH, type Machine } from "./lab/machine.ts";
import { type MachineLab, machineRouter, machineTest, PRELUDE_PATH } from "./lab/machine_lab.ts";

const SYSTEMD = "/usr/lib/systemd/systemd", JOURNALD = "/usr/lib/systemd/systemd-journald";

/** Of systemd's own units, those without which it does not boot, and those that vigie's unit names. */
const UNITS = [
  ...["sysinit", "basic", "multi-user", "local-fs", "sockets", "timers", "paths", "slices"],
  ...["network", "network-online", "nss-lookup", "shutdown", "umount", "final"],
].map((name) => `${name}.target`).concat(
  ["systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket"],
);

const UNIT_TEXT = Deno.readTextFileSync(new URL("../config/init/vigie.service", import.meta.url));

/** Where a journal is reached. */
const JOURNAL = "/usr/lib/systemd/system/systemd-journald.service";

/** The machine's own address. */
const SOURCE = "192.0.2.1";

const AGENT_UNIT = `[Unit]
DefaultDependencies=no
[Service]
ExecStart=${AGENT_PATH}
`;

/** Sooner than the unit's own, but not so soon that a slow machine is taken for a hung one. */
const WATCHDOG_SECONDS = 10;
const DROP_IN = `[Service]\nWatchdogSec=${WATCHDOG_SECONDS}\n`;

const FIRST_PROCESS = `#!/bin/busybox sh
/bin/busybox --install -s
. ${PRELUDE_PATH}
exec ${SYSTEMD}
`;

/** systemd, its journal, and vigie as `vigie install` puts it, enabled. */
async function withSystemd(lab: MachineLab, vigie: string): Promise<Initramfs> {
  const image = lab.scratch();
  const ended = await run([vigie, "install", "--root", image, "--init", "systemd"]);
  assert.equal(ended.code, 0, ended.stderr);
  const root = lab.root(1).tree(image).program(vigie, "/usr/sbin/vigie");
  for (const program of [SYSTEMD, JOURNALD, "/usr/bin/systemctl", "/usr/bin/journalctl"]) {
    root.program(program);
  }
  for (const unit of UNITS) root.copy(`/usr/lib/systemd/system/${unit}`);
  const etc = "/etc/systemd/system", wants = `${etc}/multi-user.target.wants`;
  return root
    .link(`${etc}/default.target`, "/usr/lib/systemd/system/multi-user.target")
    .link("/usr/lib/systemd/system/sysinit.target.wants/systemd-journald.service", JOURNAL)
    .link(`${wants}/vigie.service`, `${etc}/vigie.service`)
    .link(`${wants}/agent.service`, `${etc}/agent.service`)
    .text(`${etc}/agent.service`, AGENT_UNIT)
    .text(`${etc}/vigie.service.d/test.conf`, DROP_IN)
    .text("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
    .text("/etc/group", "root:x:0:\n")
    .text("/etc/machine-id", `${"5".repeat(32)}\n`)
    .text("/etc/vigie/vigie.conf", machineRouter({ lines: ["no_such_keyword"] }))
    .text("/init", FIRST_PROCESS, 0o755);
}

/** Bits of capabilities that the unit names (linux/capability.h), as /proc shows them. */
const CAPABILITY_BITS: Readonly<Record<string, number>> = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_KILL: 5,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
};

/** What the unit allows, and no more. */
function boundingSet(): string {
  const lines = UNIT_TEXT.matchAll(/^CapabilityBoundingSet=(.*)$/gm);
  const names = [...lines].flatMap(([, value]) => value!.split(" "));
  const bits = names.map((name) => 1 << CAPABILITY_BITS[name]!);
  return bits.reduce((all, bit) => all | bit, 0).toString(16).padStart(16, "0");
}

/** As in syslog(3). */
const PRIORITY = { error: "3", notice: "5", info: "6" } as const;

/** What the journal has of the service: each message and its priority. */
async function priorities(machine: Machine): Promise<[string, string][]> {
  const { text } = await machine.run("journalctl -u vigie -o json --no-pager");
  return text.trim().split("\n").map((line) => JSON.parse(line))
    .map(({ MESSAGE, PRIORITY }) => [String(MESSAGE), String(PRIORITY)]);
}

machineTest(
  "systemd runs the unit: ready, with few rights, restarted by the watchdog, stopped with priority 0",
  { files: { "systemd": SYSTEMD, "systemd-journald": JOURNALD } },
  async (lab) => {
    const vigie = await builtVigie();
    const machine = await lab.boot("systemd", 1, await withSystemd(lab, vigie));
    const hasState = async (...lines: readonly string[]) => {
      const names = lines.map((line) => `-p ${line.split("=")[0]}`).join(" ");
      const { text } = await machine.run(`systemctl show vigie ${names}`);
      assert.deepEqual(text.trim().split("\n").sort(), [...lines].sort());
    };

    await lab.advertised(SOURCE, 100);
    await lab.answersFor(VIP, machine);
    await machine.shows("systemctl show vigie -p StatusText", /=VI_1 MASTER$/m);
    await lab.advertises(SOURCE, WATCHDOG_SECONDS + 2);
    await hasState("Type=notify", "ActiveState=active", "SubState=running", "NRestarts=0");

    const { text: status } = await machine.run("cat /proc/$(pidof vigie)/status");
    assert.equal(/^CapEff:\s+(\w+)$/m.exec(status)?.[1], boundingSet(), status);
    assert.match(status, /^Seccomp:\s+2$/m);

    const journal = await priorities(machine);
    const priorityOf = (pattern: RegExp) => journal.find(([text]) => pattern.test(text))?.[1];
    assert.equal(priorityOf(/Unknown keyword "no_such_keyword"/), PRIORITY.error);
    assert.equal(priorityOf(/Entering MASTER STATE/), PRIORITY.notice);
    assert.equal(priorityOf(/Startup complete/), PRIORITY.info);

    await machine.run("kill -STOP $(pidof vigie)");
    await machine.shows("systemctl show vigie -p NRestarts", /=1$/m);
    await machine.shows("systemctl show vigie -p StatusText", /=VI_1 MASTER$/m);

    assert.deepEqual(await machine.run("systemctl stop vigie"), { code: 0, text: "" });
    await lab.advertised(SOURCE, 0);
    await hasState("ActiveState=inactive", "Result=success");
    assert.doesNotMatch((await machine.run("ip address")).text, /192\.0\.2\.100/);
  },
);
