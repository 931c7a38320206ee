/** Pid files as keepalived's: whom they tell of, and that nobody's lock on one keeps vigie from running. */

import assert from "node:assert/strict";
import { holds } from "./lab/addresses.ts";
import { file, router, VIP } from "./lab/config.ts";
import { isInstalled } from "./lab/installed.ts";
import { type Lab, labTest, peerTest } from "./lab/lab.ts";
import { Process } from "./lab/process.ts";
import { until } from "./lab/until.ts";
import { runVigie, VIGIE } from "./lab/vigie.ts";
import { keepalivedOf, PidFile } from "../lib/daemon/pid_file.ts";

const TOOLS = {
  name: "setpriv or flock",
  installed: isInstalled("/usr/bin/setpriv") && isInstalled("/usr/bin/flock"),
};

const NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];

Deno.test("PidFile.write() takes a file over, and remove() removes it", () => {
  const folder = Deno.makeTempDirSync({ prefix: "vigie-pid-" }), path = `${folder}/k.pid`;
  try {
    Deno.writeTextFileSync(path, "123456789\n");
    const held = PidFile.write(path);
    assert.ok(held instanceof PidFile);
    assert.equal(Deno.readTextFileSync(path), `${Deno.pid}\n`);
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o644);
    using other = Deno.openSync(path);
    assert.equal(other.tryLockSync(true), false, "keepalived sees that it is held");
    held.remove();
    assert.throws(() => Deno.statSync(path));
    const failure = PidFile.write(`${folder}/none/k.pid`);
    assert.ok(!(failure instanceof PidFile) && failure.why !== "");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("PidFile.remove() leaves a file that is another's by now", () => {
  const path = Deno.makeTempFileSync({ prefix: "vigie-pid-" });
  try {
    const held = PidFile.write(path);
    assert.ok(held instanceof PidFile);
    Deno.writeTextFileSync(path, "1\n");
    held.remove();
    assert.equal(Deno.readTextFileSync(path), "1\n");
  } finally {
    Deno.removeSync(path);
  }
});

peerTest(TOOLS, "keepalivedOf() knows keepalived by name and user, while it runs", async (lab) => {
  const { namespace } = lab.host("a"), folder = temporary(lab), path = `${folder}/k.pid`;
  const name = `${folder}/keepalived`, sleep = ["sh", "-c", `exec ${name} 600`];
  Deno.symlinkSync("/bin/sleep", name);
  const start = (command: readonly string[]) => {
    const [program, ...args] = command;
    return lab.keep(new Process({ name: program!, namespace, command: program!, args }));
  };
  const isCalled = (pid: number) =>
    until(() => Deno.readTextFileSync(`/proc/${pid}/comm`) === "keepalived\n", "its name");
  const told = (pid: number | string) => {
    Deno.writeTextFileSync(path, `${pid}\n`);
    return keepalivedOf(path);
  };
  const [ours, theirs] = [start(sleep), start([...NOBODY, ...sleep])];
  await isCalled(ours.pid);
  await isCalled(theirs.pid);
  assert.equal(told(ours.pid), ours.pid);
  assert.equal(told(theirs.pid), null, "anybody can wait for a number and take a name");
  for (const none of [Deno.pid, Deno.ppid, 1, 0, -1, 123_456_789, "", "x"]) {
    assert.equal(told(none), null, `${none}`);
  }
  // The child ends, and its parent, a sleep by then, does not notice.
  const ending = start(["sh", "-c", `${name} 0 & echo $!; exec sleep 600`]);
  const zombie = Number(await ending.saw(/^\d+$/));
  await until(() => /^State:\tZ/m.test(Deno.readTextFileSync(`/proc/${zombie}/status`)), "its end");
  assert.match(Deno.readTextFileSync(`/proc/${zombie}/status`), /^Name:\tkeepalived$/m);
  assert.equal(told(zombie), null, "it has ended");
  assert.equal(keepalivedOf(`${folder}/none`), null);
});

/** Called as keepalived, in the foreground, with everything in a folder of the test's own. */
function asKeepalived(folder: string): string[] {
  Deno.writeTextFileSync(`${folder}/k.conf`, file([], router({ priority: 150 })));
  const files = ["-f", "k.conf", "-p", "k.pid", "-r", "vrrp.pid"];
  return ["keepalived", "-n", "-G", "-l"].concat(
    files.map((word) => word.startsWith("-") ? word : `${folder}/${word}`),
  );
}

/** Somebody who waits for the lock of a file, and keeps it then. */
function locking(lab: Lab, path: string): Process {
  const { namespace } = lab.host(`locking ${path.split("/").at(-1)}`);
  const [command, ...args] = [...NOBODY, "flock", path, "sh", "-c", "echo locked; exec sleep 600"];
  return lab.keep(new Process({ name: "flock", namespace, command: command!, args }));
}

peerTest(TOOLS, "another user's lock on a pid file does not keep it from starting", async (lab) => {
  const host = lab.host("a"), folder = temporary(lab), args = asKeepalived(folder);
  for (const name of ["k.pid", "vrrp.pid"]) {
    Deno.writeTextFileSync(`${folder}/${name}`, "123456789\n");
    await locking(lab, `${folder}/${name}`).saw(/locked/);
  }
  const daemon = start(lab, host, args);
  await daemon.saw(/Startup complete/);
  assert.equal(Deno.readTextFileSync(`${folder}/k.pid`), `${daemon.pid}\n`);
  assert.equal(await daemon.stop(), 0);
  assert.throws(() => Deno.statSync(`${folder}/k.pid`));
});

peerTest(TOOLS, "a user who waits for the lock of a pid file harms no hand-over", async (lab) => {
  const host = lab.host("a"), folder = temporary(lab), args = asKeepalived(folder);
  const daemon = start(lab, host, args);
  await daemon.saw(/Startup complete/);
  await until(() => holds(host, VIP), "the address");
  const users = ["k.pid", "vrrp.pid"].map((name) => locking(lab, `${folder}/${name}`));
  const isWaiting = ({ pid }: Process) =>
    new RegExp(`-> FLOCK .* ${pid} `).test(Deno.readTextFileSync("/proc/locks"));
  await until(() => users.every(isWaiting), "both to wait");
  for (let round = 0; round < 2; round++) {
    const { code, text } = await runVigie(host, ["restart"]);
    assert.equal(code, 0, text);
    // The exec lets go of the lock.
    for (const user of round === 0 ? users : []) await user.saw(/locked/);
    assert.ok(holds(host, VIP));
    assert.equal(Deno.readTextFileSync(`${folder}/k.pid`), `${daemon.pid}\n`);
  }
  assert.equal(daemon.said(/Entering MASTER STATE/).length, 1);
  const second = await runVigie(host, args);
  assert.equal(second.code, 0);
  assert.match(second.text, /daemon is already running/);
  assert.equal(await daemon.stop(), 0);
  assert.equal(holds(host, VIP), false);
});

labTest("a hand-over takes the daemon, whatever its pid file says", async (lab) => {
  const host = lab.host("a"), folder = temporary(lab), args = asKeepalived(folder);
  const daemon = start(lab, host, args);
  await daemon.saw(/Entering MASTER STATE/);
  // What runs there is root's and goes by the name: at a start it would be reason enough to end.
  const name = `${folder}/keepalived`;
  Deno.symlinkSync("/bin/sleep", name);
  const { namespace } = host;
  const other = lab.keep(new Process({ name, namespace, command: name, args: ["600"] }));
  await until(() => Deno.readTextFileSync(`/proc/${other.pid}/comm`) === "keepalived\n", "it");
  Deno.writeTextFileSync(`${folder}/k.pid`, `${other.pid}\n`);
  const { code, text } = await runVigie(host, ["restart"]);
  assert.equal(code, 0, text);
  assert.equal(Deno.readTextFileSync(`${folder}/k.pid`), `${daemon.pid}\n`);
  assert.equal(daemon.said(/rolled back/).length, 0);
  assert.equal(await daemon.stop(), 0);
});

function start(lab: Lab, { namespace }: ReturnType<Lab["host"]>, args: readonly string[]): Process {
  const command = { command: VIGIE.command, args: [...VIGIE.args, ...args] };
  return lab.keep(new Process({ name: "vigie as keepalived", namespace, ...command }));
}

function temporary(lab: Lab): string {
  const folder = Deno.makeTempDirSync({ prefix: "vigie-lab-" });
  lab.use({ [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) });
  Deno.chmodSync(folder, 0o755);
  return folder;
}
