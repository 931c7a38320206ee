/** The scripts that `vigie install` ships, run by the shells that will run them. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { isInstalled } from "./lab/installed.ts";

const INIT = fileURLToPath(new URL("../config/init/", import.meta.url));
const RC_COMMON = fileURLToPath(new URL("./openwrt/rc.common", import.meta.url));
const BUSYBOX = "/bin/busybox";

/** The shells that routers and servers have. */
const SHELLS: readonly { readonly name: string; readonly words: readonly string[] }[] = [
  { name: "sh", words: ["/bin/sh"] },
  { name: "busybox ash", words: [BUSYBOX, "ash"] },
];

const IN_CI = Deno.env.get("CI") === "true";

/** A test with a shell: skipped, visibly, where busybox is not installed; not in CI. */
function shellTest(name: string, body: (shell: readonly string[]) => Promise<void> | void): void {
  for (const shell of SHELLS) {
    if (isInstalled(shell.words[0]!) || IN_CI) {
      Deno.test(`${name} (${shell.name})`, () => body(shell.words));
    } else {
      Deno.test({ name: `${name} (skipped: no ${shell.name})`, ignore: true, fn() {} });
    }
  }
}

/** Runs a script to its end. */
function run(
  [command, ...words]: readonly string[],
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  const { code, stdout, stderr } = new Deno.Command(command!, {
    args: [...words, ...args],
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...env },
    clearEnv: true,
    stdin: "null",
  }).outputSync();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

/** A folder that goes. */
class Folder implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "vigie-scripts-" });

  file(name: string, text: string, mode = 0o644): string {
    Deno.writeTextFileSync(`${this.path}/${name}`, text);
    Deno.chmodSync(`${this.path}/${name}`, mode);
    return `${this.path}/${name}`;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

const SCRIPTS = [...Deno.readDirSync(INIT)].map(({ name }) => name).filter((name) =>
  Deno.readTextFileSync(INIT + name).startsWith("#!")
);

shellTest("every shipped script is one to the shell", (shell) => {
  assert.ok(SCRIPTS.length >= 6, SCRIPTS.join());
  for (const name of SCRIPTS) {
    const { code, err } = run(shell, ["-n", INIT + name]);
    assert.equal(code, 0, `${name}: ${err}`);
  }
});

/** What procd would be told. `check` and `reload` are the exit codes of these commands of vigie. */
function procd(
  shell: readonly string[],
  action: string,
  { enabled, check = 0, reload = 0, configured = true }: {
    readonly enabled?: string;
    readonly check?: number;
    readonly reload?: number;
    readonly configured?: boolean;
  } = {},
): { code: number; calls: readonly string[] } {
  using folder = new Folder();
  Deno.mkdirSync(`${folder.path}/etc/config`, { recursive: true });
  if (configured) folder.file("etc/config/keepalived", "config globals 'globals'\n");
  const record = folder.file("record", "");
  const commands = `check) exit ${check} ;; reload) echo "said by reload"; exit ${reload} ;;`;
  const text = `#!/bin/sh\necho "vigie $*" >>${record}\ncase $1 in ${commands} esac\n`;
  const program = folder.file("vigie", text, 0o755);
  const script = folder.file("vigie.init", Deno.readTextFileSync(`${INIT}vigie.procd`));
  const { code, err } = run(shell, [RC_COMMON, script, action], {
    RECORD: record,
    ROOT: folder.path,
    PROG: program,
    ...enabled === undefined ? {} : { UCI_ENABLED: enabled },
  });
  assert.equal(err, "");
  const calls = Deno.readTextFileSync(record).replaceAll(folder.path, "").trim().split("\n");
  return { code, calls };
}

const TRIGGER = ["procd_add_reload_trigger keepalived", "procd_close_service"];
const LOOKS = [
  "procd_open_service vigie.init",
  "config_load keepalived",
  "config_foreach globals",
  "config_foreach global_defs",
];
const RUNS = [
  ...LOOKS,
  "procd_open_instance vigie",
  "procd_set_param command /vigie run --uci",
  "procd_set_param respawn",
  "procd_set_param stderr 1",
  "procd_close_instance",
  ...TRIGGER,
];

shellTest(
  "the procd script starts vigie, respawned, and is reloaded with the configuration",
  (shell) => {
    assert.deepEqual(procd(shell, "start"), { code: 0, calls: RUNS });
    assert.deepEqual(procd(shell, "start", { enabled: "1" }).calls, RUNS);
  },
);

shellTest(
  "the procd script opens no instance when it is not enabled or not configured",
  (shell) => {
    const none = [...LOOKS, ...TRIGGER];
    assert.deepEqual(procd(shell, "start", { enabled: "0" }), { code: 0, calls: none });
    const missing = ["procd_open_service vigie.init", ...TRIGGER];
    assert.deepEqual(procd(shell, "start", { configured: false }).calls, missing);
  },
);

shellTest("the procd script keeps what runs when the new configuration has errors", (shell) => {
  const { code, calls } = procd(shell, "reload", { check: 1 });
  assert.equal(code, 1);
  assert.deepEqual(calls, [
    "vigie check --uci",
    "logger -t vigie -p daemon.err Not reloaded: see vigie check --uci",
  ]);
});

shellTest("the procd script reloads a daemon that runs, and leaves the rest to procd", (shell) => {
  const tried = ["vigie check --uci", "vigie reload"];
  assert.deepEqual(procd(shell, "reload"), { code: 0, calls: tried });
  // Nothing runs that could reload, or it is not to run any more.
  const said = "logger -t vigie -p daemon.notice said by reload";
  assert.deepEqual(procd(shell, "reload", { reload: 1 }).calls, [...tried, said, ...RUNS]);
  const stopped = procd(shell, "reload", { reload: 1, enabled: "0" }).calls;
  assert.ok(!stopped.includes("procd_open_instance vigie"), stopped.join("\n"));
});

shellTest("the procd script has keepalived's place in the order, and procd's status", (shell) => {
  assert.deepEqual(procd(shell, "enable").calls, ["link S70vigie.init K01vigie.init"]);
  assert.deepEqual(procd(shell, "status").calls, ["_procd_status"]);
});

shellTest("the hotplug script keeps what rpcd answers", (shell) => {
  using folder = new Folder();
  const env = { KEEPALIVED_STATUS_DIR: `${folder.path}/status` };
  const notify = (ACTION: string, TYPE = "", NAME = "") => {
    const { code, err } = run(shell, [`${INIT}hotplug-ubus.sh`], { ...env, ACTION, TYPE, NAME });
    assert.deepEqual([code, err], [0, ""]);
  };
  const ask = (...args: readonly string[]) => {
    const { code, out, err } = run(shell, [`${INIT}rpcd-keepalived.sh`, ...args], env);
    assert.deepEqual([code, err], [0, ""]);
    return JSON.parse(out);
  };
  assert.deepEqual(ask("list"), { dump: {}, status: {} });
  assert.deepEqual(ask("call", "status"), { instance: [], group: [] });

  const before = Math.floor(Date.now() / 1000);
  notify("startup");
  notify("NOTIFY_BACKUP", "INSTANCE", "VI_1");
  notify("NOTIFY_MASTER", "INSTANCE", "VI_1");
  notify("NOTIFY_FAULT", "INSTANCE", "VI_2_b");
  notify("NOTIFY_MASTER", "GROUP", "G1");
  notify("NOTIFY", "GROUP", "G1");
  const { instance, group } = ask("call", "status");
  const short = (list: { name: string; status: string; event: number }[]) =>
    list.map(({ name, status, event }) => {
      assert.ok(event >= before && event <= Date.now() / 1000);
      return `${name} ${status}`;
    });
  assert.deepEqual(short(instance), ["VI_1 NOTIFY_MASTER", "VI_2_b NOTIFY_FAULT"]);
  assert.deepEqual(short(group), ["G1 NOTIFY_MASTER"]);
  const files = [...Deno.readDirSync(`${folder.path}/status/VI_1_INSTANCE`)];
  assert.deepEqual(files.map(({ name }) => name).sort(), ["STATUS", "TAG", "TIME"]);

  notify("shutdown");
  assert.equal(ask("call", "status").instance.length, 2);
  notify("startup");
  assert.deepEqual(ask("call", "status"), { instance: [], group: [] });
  assert.match(ask("call", 'x"y').error, /invalid call x"y/);
});

shellTest("rpcd's dump is what the daemon says, and nothing without one", (shell) => {
  using folder = new Folder();
  const dump = (program: string) => {
    const VIGIE = folder.file("vigie", `#!/bin/sh\n${program}\n`, 0o755);
    const { code, out, err } = run(shell, [`${INIT}rpcd-keepalived.sh`, "call", "dump"], { VIGIE });
    assert.deepEqual([code, err], [0, ""]);
    return JSON.parse(out);
  };
  assert.deepEqual(dump(`[ "$*" = dump ] && echo '[{"data":{"iname":"a b"}}]'`), {
    status: [{ data: { iname: "a b" } }],
  });
  assert.deepEqual(dump("echo No vigie runs >&2; exit 1"), { status: [] });
});

/** The sysvinit script with its paths in a folder, and a daemon that does what the test wants. */
function sysvinit(folder: Folder, daemon: string): string {
  const program = folder.file("vigie", daemon, 0o755);
  const text = Deno.readTextFileSync(`${INIT}vigie.sysvinit`)
    .replace("PROG=/usr/sbin/vigie", `PROG=${program}`)
    .replace("PIDFILE=/run/vigie.pid", `PIDFILE=${folder.path}/pid`)
    .replace("LOG=/var/log/vigie.log", `LOG=${folder.path}/log`)
    .replaceAll("/etc/default/vigie", `${folder.path}/default`);
  return folder.file("init", text, 0o755);
}

shellTest("the sysvinit script starts, knows, reloads and stops the daemon", (shell) => {
  using folder = new Folder();
  const script = sysvinit(
    folder,
    `#!/bin/sh
[ "$1" = check ] && exit 0
[ "$1" = reload ] && { echo reloaded; exit 0; }
trap 'echo ended; exit 0' TERM
echo "args $*"
while :; do sleep 0.1; done
`,
  );
  folder.file("default", 'VIGIE_ARGS="-f /x y"\n');
  const does = (action: string) => run(shell, [script, action]);
  const log = () => Deno.readTextFileSync(`${folder.path}/log`);
  assert.equal(does("status").code, 3);
  assert.equal(does("reload").code, 7);
  try {
    assert.deepEqual(does("start"), { code: 0, out: "vigie started\n", err: "" });
    const pid = Deno.readTextFileSync(`${folder.path}/pid`).trim();
    assert.equal(does("status").out, `vigie runs, process ${pid}\n`);
    assert.equal(does("start").out, "vigie runs already\n");
    assert.equal(Deno.readTextFileSync(`${folder.path}/pid`).trim(), pid);
    assert.equal(log(), "args run -f /x y\n");
    assert.deepEqual(does("reload"), { code: 0, out: "reloaded\n", err: "" });
  } finally {
    assert.equal(does("stop").out, "vigie stopped\n");
  }
  assert.match(log(), /ended\n$/);
  assert.equal(does("status").code, 3);
  assert.equal(does("stop").code, 0);
  assert.equal(does("nonsense").code, 2);
});

shellTest(
  "the sysvinit script says that the daemon has not started, or has died",
  async (shell) => {
    using folder = new Folder();
    const script = sysvinit(folder, "#!/bin/sh\necho broken\nexit 2\n");
    const { code, err } = run(shell, [script, "start"]);
    assert.equal(code, 1);
    assert.match(err, /vigie has not started: see .*log/);
    assert.equal(Deno.readTextFileSync(`${folder.path}/log`), "broken\n");
    assert.equal(run(shell, [script, "status"]).code, 1);
    // A process id that another has got is not the daemon.
    const other = new Deno.Command("sleep", { args: ["60"] }).spawn();
    folder.file("pid", `${other.pid}\n`);
    const { code: status } = run(shell, [script, "status"]);
    other.kill();
    await other.status;
    assert.equal(status, 1);
  },
);

shellTest("the OpenRC script supervises a daemon in the foreground", (shell) => {
  using folder = new Folder();
  // openrc-run sources the script and acts on its variables and functions; ebegin and eend talk.
  const probe = folder.file(
    "probe",
    `ebegin() { echo "begin $*"; }
eend() { echo "end $1"; }
use() { echo "use $*"; }
after() { echo "after $*"; }
RC_SVCNAME=vigie
VIGIE_ARGS="-f /x"
. ${INIT}vigie.openrc
command=echo
echo "$supervisor | $command_args | $extra_started_commands"
depend
reload
`,
  );
  const { out, err } = run(shell, [probe]);
  assert.equal(err, "");
  assert.deepEqual(out.trim().split("\n"), [
    "supervise-daemon | run -f /x | reload",
    "use net dns logger",
    "after firewall",
    "begin Reloading vigie",
    "check -f /x",
    "reload",
    "end 0",
  ]);
});
