/** Who may ask the daemon, with which rights, and from where. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { ControlFailure } from "../lib/daemon/control.ts";
import type { AboutDaemon } from "../lib/daemon/handover_words.ts";
import type { Place } from "./lab/addresses.ts";
import { file, router } from "./lab/config.ts";
import { Container } from "./lab/container.ts";
import { isInstalled } from "./lab/installed.ts";
import { type Lab, labTest, peerTest } from "./lab/lab.ts";
import { Process } from "./lab/process.ts";
import { runVigie, VIGIE, Vigie } from "./lab/vigie.ts";

const SETPRIV = { name: "setpriv", installed: isInstalled("/usr/bin/setpriv") };

const CLIENT = fileURLToPath(new URL("tools/control_client.ts", import.meta.url));

const CHANGING = fileURLToPath(new URL("tools/control_changing.ts", import.meta.url));

const SERVER = fileURLToPath(new URL("tools/control_server.ts", import.meta.url));

/** As vigie.service, without what scripts want: docs/installing.md, "Capabilities". */
const UNIT = "-all,+net_admin,+net_raw";
const AS_UNIT = ["setpriv", "--bounding-set", UNIT, "--inh-caps", UNIT];

/** nobody, who may read the test's files all the same. */
function asNobody(also = ""): string[] {
  const caps = `-all,+dac_read_search${also}`;
  return [
    ...["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"],
    ...["--inh-caps", caps, "--ambient-caps", caps, "--bounding-set", caps],
  ];
}

/** A daemon that was started in a certain way. */
async function start(lab: Lab, host: Place, before: readonly string[]): Promise<Vigie> {
  const config = Deno.makeTempFileSync({ prefix: "vigie-lab-", suffix: ".conf" });
  Deno.writeTextFileSync(config, file([], router({ priority: 150 })));
  Deno.chmodSync(config, 0o644);
  const [command, ...args] = [...before, VIGIE.command, ...VIGIE.args];
  const vigie = lab.keep(new Vigie(host, config, { command: command!, args }));
  await vigie.saw(/Startup complete/);
  return vigie;
}

/** Asks who the daemon is. @param before What runs the client. */
async function ask(
  { namespace }: Place,
  before: readonly string[],
): Promise<AboutDaemon | ControlFailure> {
  const [command, ...args] = [...before, VIGIE.command, "run", "-A", CLIENT, "ask"];
  const { output } = namespace.run(() => ({
    output: new Deno.Command(command!, { args, stdin: "null", stderr: "inherit" }).output(),
  }));
  return JSON.parse(new TextDecoder().decode((await output).stdout));
}

peerTest(
  SETPRIV,
  "root's shell restarts a daemon that has the unit's two capabilities",
  async (lab) => {
    const host = lab.host("a"), vigie = await start(lab, host, AS_UNIT);
    // One after the other: each image has another key.
    for (let round = 0; round < 2; round++) {
      const { code, text } = await runVigie(host, ["restart"]);
      assert.equal(code, 0, text);
      assert.match(text, new RegExp(`process ${vigie.pid}\\b`));
    }
    const own = await runVigie(host, ["restart"], AS_UNIT);
    assert.equal(own.code, 0, `as ExecReload of the unit: ${own.text}`);
    assert.equal(vigie.said(/Entering MASTER STATE/).length, 1);
  },
);

labTest("who asks while the daemon changes its image asks the next one", async (lab) => {
  const host = lab.host("a"), { namespace } = host;
  const [command, ...args] = [VIGIE.command, "run", "-A", CHANGING];
  const daemon = lab.keep(new Process({ name: "daemon", namespace, command: command!, args }));
  await daemon.saw(/serving/);
  const { code, text } = await runVigie(host, ["restart"]);
  assert.deepEqual([code, text], [0, `the third is heard (process ${daemon.pid})\n`]);
});

/** Clients that have root's number, or not even that. */
const REFUSED: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["a process namespace", ["unshare", "--pid", "--fork", "--mount-proc"], /all capabilities/],
  ["a user namespace", ["unshare", "--user", "--map-root-user"], /all capabilities/],
  ["no user who matters", asNobody(), /the user that the daemon runs as/],
];

for (const [where, before, text] of REFUSED) {
  peerTest(SETPRIV, `who is in ${where} is refused, whatever the daemon may`, async (lab) => {
    for (const [name, rights] of [["a", AS_UNIT], ["b", []]] as const) {
      const host = lab.host(name), vigie = await start(lab, host, rights);
      const answer = await ask(host, before);
      assert.ok(!answer.ok && answer.isRefused, JSON.stringify(answer));
      assert.equal(answer.pid, vigie.pid);
      assert.match(answer.text, text);
      assert.equal((await ask(host, [])).ok, true, "this one may");
    }
  });
}

peerTest(SETPRIV, "root that lacks one of the daemon's capabilities is refused", async (lab) => {
  const host = lab.host("a");
  await start(lab, host, []);
  const answer = await ask(host, AS_UNIT);
  assert.ok(!answer.ok && answer.isRefused);
  const { code, text } = await runVigie(host, ["restart"], AS_UNIT);
  assert.equal(code, 1);
  assert.match(text, /has capabilities that it lacks: it is not asked/);
  assert.deepEqual(await runVigie(host, ["healthcheck"], AS_UNIT), { code: 0, text: "" });
});

/** Everything of this host, and yet another "/". */
const ELSEWHERE =
  "mount --make-rprivate / && mount -t tmpfs none /mnt && cd /mnt && for at in /*; do " +
  'if [ -L "$at" ]; then cp -P "$at" .; elif [ "$at" != /mnt ] && [ -d "$at" ]; then ' +
  'mkdir ".$at" && mount --rbind "$at" ".$at"; fi; done; exec chroot /mnt "$0" "$@"';

labTest("a shell with other files asks nobody", async (lab) => {
  const host = lab.host("a");
  await start(lab, host, []);
  const before = ["unshare", "--mount", "sh", "-c", ELSEWHERE];
  const { code, text } = await runVigie(host, ["restart"], before);
  assert.equal(code, 1);
  assert.match(text, /sees other files than this shell/);
});

labTest("daemon and client may be in the same container", async (lab) => {
  await using container = await Container.on(lab.host("a"));
  const config = Deno.makeTempFileSync({ prefix: "vigie-lab-", suffix: ".conf" });
  Deno.writeTextFileSync(config, file([], router({ priority: 150 })));
  const daemon = container.start("vigie", VIGIE.command, ...VIGIE.args, "run", "-f", config);
  await daemon.saw(/Startup complete/);
  const { code, text } = await container.run(VIGIE.command, ...VIGIE.args, "restart");
  assert.equal(code, 0, text);
  Deno.removeSync(config);
});

peerTest(SETPRIV, "root and the daemon's own user may ask one that is not root's", async (lab) => {
  const host = lab.host("a"), { namespace } = host;
  // A whole daemon needs the cache of modules, which Deno asks access(2) for: that ignores rights.
  const before = asNobody(",+net_admin,+net_raw");
  const [command, ...args] = [...before, VIGIE.command, "run", "-A", SERVER];
  const server = lab.keep(new Process({ name: "server", namespace, command: command!, args }));
  await server.saw(/serving/);
  assert.equal((await ask(host, asNobody())).ok, true);
  assert.equal((await ask(host, [])).ok, true);
  const answer = await ask(host, ["setpriv", "--reuid", "65533", ...asNobody().slice(3)]);
  assert.ok(!answer.ok && answer.isRefused);
});
