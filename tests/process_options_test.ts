/** Options of the process: for the engine thread and the daemon, and not for what they start. */

import assert from "node:assert/strict";
import { parseUmask } from "../config/table_global_process.ts";
import { parseConfig } from "../config/mod.ts";
import { applyToThread, OwnLimits } from "../lib/net/process_options.ts";
import { file, router } from "./lab/config.ts";
import { labTest } from "./lab/lab.ts";
import { until } from "./lab/until.ts";
import { micros } from "../lib/core/time.ts";

const UMASKS: readonly (readonly [string, number | null])[] = [
  ["022", 0o022],
  ["0", 0],
  ["0x12", 0x12],
  ["99", 99],
  ["IXUSR", 0o100],
  ["IXUSR | IRWXG|IRWXO", 0o177],
  ["01000", null],
  ["9z", null],
  ["IXUSR | NOBODY", null],
  ["", null],
];

for (const [text, expected] of UMASKS) {
  Deno.test(`parseUmask() makes ${expected?.toString(8) ?? "nothing"} of "${text}"`, () => {
    assert.equal(parseUmask(text), expected);
  });
}

const PROCESS = {
  name: null,
  engineName: null,
  niceness: null,
  processors: null,
  noSwap: false,
  realtimeLimitUs: null,
  umask: null,
  oomScoreAdjust: null,
};

const LINES: readonly (readonly [string, Partial<Record<keyof typeof PROCESS, unknown>>])[] = [
  ["vrrp_priority -5", { niceness: -5 }],
  ["vrrp_cpu_affinity 1 0 1", { processors: [1, 0] }],
  ["vrrp_no_swap", { noSwap: true }],
  ["vrrp_rlimit_rttime 9000", { realtimeLimitUs: 9000 }],
  ["process_names", { engineName: "keepalived_vrrp" }],
  ["process_names\nvrrp_process_name mine", { engineName: "mine" }],
  ["process_name lookout", { name: "lookout" }],
  ["umask IXUSR | IRWXO", { umask: 0o107 }],
  ["oom_score_adj -500", { oomScoreAdjust: -500 }],
  ["checker_priority 3\nbfd_cpu_affinity 0\nmax_auto_priority\nmin_auto_priority_delay 5", {}],
];

for (const [lines, expected] of LINES) {
  Deno.test(`parseConfig() takes "${lines}" without a word`, () => {
    const { config, problems } = parseConfig(file(lines.split("\n"), router()), "f");
    assert.deepEqual(problems, []);
    assert.deepEqual(config.global.process, { ...PROCESS, ...expected });
  });
}

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  ["vrrp_priority -21", "error", /from -20 to 19/],
  ["vrrp_cpu_affinity", "error", /is missing/],
  ["vrrp_cpu_affinity x", "error", /must be a processor/],
  ["vrrp_rlimit_rttime", "fatal", /is missing/],
  ["vrrp_process_name abcdefghijklmnopq", "error", /becomes "abcdefghijklmno"/],
  ["umask 01000", "error", /must be an octal number/],
  ["oom_score_adj 1001", "error", /from -1000 to 1000/],
];

for (const [line, severity, message] of REFUSED) {
  Deno.test(`parseConfig() reports "${line}"`, () => {
    const [problem] = parseConfig(file([line], router()), "f").problems;
    assert.equal(problem?.severity, severity);
    assert.match(problem.message, message);
  });
}

Deno.test("applyToThread() goes on without what it may not have, and says so", () => {
  const name = Deno.readTextFileSync("/proc/thread-self/comm").trim();
  const unmet = applyToThread({
    name,
    realtime: { priority: 100, isConfigured: true },
    niceness: null,
    processors: [1023],
  });
  assert.equal(unmet.length, 2);
  assert.match(unmet[0]!.text, /processors 1023/);
  assert.match(unmet[1]!.text, /real-time priority 100/);
});

Deno.test("OwnLimits.without() puts a limit aside for what it starts, and takes it up again", () => {
  const limits = new OwnLimits();
  const soft = () => /Max realtime timeout +(\S+)/.exec(read("/proc/self/limits"))![1];
  const before = soft();
  limits.limitRealtime(micros(4_000_000));
  try {
    assert.equal(soft(), "4000000");
    assert.equal(limits.without(soft), before);
    assert.throws(() =>
      limits.without(() => {
        throw new Error("the start fails");
      })
    );
    assert.equal(soft(), "4000000");
  } finally {
    limits.end();
  }
  assert.equal(soft(), before);
});

/** SCHED_OTHER and SCHED_RR of linux/sched.h. */
const OTHER = "0", RR = "2";

labTest(
  "process options hold for the engine thread, and for nothing that is started",
  async (lab) => {
    const out = await Deno.makeTempDir({ prefix: "vigie-process-" });
    lab.use({ [Symbol.dispose]: () => Deno.removeSync(out, { recursive: true }) });
    const dump = `${out}/dump.sh`;
    const sources = ["stat", "limits", "oom_score_adj", "status"].map((name) =>
      `cat /proc/self/${name} > ${out}/${name}\n`
    );
    Deno.writeTextFileSync(dump, `#!/bin/sh\n${sources.join("")}touch ${out}/done\n`);
    Deno.chmodSync(dump, 0o755);
    const node = await lab.vigie(
      lab.host("a"),
      file(
        [
          "vrrp_rt_priority 7",
          "vrrp_priority -3",
          "vrrp_cpu_affinity 0",
          "vrrp_rlimit_rttime 8000000",
          "vrrp_process_name lookout",
          "process_name mast",
          "oom_score_adj 300",
          "umask 027",
          "enable_script_security",
          "script_user root",
        ],
        `vrrp_script dump {\n  script ${dump}\n  interval 60\n}\n` +
          router({ lines: ["track_script {", "dump", "}"] }),
      ),
    );
    await until(() => exists(`${out}/done`), "the script to run");
    const folder = `/proc/${node.pid}`;
    assert.equal(read(`${folder}/comm`).trim(), "mast");
    const engine = threads(node.pid).find((thread) => read(`${thread}/comm`).trim() === "lookout");
    assert.ok(engine);
    assert.deepEqual(scheduling(read(`${engine}/stat`)), { policy: RR, priority: "7", nice: "-3" });
    assert.match(read(`${engine}/status`), /Cpus_allowed_list:\t0\n/);
    assert.match(read(`${folder}/limits`), /Max realtime timeout +4000000 /);
    assert.equal(read(`${folder}/oom_score_adj`).trim(), "300");
    assert.match(read(`${folder}/status`), /Umask:\t0027/);

    const own = read("/proc/self/status");
    assert.deepEqual(scheduling(read(`${out}/stat`)), { policy: OTHER, priority: "0", nice: "0" });
    assert.equal(cpus(read(`${out}/status`)), cpus(own));
    assert.equal(limit(read(`${out}/limits`)), limit(read("/proc/self/limits")));
    assert.equal(read(`${out}/oom_score_adj`), read("/proc/self/oom_score_adj"));
  },
);

function scheduling(stat: string): { policy: string; priority: string; nice: string } {
  // Fields count from 1, and the second ends with the last parenthesis (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).trim().split(" ");
  const field = (n: number) => fields[n - 3]!;
  return { policy: field(41), priority: field(40), nice: field(19) };
}

function threads(pid: number): string[] {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => `/proc/${pid}/task/${name}`);
}

function cpus(status: string): string {
  return /Cpus_allowed_list:\s*(.*)/.exec(status)![1]!;
}

function limit(limits: string): string {
  return /Max realtime timeout.*/.exec(limits)![0];
}

function read(path: string): string {
  return Deno.readTextFileSync(path);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
