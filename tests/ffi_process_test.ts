import assert from "node:assert/strict";
import { SCHED } from "../ffi/constants.ts";
import { closeFd, readFd } from "../ffi/fd.ts";
import { POLL, PollSet } from "../ffi/poll.ts";
import {
  capabilities,
  type Capability,
  CAPABILITY_NAMES,
  getPid,
  getRlimit,
  getTid,
  kill,
  lockTouched,
  pidfdOpen,
  RLIMIT,
  schedulingPolicy,
  setAffinity,
  setDeathSignal,
  setNiceness,
  setRealtimePriority,
  setRlimit,
  setThreadName,
} from "../ffi/process.ts";
import { signalName, SIGNALS } from "../ffi/signal.ts";
import { assembleAarch64, assembleX64 } from "../ffi/signal_handler.ts";

/** A test that needs a capability; without it the test is skipped and its name says why. */
function capableTest(
  capability: Capability,
  name: string,
  fn: () => void,
): void {
  if (capabilities().effective.has(capability)) Deno.test(name, fn);
  else Deno.test({ name: `${name} [skipped: needs ${capability}]`, ignore: true, fn });
}

Deno.test("getPid() is Deno's, getTid() one of its threads", () => {
  assert.equal(getPid(), Deno.pid);
  assert.ok(Deno.statSync(`/proc/self/task/${getTid()}`).isDirectory);
});

Deno.test("capabilities() agree with /proc/thread-self/status", () => {
  const status = Deno.readTextFileSync("/proc/thread-self/status");
  const { effective, permitted } = capabilities();
  for (const [field, names] of [["CapEff", effective], ["CapPrm", permitted]] as const) {
    const bits = BigInt("0x" + new RegExp(`${field}:\\s*(\\w+)`).exec(status)![1]!);
    const expected = CAPABILITY_NAMES.filter((_, bit) => bits >> BigInt(bit) & 1n);
    assert.deepEqual([...names], expected);
  }
});

capableTest("CAP_SYS_NICE", "setRealtimePriority() gives the thread SCHED_RR and takes it", () => {
  setRealtimePriority(5);
  assert.equal(schedulingPolicy(), SCHED.RR);
  setRealtimePriority(0);
  assert.equal(schedulingPolicy(), SCHED.OTHER);
});

Deno.test("setRealtimePriority() throws EINVAL when the priority does not exist", () => {
  assert.throws(() => setRealtimePriority(100), { code: "EINVAL", call: "sched_setscheduler" });
});

capableTest("CAP_SYS_NICE", "setNiceness() changes the calling thread alone", () => {
  const before = niceness();
  setNiceness(before + 1);
  assert.equal(niceness(), before + 1);
  setNiceness(before);
});

Deno.test("lockTouched() throws ENOMEM for addresses that are not there", () => {
  assert.throws(() => lockTouched(4096n, 4096n), { code: "ENOMEM", call: "mlock2" });
});

Deno.test("setThreadName() names the thread and cuts at 15 bytes", () => {
  const path = "/proc/thread-self/comm", before = Deno.readTextFileSync(path).trim();
  setThreadName("vigie-test-is-long");
  assert.equal(Deno.readTextFileSync(path), "vigie-test-is-l\n");
  setThreadName(before);
});

Deno.test("setRlimit() sets what getRlimit() reads, without limit too", () => {
  const before = getRlimit(RLIMIT.RTTIME);
  const hard = before.hard;
  setRlimit(RLIMIT.RTTIME, 5_000_000, hard);
  assert.deepEqual(getRlimit(RLIMIT.RTTIME), { soft: 5_000_000, hard });
  setRlimit(RLIMIT.RTTIME, before.soft, hard);
  assert.deepEqual(getRlimit(RLIMIT.RTTIME), before);
});

Deno.test("setAffinity() throws EINVAL when no such processor exists", () => {
  assert.throws(() => setAffinity([1023]), { code: "EINVAL" });
});

Deno.test("setDeathSignal() accepts a signal and takes it back", () => {
  setDeathSignal(SIGNALS.SIGTERM);
  setDeathSignal(0);
  assert.throws(() => setDeathSignal(1000), { code: "EINVAL" });
});

Deno.test("pidfdOpen() is readable when the process has ended, not before", async () => {
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  const fd = pidfdOpen(child.pid), set = new PollSet();
  set.add(fd, POLL.IN);
  assert.equal(set.wait(0), 0);
  kill(child.pid, SIGNALS.SIGKILL);
  assert.equal(set.wait(60_000_000), 1);
  closeFd(fd);
  assert.equal((await child.status).signal, "SIGKILL");
  assert.throws(() => pidfdOpen(0x3fff_ffff), { code: /ESRCH|EINVAL/ });
});

Deno.test("replaceProcess() keeps the pid and the descriptors that are not close-on-exec", async () => {
  const { pid, code, stdout } = await runTool("ffi_replaced.ts");
  assert.equal(code, 7);
  assert.equal(stdout, `pid ${pid} socket: two words only=1\n`);
});

Deno.test("catchSignal() delivers real-time and ordinary signals through its descriptor", async () => {
  const { stdout, stderr } = await runTool("ffi_signals.ts");
  assert.equal(stderr, "", "no debugger opens its port");
  assert.deepEqual(JSON.parse(stdout), {
    realTime: { before: 0, after: 1, again: 0 },
    merged: true,
    twice: "EBUSY",
    uncatchable: "EINVAL",
    released: true,
    usr1: 1,
  });
});

Deno.test("assembleX64() and assembleAarch64() write the documented instructions", () => {
  const target = 0x7f12_3456_789an;
  assert.equal(
    hex(assembleX64(0x25, target)),
    "bf25000000" + "be01000000" + "48b89a785634127f0000" + "ffe0",
  );
  assert.equal(
    hex(assembleAarch64(0x25, target)),
    "a0048052" + "210080d2" + "50000058" + "00021fd6" + "9a785634127f0000",
  );
});

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

Deno.test("signalName() names ordinary and real-time signals", () => {
  assert.deepEqual([15, 34, 36, 64, 32, 99].map(signalName), [
    "SIGTERM",
    "SIGRTMIN",
    "SIGRTMIN+2",
    "SIGRTMIN+30",
    "signal 32",
    "signal 99",
  ]);
});

Deno.test("readFd() fails with EBADF when the descriptor is none", () => {
  assert.throws(() => readFd(-1, new Uint8Array(1)), { code: "EBADF" });
});

async function runTool(name: string) {
  const path = new URL(`tools/${name}`, import.meta.url).pathname;
  const args = ["run", "-A", "--no-lock", path];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "piped" })
    .spawn();
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { pid: child.pid, code, stdout: text(stdout), stderr: text(stderr) };
}

function niceness(): number {
  const stat = Deno.readTextFileSync("/proc/thread-self/stat");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
}
