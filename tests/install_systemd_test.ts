/** The systemd unit, judged by systemd's own tools. */

import assert from "node:assert/strict";
import { shippedFiles } from "../lib/daemon/install/files.ts";
import { isInstalled } from "./lab/installed.ts";

const ANALYZE = "/usr/bin/systemd-analyze";
const IN_CI = Deno.env.get("CI") === "true";

/** Skipped, visibly, where systemd is not installed; not in CI. */
function systemdTest(name: string, fn: () => void): void {
  if (isInstalled(ANALYZE) || IN_CI) Deno.test(name, fn);
  else Deno.test({ name: `${name} (skipped: no systemd-analyze)`, ignore: true, fn });
}

const UNIT = shippedFiles("systemd", "/usr/sbin/vigie")[0]!.text;

/** Judges a unit whose program is there. */
function verify(text: string): { readonly code: number; readonly said: string } {
  const folder = Deno.makeTempDirSync({ prefix: "vigie-systemd-" });
  try {
    const file = `${folder}/vigie.service`;
    Deno.writeTextFileSync(file, text.replaceAll("/usr/sbin/vigie", "/bin/sh"));
    const { code, stdout, stderr } = new Deno.Command(ANALYZE, {
      args: ["verify", "--man=no", "--recursive-errors=no", file],
      stdin: "null",
    }).outputSync();
    const decoder = new TextDecoder();
    return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** The values of a setting of the unit, in the order of its lines. */
function setting(name: string): readonly string[] {
  return [...UNIT.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value]) => value!);
}

systemdTest("systemd-analyze verify has nothing to say about the unit", () => {
  assert.deepEqual(verify(UNIT), { code: 0, said: "" });
});

systemdTest("systemd-analyze verify would have said what is wrong with it", () => {
  assert.match(verify(UNIT.replace("LimitRTPRIO=99", "LimitRTPRIO=lots")).said, /resource value/);
  assert.match(verify(UNIT.replace("RestartSec=", "RestartSeconds=")).said, /RestartSeconds/);
});

Deno.test("the unit lets the runtime and the engine thread do what they must", () => {
  assert.deepEqual(setting("Type"), ["notify"]);
  assert.deepEqual(setting("MemoryDenyWriteExecute"), ["no"]);
  assert.deepEqual(setting("RestrictRealtime"), ["no"]);
  assert.deepEqual(setting("LimitRTPRIO"), ["99"]);
  const families = setting("RestrictAddressFamilies").join(" ").split(" ");
  for (const family of ["AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET"]) {
    assert.ok(families.includes(family), family);
  }
  const capabilities = setting("CapabilityBoundingSet").join(" ").split(" ");
  for (const name of ["CAP_NET_ADMIN", "CAP_NET_RAW"]) assert.ok(capabilities.includes(name));
  for (const name of ["CAP_SYS_ADMIN", "CAP_SYS_NICE", "CAP_IPC_LOCK", "CAP_SYS_PTRACE"]) {
    assert.ok(!capabilities.includes(name), name);
  }
});
