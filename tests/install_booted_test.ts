/** `vigie install` and its unit under a real systemd: this system's own, booted in a container. */

import assert from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { isInstalled } from "./lab/installed.ts";
import { router } from "./lab/config.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BOOTED = fileURLToPath(new URL("./tools/booted.sh", import.meta.url));

/** Runs a script in a booted container. @returns What it wrote. */
async function booted(script: string, ...options: readonly string[]): Promise<string> {
  const work = Deno.makeTempDirSync({ prefix: "vigie-booted-" });
  try {
    const { stdout, stderr, success } = await new Deno.Command("unshare", {
      args: ["--mount", "sh", BOOTED, work, script, ...options],
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    if (!success) throw new Error(decoder.decode(stderr));
    return decoder.decode(stdout);
  } finally {
    Deno.removeSync(work, { recursive: true });
  }
}

/** Why no container can be booted here; null if one can. */
async function obstacle(): Promise<string | null> {
  if (!isInstalled("/usr/bin/systemd-nspawn")) return "systemd-nspawn is not installed";
  if (!isInstalled("/usr/lib/systemd/systemd")) return "systemd is not installed";
  if (Deno.uid() !== 0) return "needs root";
  return await booted("probe").then(() => null, () => "no overlay of the root can be mounted");
}

/** Where modules of others are: there is no network in the container to fetch them anew. */
const CACHE = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache/deno`;

/** Runs vigie from source: the executable is another test's concern. */
function wrapper(): string {
  return `#!/bin/sh
export DENO_DIR=${CACHE} DENO_NO_UPDATE_CHECK=1
exec ${Deno.execPath()} run -A --no-check ${ROOT}main.ts "$@"
`;
}

const CONFIG = `global_defs {
  script_user nobody
  enable_script_security
}
vrrp_script good {
  script "/bin/true"
  interval 1
}
${router({ lines: ["promote_secondaries", "track_script {\n    good\n  }"] })}`;

/** The drop-in of docs/installing.md for a configuration without scripts. */
const LEAST = /\[Service\]\nCapabilityBoundingSet=\n[^`]*/.exec(
  Deno.readTextFileSync(`${ROOT}docs/installing.md`),
)![0];

/** Sooner than the unit's own, but not so soon that a busy machine is taken for a hung daemon. */
const WATCHDOG_SECONDS = 8;

/** What the container does; each part of its output begins with a line "== NAME". */
const SCRIPT = `
part() { echo "== $1"; }
await() { for i in $(seq 600); do eval "$1" && return; sleep 0.1; done; echo "in vain: $1"; }
state() { systemctl show vigie -p "$1" --value; }
cat >/tmp/vigie <<'PROGRAM'
${wrapper()}PROGRAM
chmod 755 /tmp/vigie
part install; /tmp/vigie install --exec /tmp/vigie
cat >/etc/vigie/vigie.conf <<'CONFIG'
${CONFIG}
CONFIG
mkdir -p /etc/systemd/system/vigie.service.d
printf '[Service]\\nWatchdogSec=${WATCHDOG_SECONDS}\\nTimeoutAbortSec=1\\n' >/etc/systemd/system/vigie.service.d/test.conf
systemctl daemon-reload
ip link add eth0 type veth peer name eth1
ip link set eth0 up; ip link set eth1 up; ip addr add 192.0.2.1/24 dev eth0
part start; systemctl enable --now vigie 2>/dev/null; echo "exit $?"
part master; await '[ "$(state StatusText)" = "VI_1 MASTER" ]'; state ActiveState
part address; ip -o -4 addr show dev eth0 | awk '{ print $4 }'
part rights; grep -E '^(CapEff|NoNewPrivs|Seccomp):' "/proc/$(state MainPID)/status" | tr -d '\\t'
part enabled; vigie uninstall; echo "exit $?"
part reload; before=$(state MainPID); cat >>/etc/vigie/vigie.conf <<'CONFIG'
${router({ name: "VI_2", vrid: 52, addresses: ["192.0.2.101/24"] })}
CONFIG
systemctl reload vigie; echo "exit $?"; [ "$(state MainPID)" = "$before" ] && echo "same process"
await '[ "$(state StatusText)" = "VI_1 MASTER, VI_2 MASTER" ]'
journalctl -u vigie -o cat | grep -c "(VI_1) Entering"
part refused; cp /etc/vigie/vigie.conf /tmp/good; echo 'vrrp_instance X {' >/etc/vigie/vigie.conf
systemctl reload vigie 2>/dev/null; echo "exit $?"; state ActiveState; cp /tmp/good /etc/vigie/vigie.conf
part watchdog; old=$(state MainPID); kill -STOP "$old"
await '[ "$(state NRestarts) $(state ActiveState) $(state StatusText)" = \
"1 active VI_1 MASTER, VI_2 MASTER" ]'
state NRestarts
part stop; systemctl disable --now vigie 2>/dev/null; echo "exit $?"; state Result
part gone; ip -o -4 addr show dev eth0 | awk '{ print $4 }'
part least
cat >/etc/systemd/system/vigie.service.d/rights.conf <<'DROPIN'
${LEAST}DROPIN
cat >/etc/vigie/vigie.conf <<'CONFIG'
${router()}
CONFIG
systemctl daemon-reload; systemctl start vigie; echo "exit $?"
await '[ "$(state StatusText)" = "VI_1 MASTER" ]'
grep -E '^(CapEff|NoNewPrivs):' "/proc/$(state MainPID)/status" | tr -d '\\t'; systemctl stop vigie
part broken; echo 'vrrp_instance VI_1 {' >/etc/vigie/vigie.conf
systemctl start vigie 2>/dev/null; echo "exit $?"; sleep 1.5; state ExecMainStatus; state NRestarts
part errors; journalctl -u vigie -p err -o cat --no-pager | grep -c fatal
part uninstall; vigie uninstall; echo "exit $?"; ls /etc/systemd/system /usr/sbin | grep vigie
`;

const why = await obstacle();
Deno.test({
  name: "the unit runs under a booted systemd: ready, master, watched, stopped, uninstalled" +
    (why === null ? "" : ` (skipped: ${why})`),
  ignore: why !== null,
  async fn() {
    const file = Deno.makeTempFileSync({ prefix: "vigie-booted-" });
    try {
      Deno.writeTextFileSync(file, SCRIPT);
      const folders = [ROOT, dirname(Deno.execPath()), CACHE];
      const said = await booted(file, ...folders.map((folder) => `--bind-ro=${folder}`));
      judge(said);
    } finally {
      Deno.removeSync(file);
    }
  },
});

function judge(said: string): void {
  const parts = new Map(
    said.split(/^== /m).slice(1).map((part) => {
      const [name = "", ...lines] = part.trimEnd().split("\n");
      return [name, lines.join("\n")];
    }),
  );
  const is = (name: string, expected: string) => assert.equal(parts.get(name), expected, said);
  const matches = (name: string, expected: RegExp) =>
    assert.match(parts.get(name) ?? "", expected, said);
  matches("install", /^installed {2}\/etc\/systemd\/system\/vigie\.service$/m);
  is("start", "exit 0");
  is("master", "active");
  is("address", "192.0.2.1/24\n192.0.2.100/24");
  // chown, dac_override, kill, setgid, setuid, net_admin, net_raw; sudo works in scripts.
  is("rights", "CapEff:00000000000030e3\nNoNewPrivs:0\nSeccomp:2");
  matches("enabled", /starts with this system[^]*exit 1$/);
  // Backup, then master: the reload made no transition of what was there before.
  is("reload", "exit 0\nsame process\n2");
  is("refused", "exit 1\nactive");
  is("watchdog", "1");
  is("stop", "exit 0\nsuccess");
  is("gone", "192.0.2.1/24");
  is("least", "exit 0\nCapEff:0000000000003000\nNoNewPrivs:1");
  is("broken", "exit 1\n2\n0");
  matches("errors", /^[1-9]/);
  matches("uninstall", /^kept +\/etc\/vigie\/vigie\.conf[^]*exit 0\nvigie\.service\.d$/m);
}
