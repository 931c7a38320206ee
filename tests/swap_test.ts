/** vrrp_no_swap: no swap for the cgroup, the program in memory, and V8 goes on. */

import assert from "node:assert/strict";
import { swapWords } from "../lib/daemon/process_options.ts";
import { cgroupFolder, keepInMemory } from "../lib/net/swap.ts";
import { capabilities } from "../ffi/process.ts";
import { aloneTest } from "./tools/alone.ts";

const MOUNT = "41 31 0:38 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate";
const INNER = "41 31 0:38 /pod/one /cg\\040here ro - cgroup2 cgroup rw";
const OLD = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu";

const FOLDERS: readonly (readonly [string, string, string])[] = [
  ["0::/system.slice/vigie.service", MOUNT, "/sys/fs/cgroup/system.slice/vigie.service"],
  ["5:cpu:/x\n0::/a", `${OLD}\n${MOUNT}`, "/sys/fs/cgroup/a"],
  ["0::/", MOUNT, "/sys/fs/cgroup"],
  ["0::/pod/one", INNER, "/cg here"],
  ["0::/pod/one/deep", INNER, "/cg here/deep"],
  ["0::/pod/one1", INNER, "its cgroup v2, /pod/one1, is mounted nowhere"],
  ["0::/../other", MOUNT, "its cgroup v2, /../other, is mounted nowhere"],
  ["0::/a", OLD, "its cgroup v2, /a, is mounted nowhere"],
  ["5:memory:/a", MOUNT, "it has no cgroup v2"],
];

for (const [cgroup, mounts, expected] of FOLDERS) {
  Deno.test(`cgroupFolder() says "${expected}" of ${JSON.stringify(cgroup)}`, () => {
    const found = cgroupFolder(`${cgroup}\n`, `${mounts}\n`);
    assert.equal(found.ok ? found.value : found.error, expected);
  });
}

/** A /proc and a cgroup as files. */
class FakeHost implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "vigie-swap-" });
  readonly proc = `${this.root}/proc`;
  readonly cgroup = `${this.root}/cgroup/own`;
  readonly limit = `${this.cgroup}/memory.swap.max`;

  constructor() {
    Deno.mkdirSync(this.cgroup, { recursive: true });
    this.write("proc/self/cgroup", "0::/own\n");
    this.write("proc/self/mountinfo", `1 2 0:3 / ${this.root}/cgroup rw - cgroup2 x rw\n`);
    this.write("proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 9 0 -2\n");
    this.write("cgroup/own/memory.swap.max", "max\n");
    this.procs(Deno.pid);
    // Names may have anything in them.
    for (const [pid, parent] of [[7, Deno.pid], [8, 7], [9, 1], [1, 0]]) {
      this.write(`proc/${pid}/stat`, `${pid} (a) S 5 (b) S ${parent} 1 1\n`);
    }
  }

  write(path: string, text: string): void {
    const file = `${this.root}/${path}`;
    Deno.mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(file, text);
  }

  procs(...pids: number[]): void {
    this.write("cgroup/own/cgroup.procs", pids.map((pid) => `${pid}\n`).join(""));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

/** What else there is, what is said of it, and what memory.swap.max is in the end; null if not there. */
const HOSTS:
  readonly (readonly [string, (host: FakeHost) => void, RegExp | null, string | null])[] = [
    ["is alone", () => {}, null, "0"],
    ["has children", (host) => host.procs(7, Deno.pid, 8), null, "0"],
    ["has a neighbour", (host) => host.procs(Deno.pid, 9), /not its own: process 9 /, "max\n"],
    ["cannot see a neighbour", (host) => host.procs(Deno.pid, 5), /: process 5 is in/, "max\n"],
    ["cannot name a neighbour", (host) => host.procs(0, Deno.pid), /another namespace/, "max\n"],
    ["has cgroups below", (host) => host.write("cgroup/own/x/y", ""), /: cgroup x is/, "max\n"],
    ["has no limit", (host) => Deno.removeSync(host.limit), /own does not limit swap$/, null],
    ["has no /proc", (host) => Deno.removeSync(`${host.proc}/self/cgroup`), /cgroup/, "max\n"],
    [
      "has no swap already",
      (host) => {
        host.procs(9);
        host.write("cgroup/own/memory.swap.max", "0\n");
      },
      null,
      "0\n",
    ],
  ];

for (const [what, prepare, why, limit] of HOSTS) {
  Deno.test(`keepInMemory() when the process ${what}`, () => {
    using host = new FakeHost();
    prepare(host);
    const { swapped } = keepInMemory(host);
    if (why === null) assert.equal(swapped, null);
    else assert.match(swapped!.why, why);
    const left = limit === null ? null : Deno.readTextFileSync(host.limit);
    assert.equal(left, limit);
  });
}

Deno.test("what vrrp_no_swap could not have is a warning with a remedy, if the host has swap", () => {
  using host = new FakeHost();
  host.procs(Deno.pid, 9);
  const [swapped, dropped] = swapWords(keepInMemory(host));
  assert.equal(swapped!.level, "warning");
  assert.match(swapped!.text, /may be swapped out: .*process 9 .*MemorySwapMax=0/);
  assert.equal(dropped!.level, "warning");
  assert.match(dropped!.text, /LimitMEMLOCK=infinity/);
  host.write("proc/swaps", "Filename Type Size Used Priority\n");
  const [none] = swapWords(keepInMemory(host));
  assert.equal(none!.level, "info");
  assert.match(none!.text, /no swap\. If it gets some: .*process 9/);
  assert.deepEqual(swapWords({ swapped: null, dropped: null }), []);
});

/** As long as it takes V8 to give back pages often: with mlockall, less than a second is enough. */
const CHURN_MS = 4000;

const MAY_LOCK = capabilities().effective.has("CAP_IPC_LOCK");

// In a process of its own: V8 would end it.
aloneTest(
  import.meta.url,
  `keepInMemory() locks the program${MAY_LOCK ? "" : ", if it may"}, and memory comes and goes`,
  async () => {
    using host = new FakeHost();
    host.write("proc/self/stat", Deno.readTextFileSync("/proc/self/stat"));
    const { swapped, dropped } = keepInMemory(host);
    assert.equal(swapped, null);
    if (MAY_LOCK) {
      assert.equal(dropped, null);
      assert.ok(lockedKb() > 1024, `${lockedKb()} kB`);
    }
    const worker = new Worker(new URL("tools/churn.ts", import.meta.url), { type: "module" });
    const { churn } = await import("./tools/churn.ts");
    await churn(CHURN_MS);
    worker.terminate();
    await churn(CHURN_MS / 4);
  },
);

function lockedKb(): number {
  return Number(/VmLck:\s*(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))![1]);
}
