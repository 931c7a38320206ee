/** Files in memory, where the kernel or a policy of the host's has objections. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { isInstalled } from "./lab/installed.ts";
import { labTest, peerTest } from "./lab/lab.ts";

const EXEC = fileURLToPath(new URL("../ffi/exec.ts", import.meta.url));

/** Makes a file, and prints where it is and what can be read of it. */
const CODE = `
import { makeMemoryFile } from ${JSON.stringify(EXEC)};
const path = "/proc/self/fd/" + makeMemoryFile("test");
Deno.writeTextFileSync(path, "kept");
console.log(Deno.readLinkSync(path), Deno.readTextFileSync(path));
`;

async function makeUnder(command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args, Deno.execPath(), "eval", "--no-check", CODE],
    stdin: "null",
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

const IN_MEMORY = /^\/memfd:test \(deleted\) kept\n$/;
const WITHOUT_A_NAME = /^\/\w+(\/\w+)?\/\.test-[-\w]+ \(deleted\) kept\n$/;

/** strace(1) answers in the kernel's place. */
const STRACE = { name: "strace", installed: isInstalled("/usr/bin/strace") };

const OBJECTIONS: readonly (readonly [string, string, RegExp])[] = [
  ["does not know MFD_NOEXEC_SEAL", "error=EINVAL:when=1", IN_MEMORY],
  ["forbids it (EACCES)", "error=EACCES", WITHOUT_A_NAME],
  ["does not know memfd_create", "error=ENOSYS", WITHOUT_A_NAME],
];

for (const [who, answer, expected] of OBJECTIONS) {
  peerTest(STRACE, `makeMemoryFile() makes a file on a host that ${who}`, async () => {
    const inject = ["-e", "trace=memfd_create", "-e", `inject=memfd_create:${answer}`];
    const made = await makeUnder("strace", "-f", "-qq", "-o", "/dev/null", ...inject);
    assert.match(made, expected);
  });
}

/** vm.memfd_noexec (Linux 6.3) is of a process namespace: this one's goes with it. */
const NOEXEC = "/proc/sys/vm/memfd_noexec";

labTest("makeMemoryFile() makes one in memory under vm.memfd_noexec 2", async () => {
  const script = `test ! -e ${NOEXEC} || echo 2 > ${NOEXEC} && exec "$0" "$@"`;
  const namespace = ["--pid", "--fork", "--mount-proc", "--kill-child"];
  assert.match(await makeUnder("unshare", ...namespace, "sh", "-c", script), IN_MEMORY);
});
