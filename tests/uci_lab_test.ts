/** OpenWrt's configuration, run and checked as the commands do. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { chooseConfig, loadChosen } from "../lib/daemon/uci.ts";
import { devicesIn, logicalInterfaces } from "../lib/daemon/ubus.ts";
import { heldBy, holders } from "./lab/addresses.ts";
import { block, router, VIP } from "./lab/config.ts";
import { isInstalled } from "./lab/installed.ts";
import { KEEPALIVED, startKeepalived } from "./lab/keepalived.ts";
import { type Lab, labTest, peerTest } from "./lab/lab.ts";
import type { Place } from "./lab/addresses.ts";
import { Process } from "./lab/process.ts";
import { never, until } from "./lab/until.ts";
import { runVigie, VIGIE } from "./lab/vigie.ts";

const INIT = fileURLToPath(new URL("../config/init/", import.meta.url));

/** The equivalent of `router()` with this priority. */
function uci(priority: number, globals = "", instance = ""): string {
  return `
config globals 'globals'
	option router_id 'gw1'
${globals}
config ipaddress
	option name 'vip'
	option address '${VIP}/24'

config vrrp_instance
	option name 'VI_1'
	option interface 'eth0'
	option version '3'
	option virtual_router_id '51'
	option priority '${priority}'
	option advert_int '0.1'
	option garp_master_delay '1'
	list virtual_ipaddress 'vip'
${instance}`;
}

/** A file that goes when the lab does. */
function temporary(lab: Lab, text: string): string {
  const path = Deno.makeTempFileSync({ prefix: "vigie-lab-", suffix: ".uci" });
  lab.use({ [Symbol.dispose]: () => Deno.removeSync(path) });
  Deno.writeTextFileSync(path, text);
  return path;
}

/** Starts `vigie run --uci`, and waits until it runs. */
async function start(lab: Lab, host: Place, text: string): Promise<Process> {
  const node = lab.keep(
    new Process({
      name: `vigie --uci on ${host.name}`,
      namespace: host.namespace,
      command: VIGIE.command,
      args: [...VIGIE.args, "run", "--uci", "-f", temporary(lab, text)],
    }),
  );
  await until(() => node.said(/Startup complete/).length > 0, `${node.name} to start`);
  return node;
}

peerTest(
  KEEPALIVED,
  "vigie run --uci elects with keepalived and the equivalent file",
  async (lab) => {
    const [a, b] = lab.pair(), hosts = [a, b];
    lab.keep(await startKeepalived(b, router({ priority: 100 })));
    const master = await start(lab, a, uci(200));
    await master.saw(/\(VI_1\) Entering MASTER STATE/);
    await heldBy(a, hosts, VIP);
    await never(() => holders(hosts, VIP).join() !== "a", "another master after the election", 500);
    assert.equal(await master.stop(), 0);
    await heldBy(b, hosts, VIP);

    const backup = await start(lab, a, uci(50));
    await backup.saw(/\(VI_1\) Entering BACKUP STATE/);
    await never(() => holders(hosts, VIP).join() !== "b", "a lower router as master", 500);
  },
);

peerTest(
  KEEPALIVED,
  "vigie run --uci speaks unicast to peers that are named or written out",
  async (lab) => {
    const [a, b] = lab.pair(), hosts = [a, b];
    const own = ["unicast_src_ip 192.0.2.2", block("unicast_peer", ["192.0.2.1"])];
    lab.keep(await startKeepalived(b, router({ priority: 200, lines: own })));
    await heldBy(b, hosts, VIP);
    for (
      const peers of [
        "\toption unicast_src_ip '192.0.2.1'\n\tlist unicast_peer '192.0.2.2'\n",
        "\toption unicast_src_ip '192.0.2.1'\n\tlist unicast_peer 'b'\nconfig peer\n\toption name 'b'\n" +
        "\toption address '192.0.2.2'\n",
      ]
    ) {
      const backup = await start(lab, a, uci(100, "", peers));
      await backup.saw(/\(VI_1\) Entering BACKUP STATE/);
      await never(() => holders(hosts, VIP).join() !== "b", "two masters", 500);
      assert.equal(await backup.stop(), 0);
    }
  },
);

/** vigie on a host that has hotplug-call as OpenWrt does: it sources the scripts of its folder. */
function startWithHotplug(lab: Lab, host: Place, work: string, text: string): Process {
  const inside = `set -e
mount -t tmpfs tmpfs ${work}/mount
mkdir ${work}/mount/upper ${work}/mount/inner
cp ${work}/hotplug-call ${work}/mount/upper/
mount -t overlay overlay -o \
  lowerdir=/usr/sbin,upperdir=${work}/mount/upper,workdir=${work}/mount/inner /usr/sbin
exec "$@"
`;
  const call = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin KEEPALIVED_STATUS_DIR=${work}/status
for script in ${INIT}hotplug-*.sh; do ( . "$script" ); done
words=$(env | grep -E '^(ACTION|TYPE|NAME)=' | sort | tr '\\n' ' ')
# In one piece: another one may write at the same time.
echo "$words$*" >>${work}/log
`;
  Deno.mkdirSync(`${work}/mount`);
  Deno.writeTextFileSync(`${work}/hotplug-call`, call, { mode: 0o755 });
  const vigie = [VIGIE.command, ...VIGIE.args, "run", "--uci", "-f", temporary(lab, text)];
  return lab.keep(
    new Process({
      name: `vigie --uci on ${host.name}`,
      namespace: host.namespace,
      command: "unshare",
      args: ["--mount", "sh", "-c", inside, "sh", ...vigie],
    }),
  );
}

const BUSYBOX = { name: "busybox", installed: isInstalled("/bin/busybox") } as const;

peerTest(BUSYBOX, "vigie run --uci tells hotplug, and rpcd answers what it kept", async (lab) => {
  const work = Deno.makeTempDirSync({ prefix: "vigie-hotplug-" });
  lab.use({ [Symbol.dispose]: () => Deno.removeSync(work, { recursive: true }) });
  const group = "config vrrp_sync_group\n\toption name 'G1'\n\tlist group 'VI_1'\n";
  const node = startWithHotplug(lab, lab.host("a"), work, uci(100, "", group));
  const log = () => existing(`${work}/log`);
  await until(() => log().includes("ACTION=NOTIFY_MASTER NAME=G1"), "hotplug to hear of the group");
  await until(() => log().includes("ACTION=NOTIFY_MASTER NAME=VI_1"), "hotplug to hear of VI_1");
  const { stdout } = await new Deno.Command("sh", {
    args: [`${INIT}rpcd-keepalived.sh`, "call", "status"],
    env: { KEEPALIVED_STATUS_DIR: `${work}/status` },
  }).output();
  const { instance, group: groups } = JSON.parse(new TextDecoder().decode(stdout));
  const short = ({ name, status }: { name: string; status: string }) => `${name} ${status}`;
  assert.deepEqual(instance.map(short), ["VI_1 NOTIFY_MASTER"]);
  assert.deepEqual(groups.map(short), ["G1 NOTIFY_MASTER"]);
  assert.equal(await node.stop(), 0);
  const lines = log().trim().split("\n");
  assert.equal(lines[0], "ACTION=startup keepalived");
  assert.ok(lines.includes("ACTION=NOTIFY_STOP NAME=VI_1 TYPE=INSTANCE keepalived"), log());
  assert.equal(lines.at(-1), "ACTION=shutdown keepalived");
});

function existing(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // Not written yet.
    return "";
  }
}

labTest("vigie run --uci does not run what is not enabled, and says so", async (lab) => {
  const path = temporary(lab, uci(100, "\toption enabled '0'\n"));
  const { code, text } = await runVigie(lab.host("a"), ["run", "--uci", "-f", path]);
  assert.equal(code, 0);
  assert.match(text, /says "enabled 0": vigie does not run/);
});

labTest("vigie run --uci refuses what would be multicast against the file's will", async (lab) => {
  const path = temporary(lab, uci(100, "", "\tlist unicast_peer 'nobody'\n"));
  const { code, text } = await runVigie(lab.host("a"), ["run", "--uci", "-f", path]);
  assert.equal(code, 2);
  assert.match(text, /fatal: \(VI_1\) None of the peers can be used/);
});

labTest("vigie check --uci says where a name leads nowhere", async (lab) => {
  const path = temporary(lab, uci(100, "", "\tlist track_script 'gone'\n"));
  const { code, text } = await runVigie(lab.host("a"), ["check", "--uci", "-f", path]);
  assert.equal(code, 1);
  const line = Deno.readTextFileSync(path).split("\n").findIndex((line) => line.includes("gone"));
  assert.ok(text.includes(`${path}:${line + 1}:20: error: There is no "vrrp_script"`), text);
});

labTest("vigie run --uci runs alt_config_file instead, if there is one", async (lab) => {
  const host = lab.host("a"), other = temporary(lab, router({ name: "VI_OTHER" }));
  const node = await start(lab, host, uci(100, `\toption alt_config_file '${other}'\n`));
  await node.saw(/\(VI_OTHER\) Entering MASTER STATE/);
  assert.equal(await node.stop(), 0);
  const missing = uci(100, "\toption alt_config_file '/nonexistent'\n");
  const own = await start(lab, host, missing);
  assert.equal(own.said(/There is no file "\/nonexistent": the sections of this file/).length, 1);
  await own.saw(/\(VI_1\) Entering MASTER STATE/);
});

Deno.test("chooseConfig() takes UCI when asked for, and on OpenWrt when no file is named", async () => {
  const root = await Deno.makeTempDir({ prefix: "vigie-uci-" });
  try {
    const uciFile = `${root}/etc/config/keepalived`;
    assert.deepEqual(chooseConfig({ file: "/x", uci: true }, root), { file: "/x", uci: true });
    assert.deepEqual(chooseConfig({ uci: true }, root), { file: uciFile, uci: true });
    assert.equal(chooseConfig({}, root).uci, false);
    await Deno.mkdir(`${root}/etc/config`, { recursive: true });
    await Deno.writeTextFile(`${root}/etc/openwrt_release`, "");
    assert.equal(chooseConfig({}, root).uci, false);
    await Deno.writeTextFile(uciFile, "");
    assert.deepEqual(chooseConfig({}, root), { file: uciFile, uci: true });
    assert.deepEqual(chooseConfig({ file: "/x" }, root), { file: "/x", uci: false });
    const none = await loadChosen({ file: `${root}/none`, uci: true }, "root");
    assert.equal(none.readable, false);
    assert.match(none.problems[0]!.message, /Cannot read .*No such file/);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("devicesIn() reads netifd's interfaces, and nothing from any other answer", () => {
  const answer = {
    interface: [
      { interface: "lan", up: true, l3_device: "br-lan", device: "br-lan" },
      { interface: "wan", up: false, device: "eth1" },
      { interface: "odd" },
      null,
    ],
  };
  const expected = new Map([["lan", "br-lan"], ["wan", "eth1"]]);
  assert.deepEqual(devicesIn(JSON.stringify(answer)), expected);
  for (const text of ["", "{}", "null", '{"interface":1}', "[1]"]) {
    assert.equal(devicesIn(text).size, 0, text);
  }
});

Deno.test("logicalInterfaces() asks ubus, and does without it", async () => {
  const ubus = await Deno.makeTempFile({ prefix: "vigie-ubus-" });
  try {
    const answer = JSON.stringify({ interface: [{ interface: "lan", l3_device: "br-lan" }] });
    await Deno.writeTextFile(
      ubus,
      `#!/bin/sh\n[ "$*" = "-S call network.interface dump" ] && echo '${answer}'\n`,
    );
    await Deno.chmod(ubus, 0o755);
    assert.deepEqual(await logicalInterfaces(ubus), new Map([["lan", "br-lan"]]));
    await Deno.writeTextFile(ubus, "#!/bin/sh\nexit 4\n");
    assert.equal((await logicalInterfaces(ubus)).size, 0);
    assert.equal((await logicalInterfaces("/nonexistent/ubus")).size, 0);
  } finally {
    await Deno.remove(ubus);
  }
});
