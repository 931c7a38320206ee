/** The scheduler of the engine thread. */

import assert from "node:assert/strict";
import { file, router } from "./lab/config.ts";
import { labTest } from "./lab/lab.ts";

/** SCHED_OTHER and SCHED_RR of linux/sched.h. */
const OTHER = 0, RR = 2;

/** Policy and real-time priority of the engine thread (fields 41 and 40 of proc(5), stat). */
function scheduling(pid: number): [policy: number, priority: number] {
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    const stat = Deno.readTextFileSync(`/proc/${pid}/task/${name}/stat`);
    if (!stat.includes("(vigie-engine)")) continue;
    // Fields count from 1, and the second ends with the last parenthesis.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const field = (n: number) => Number(fields[n - 3]);
    if (field(41) !== OTHER || field(40) !== 0) return [field(41), field(40)];
  }
  return [OTHER, 0];
}

labTest(
  "the engine thread takes the lowest real-time priority, or the one configured",
  async (lab) => {
    const [a, b] = lab.pair();
    const plain = await lab.vigie(a, file([], router({})));
    await plain.saw(/Startup complete/);
    assert.deepEqual(scheduling(plain.pid), [RR, 1]);
    const chosen = await lab.vigie(b, file(["vrrp_rt_priority 7"], router({})));
    await chosen.saw(/Startup complete/);
    assert.deepEqual(scheduling(chosen.pid), [RR, 7]);
  },
);
