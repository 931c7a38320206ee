/** Inherits orphans as process 1 does, lets one become a zombie, reaps it; answers in JSON. */

import { OrphanReaper } from "../../lib/net/orphans.ts";
import { millis } from "../../lib/core/time.ts";
import { runProgram } from "../../lib/track/program.ts";

/** PR_SET_CHILD_SUBREAPER (linux/prctl.h). */
const SUBREAPER = 36;
const libc = Deno.dlopen("libc.so.6", {
  prctl: { parameters: ["i32", "usize", "usize", "usize", "usize"], result: "i32" },
});
libc.symbols.prctl(SUBREAPER, 1n, 0n, 0n, 0n);

const out = Deno.makeTempFileSync();
const own = new Deno.Command("sleep", { args: ["600"] }).spawn();
try {
  const words = ["/bin/sh", "-c", `sleep 0.1 & echo $! > ${out}`];
  await runProgram({ words, user: null, timeoutUs: millis(20_000) });
  const orphan = Number(Deno.readTextFileSync(out));
  while (state(orphan) !== "Z") await new Promise((resolve) => setTimeout(resolve, 20));
  const reaper = new OrphanReaper();
  const looks = [reaper.look(), reaper.look(), reaper.look()];
  own.kill("SIGKILL");
  console.log(JSON.stringify({
    looks: looks.map((pids) => pids.map((pid) => pid === orphan)),
    after: state(orphan),
    own: (await own.status).signal,
  }));
} finally {
  Deno.removeSync(out);
}

function state(pid: number): string {
  try {
    return /\) (\w) [^)]*$/.exec(Deno.readTextFileSync(`/proc/${pid}/stat`))![1]!;
  } catch {
    return "gone";
  }
}
