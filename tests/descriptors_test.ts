import assert from "node:assert/strict";
import { closeFd, setCloseOnExec } from "../ffi/fd.ts";
import { eventfd, getPid, pidfdOpen } from "../ffi/process.ts";
import { socketPair } from "../ffi/socket.ts";
import { seconds } from "../lib/core/time.ts";
import { closeOnExecOneByOne, keepDescriptorsToOurselves } from "../lib/net/descriptors.ts";
import { runProgram } from "../lib/track/program.ts";
import { router } from "./lab/config.ts";
import { labTest } from "./lab/lab.ts";
import { type Folder, inFolder } from "./tools/scripts.ts";

/** Runs a shell script and reads what it wrote to the file that is its first argument. */
async function told(folder: Folder, body: string): Promise<string> {
  const out = folder.file("out", ""), words = [folder.script("script", body), out];
  const outcome = await runProgram({ words, user: null, timeoutUs: seconds(30) });
  assert.deepEqual(outcome, { kind: "exited", status: 0 });
  return Deno.readTextFileSync(out);
}

for (
  const [name, protect] of [
    ["keepDescriptorsToOurselves()", keepDescriptorsToOurselves],
    ["closeOnExecOneByOne(), for old kernels,", () => closeOnExecOneByOne(3)],
  ] as const
) {
  Deno.test(`${name} keeps what others left open from children`, async () => {
    await inFolder(async (folder) => {
      const careless = eventfd();
      try {
        setCloseOnExec(careless, false);
        // Shells keep their script open from 10 on.
        const list = `for each in 0 1 2 3 4 5 6 7 8 9; do
          [ -e /proc/$$/fd/$each ] && echo $each; done > "$1"; :`;
        const seen = await told(folder, `[ -e /proc/$$/fd/${careless} ] && echo yes > "$1"; :`);
        assert.equal(seen, "yes\n", "without it the descriptor is inherited");
        protect();
        const gone = await told(folder, `[ -e /proc/$$/fd/${careless} ] || echo no > "$1"`);
        assert.equal(gone, "no\n");
        assert.equal(await told(folder, list), "0\n1\n2\n");
      } finally {
        closeFd(careless);
      }
    });
  });
}

Deno.test("descriptors of ffi are close-on-exec from the start", () => {
  const fds = [eventfd(), ...socketPair(), pidfdOpen(getPid())];
  try {
    assert.deepEqual(fds.map((fd) => isCloseOnExec(Deno.pid, fd)), fds.map(() => true));
  } finally {
    fds.forEach(closeFd);
  }
});

labTest("no descriptor of a running daemon, its sockets included, is for children", async (lab) => {
  // Whoever started the tests may have left descriptors open: those are not the daemon's doing.
  keepDescriptorsToOurselves();
  const node = await lab.vigie(lab.host("a"), router({ version: 3 }));
  await node.saw(/Entering MASTER STATE/);
  const fds = [...Deno.readDirSync(`/proc/${node.pid}/fd`)].map(({ name }) => Number(name));
  assert.ok(fds.length > 8, "sockets, timers and netlink are open");
  const careless = fds.filter((fd) => fd > 2 && !isCloseOnExec(node.pid, fd)).map((fd) =>
    `${fd}: ${Deno.readLinkSync(`/proc/${node.pid}/fd/${fd}`)}`
  );
  assert.deepEqual(careless, []);
});

/** O_CLOEXEC (asm-generic/fcntl.h) among the flags that proc(5) shows, in octal. */
function isCloseOnExec(pid: number, fd: number): boolean {
  const text = Deno.readTextFileSync(`/proc/${pid}/fdinfo/${fd}`);
  return (parseInt(/^flags:\s*(\d+)/m.exec(text)![1]!, 8) & 0o2000000) !== 0;
}
