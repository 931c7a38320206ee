/** vigie where there is little: few rights, no writable file, nobody else in the namespace. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Host } from "../lib/net/topology.ts";
import { holds } from "./lab/addresses.ts";
import { file, router, VIP } from "./lab/config.ts";
import { isInstalled } from "./lab/installed.ts";
import { type Lab, labTest, peerTest } from "./lab/lab.ts";
import { Process } from "./lab/process.ts";
import { until } from "./lab/until.ts";
import { runVigie, VIGIE } from "./lab/vigie.ts";

const SETPRIV = { name: "setpriv", installed: isInstalled("/usr/bin/setpriv") };

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The two that VRRP needs. */
const TWO = "-all,+net_admin,+net_raw";

/** nobody, of Debian and of nearly everybody else. */
const NOBODY = "65534";

/** Runs `vigie run` inside of something; its modules come from Deno's cache, wherever HOME is. */
function little(
  lab: Lab,
  host: Host,
  before: readonly string[],
  { text = file([], router()), env = {} }: {
    text?: string;
    env?: Readonly<Record<string, string>>;
  } = {},
): Process {
  const path = Deno.makeTempFileSync({ prefix: "vigie-lab-", suffix: ".conf" });
  lab.use({ [Symbol.dispose]: () => Deno.removeSync(path) });
  Deno.writeTextFileSync(path, text);
  Deno.chmodSync(path, 0o644);
  const [command, ...args] = [...before, VIGIE.command, ...VIGIE.args, "run", "-f", path];
  const spec = { name: "vigie", namespace: host.namespace, command: command!, args, env };
  return lab.keep(new Process(spec));
}

/** It becomes master, holds the address, answers, and leaves nothing behind. */
async function works(host: Host, node: Process): Promise<void> {
  await node.saw(/Startup complete/);
  await node.saw(/Entering MASTER STATE/);
  await until(() => holds(host, VIP), "the address");
  assert.deepEqual(await runVigie(host, ["healthcheck"]), { code: 0, text: "" });
}

async function worksToTheEnd(host: Host, node: Process): Promise<void> {
  await works(host, node);
  assert.equal(await node.stop(), 0);
  assert.equal(holds(host, VIP), false);
}

peerTest(SETPRIV, "CAP_NET_ADMIN and CAP_NET_RAW are enough", async (lab) => {
  const host = lab.host("a");
  const node = little(lab, host, ["setpriv", "--bounding-set", TWO, "--inh-caps", TWO]);
  await worksToTheEnd(host, node);
  assert.deepEqual(node.said(/Missing capability/), []);
});

/** The program, wherever it lies, at places that everybody can read: for a mount namespace's shell. */
const MOUNTED = [
  'for conf; do :; done; text=$(cat "$conf")',
  "mount --make-rprivate / && mount -t tmpfs none /mnt",
  "touch /mnt/deno && mkdir /mnt/cache /mnt/vigie",
  'mount --bind "$0" /mnt/deno && mount --bind "$CACHE" /mnt/cache',
  `mount --bind "$ROOT" /mnt/vigie && printf '%s\\n' "$text" > /mnt/vigie.conf && cd /mnt`,
  "export DENO_DIR=/mnt/cache HOME=/nonexistent",
];

const RUN = "/mnt/deno run -A /mnt/vigie/main.ts run -f /mnt/vigie.conf";

/** Runs vigie at the end of a shell's script in a mount namespace of its own. */
async function mounted(lab: Lab, host: Host, lines: readonly string[]): Promise<Process> {
  const script = [...MOUNTED, ...lines].join(" || exit 99\n");
  const env = { ROOT, CACHE: await cacheFolder() };
  return little(lab, host, ["unshare", "--mount", "sh", "-c", script], { env });
}

peerTest(SETPRIV, "no root is needed: the two capabilities are, as ambient ones", async (lab) => {
  const host = lab.host("a");
  const node = await mounted(lab, host, [
    `exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups --no-new-privs ` +
    `--inh-caps ${TWO} --ambient-caps ${TWO} --bounding-set ${TWO} ${RUN}`,
  ]);
  // The daemon is not this user's, so that the healthcheck of this user does not believe it.
  await node.saw(/Entering MASTER STATE/);
  await until(() => holds(host, VIP), "the address");
  const { code, text } = await runVigie(host, ["healthcheck"]);
  assert.equal(code, 1);
  assert.match(text, new RegExp(`of user ${NOBODY} pretends to be vigie`));
  assert.equal(await node.stop(), 0);
  assert.equal(holds(host, VIP), false);
});

labTest("nothing needs to be writable, and /tmp need not be there", async (lab) => {
  const host = lab.host("a");
  const node = await mounted(lab, host, [
    "for at in /mnt /mnt/cache /mnt/vigie /; do mount -o remount,ro,bind $at || exit 97; done",
    "mount -t tmpfs -o ro none /tmp",
    "for f in /x /mnt/x /mnt/cache/x /tmp/x /run/x; do touch $f 2> /dev/null && exit 98; done; true",
    `exec ${RUN}`,
  ]);
  await worksToTheEnd(host, node);
});

labTest("as process 1 of a process namespace it obeys TERM", async (lab) => {
  const host = lab.host("a");
  const node = little(lab, host, ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]);
  await works(host, node);
  const children = `/proc/${node.pid}/task/${node.pid}/children`;
  const first = Number(Deno.readTextFileSync(children).trim());
  Deno.kill(first, "SIGTERM");
  await node.saw(/Stopped vigie/);
  assert.equal(await node.ended(), 0);
  assert.equal(holds(host, VIP), false);
});

labTest("an empty environment, no HOME, a folder that goes, no standard input", async (lab) => {
  const host = lab.host("a");
  const folder = Deno.makeTempDirSync({ prefix: "vigie-lab-" });
  const script = `cd ${folder} && exec 0<&- && ` +
    `exec env -i DENO_DIR="$DENO_DIR" DENO_NO_UPDATE_CHECK=1 "$0" "$@"`;
  const node = little(lab, host, ["sh", "-c", script], { env: { DENO_DIR: await cacheFolder() } });
  await node.saw(/Starting vigie/);
  Deno.removeSync(folder, { recursive: true });
  await worksToTheEnd(host, node);
});

labTest("closed standard output and error do not stop it", async (lab) => {
  const host = lab.host("a");
  const node = little(lab, host, ["sh", "-c", 'exec "$0" "$@" 1>&- 2>&-']);
  await until(() => holds(host, VIP), "the address");
  assert.equal(await node.stop(), 0);
  assert.equal(holds(host, VIP), false);
});

labTest("a reader that does not read cannot hold it up, nor keep it from ending", async (lab) => {
  const host = lab.host("a");
  // Nobody reads the pipe, which dd fills until it would have to wait.
  const script = 'mkfifo "$P" && exec 3<>"$P" && ' +
    '{ yes | dd of="$P" bs=4096 oflag=nonblock 2>/dev/null; } ; exec "$0" "$@" 2>&3';
  const folder = Deno.makeTempDirSync({ prefix: "vigie-lab-" });
  lab.use({ [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) });
  const node = little(lab, host, ["sh", "-c", script], { env: { P: `${folder}/pipe` } });
  await until(() => holds(host, VIP), "the address");
  assert.equal(await node.stop(), 0);
  assert.equal(holds(host, VIP), false);
});

labTest(
  "healthcheck fails for a daemon that does not answer, and waits for it no longer than 5 s",
  async (lab) => {
    const host = lab.host("a");
    const node = little(lab, host, []);
    await works(host, node);
    node.signal("SIGSTOP");
    try {
      const { code, text } = await runVigie(host, ["healthcheck"]);
      assert.equal(code, 1);
      assert.match(text, /does not answer/);
    } finally {
      node.signal("SIGCONT");
    }
  },
);

/** Where Deno keeps modules, if HOME cannot tell it. */
async function cacheFolder(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}
