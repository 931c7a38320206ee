/** pidfds, the process connector and the desk, against the kernel that runs the test. */

import assert from "node:assert/strict";
import { SysError } from "../ffi/errno.ts";
import { CN_MSG, NLMSGHDR, PROC_EVENT, viewOf } from "../ffi/layout.ts";
import { POLL, PollSet } from "../ffi/poll.ts";
import { BIRTHS_FILTER, parseProcEvent, ProcConnector } from "../ffi/proc_connector.ts";
import { getRlimit, RLIMIT, setRlimit } from "../ffi/process.ts";
import type { EngineEvent } from "../lib/engine/messages.ts";
import { ProcessDesk } from "../lib/engine/process_desk.ts";
import { Births } from "../lib/net/births.ts";
import { ProcessWatch } from "../lib/net/process_watch.ts";
import { aloneTest } from "./tools/alone.ts";
import { privilegedTest } from "./tools/ffi_lab.ts";
import { NetworkNamespace } from "../ffi/namespace.ts";
import { until } from "./lab/until.ts";

/** A child that lives until it is killed; `using` sees to its end. */
class Child implements AsyncDisposable {
  readonly process = new Deno.Command("sleep", { args: ["1000"] }).spawn();
  readonly pid = this.process.pid;

  kill(): void {
    this.process.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.kill();
    } catch {
      // It has ended already.
    }
    await this.process.status;
  }
}

/** A shell that goes on when it is told to; its end comes with the end of its input. */
class Shell implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(script: string) {
    const pipes = { stdin: "piped", stdout: "piped" } as const;
    this.#process = new Deno.Command("sh", { args: ["-c", script], ...pipes }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#reader = this.#process.stdout.getReader();
  }

  get pid(): number {
    return this.#process.pid;
  }

  go(): Promise<void> {
    return this.#writer.write(new TextEncoder().encode("go\n"));
  }

  async line(): Promise<string> {
    return new TextDecoder().decode((await this.#reader.read()).value).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#reader.cancel();
    await this.#process.status;
  }
}

/** A desk whose loop is turned by hand. */
class TestDesk implements Disposable {
  readonly events: EngineEvent[] = [];
  readonly #poll = new PollSet();
  readonly #handlers = new Map<number, () => void>();
  readonly desk = new ProcessDesk({
    watch: (fd, handler) => {
      this.#handlers.set(fd, handler);
      this.#poll.add(fd, POLL.IN);
    },
    unwatch: (fd) => {
      this.#handlers.delete(fd);
      this.#poll.remove(fd);
    },
    emit: (event) => this.events.push(event),
  });

  get watched(): number {
    return this.#handlers.size;
  }

  /** One turn of the loop, without waiting. */
  turn(): void {
    if (this.#poll.wait(0) === "interrupted") return;
    for (const { fd } of this.#poll.ready()) this.#handlers.get(fd)?.();
  }

  /** Turns until something has been told. */
  async told(kind: EngineEvent["kind"], pid?: number): Promise<EngineEvent> {
    let found: EngineEvent | undefined;
    await until(() => {
      this.turn();
      found = this.events.find((event) =>
        event.kind === kind && (pid === undefined || "pids" in event && event.pids.includes(pid))
      );
      return found !== undefined;
    }, `${kind} ${pid ?? ""}`);
    return found!;
  }

  [Symbol.dispose](): void {
    this.desk.close();
  }
}

/** Why the kernel does not tell of births where the tests run; null if it does. */
function birthsRefused(): string | null {
  const births = Births.open();
  if (!births.ok) return births.error;
  births.value.close();
  return null;
}

/** A test with the connector; where the kernel refuses it, it is skipped and its name says why. */
function connectorTest(name: string, body: () => void | Promise<void>): void {
  const refused = birthsRefused();
  const suffix = refused === null ? "" : ` (skipped: ${refused})`;
  Deno.test({ name: `${name}${suffix}`, ignore: refused !== null, fn: body });
}

Deno.test("ProcessDesk sees a child killed, though nobody has reaped it", async () => {
  using test = new TestDesk();
  await using child = new Child();
  test.desk.watch([child.pid]);
  test.turn();
  assert.deepEqual(test.events, []);
  child.kill();
  assert.deepEqual(await test.told("processesEnded"), {
    kind: "processesEnded",
    pids: [child.pid],
  });
  assert.equal(test.watched, 0);
});

Deno.test("ProcessDesk sees many end in one event", async () => {
  using test = new TestDesk();
  await using first = new Child();
  await using second = new Child();
  test.desk.watch([first.pid, second.pid]);
  for (const child of [first, second]) child.kill();
  await until(() => [first, second].every(({ pid }) => hasEnded(pid)), "both to end");
  test.turn();
  assert.deepEqual(test.events, [{ kind: "processesEnded", pids: [first.pid, second.pid] }]);
});

Deno.test("ProcessDesk says at once that a process has ended before it was asked", async () => {
  using test = new TestDesk();
  const child = new Child();
  await child[Symbol.asyncDispose](); // reaped: nobody has the number
  test.desk.watch([child.pid]);
  assert.deepEqual(test.events, [{ kind: "processesEnded", pids: [child.pid] }]);
});

Deno.test("ProcessDesk forgets what it is told to forget", async () => {
  using test = new TestDesk();
  await using child = new Child();
  test.desk.watch([child.pid, child.pid]);
  assert.equal(test.watched, 1);
  test.desk.unwatch([child.pid, 1]);
  assert.equal(test.watched, 0);
  child.kill();
  await until(() => hasEnded(child.pid), "the child to end");
  test.turn();
  assert.deepEqual(test.events, []);
});

aloneTest(
  import.meta.url,
  "ProcessDesk says in words that it has no descriptors left, and that others must look",
  async () => {
    using test = new TestDesk();
    await using child = new Child();
    const { soft, hard } = getRlimit(RLIMIT.NOFILE);
    setRlimit(RLIMIT.NOFILE, 0, hard); // nothing more can be opened; what is open stays
    try {
      test.desk.watch([child.pid, 1]);
    } finally {
      setRlimit(RLIMIT.NOFILE, soft, hard);
    }
    const [log, births, ...rest] = test.events;
    assert.ok(log?.kind === "log" && log.log.level === "warning");
    assert.match(log.log.text, new RegExp(`watch process ${child.pid}.*EMFILE`));
    const refused = "not every process can be watched";
    assert.deepEqual(births, { kind: "births", refused, lost: false });
    assert.deepEqual(rest, []);
  },
);

Deno.test("ProcessWatch watches a bounded number, for each poll walks through all of them", async () => {
  const watch = new ProcessWatch({ watch() {}, unwatch() {} }, () => {}, 1);
  await using child = new Child();
  assert.equal(watch.watch(Deno.pid), "watched");
  assert.equal(watch.watch(Deno.pid), "watched");
  const refused = `Cannot watch process ${child.pid}: 1 are watched already`;
  assert.deepEqual(watch.watch(child.pid), { refused });
  watch.unwatch(Deno.pid);
  assert.equal(watch.watch(child.pid), "watched");
  watch.close();
});

connectorTest("ProcessDesk hears of a program that begins, and of another name", async () => {
  using test = new TestDesk();
  test.desk.watchBirths();
  assert.deepEqual(test.events, [{ kind: "births", refused: null, lost: false }]);
  await using shell = new Shell('echo "$$"; read go; echo renamed > /proc/$$/comm; read end');
  await test.told("processesBegun", shell.pid);
  await shell.line(); // it runs, and all that its start has caused has been told by then
  test.turn();
  test.events.length = 0;
  await shell.go();
  await test.told("processesBegun", shell.pid);
});

connectorTest(
  "ProcessDesk hears of the children of a watched process, and of no others",
  async () => {
    using test = new TestDesk();
    // A subshell runs no other program: only its fork can be told.
    const script = 'echo "$$"; read go; (read end) <&0 & echo "$!"; wait';
    await using watched = new Shell(script);
    await using stranger = new Shell(script);
    await Promise.all([watched.line(), stranger.line()]);
    test.desk.watch([watched.pid]);
    test.desk.watchBirths();
    await stranger.go();
    const strange = Number(await stranger.line());
    await watched.go();
    await test.told("processesBegun", Number(await watched.line()));
    const told = test.events.flatMap((event) => event.kind === "processesBegun" ? event.pids : []);
    assert.ok(!told.includes(strange));
  },
);

connectorTest(
  "ProcessDesk hears of the children of a process that began a moment ago",
  async () => {
    using test = new TestDesk();
    test.desk.watchBirths();
    await using shell = new Shell('read go; (read end) <&0 & echo "$!"; wait');
    await shell.go();
    await test.told("processesBegun", Number(await shell.line()));
  },
);

connectorTest("ProcessDesk hears of the child that a watched process leaves behind", async () => {
  using test = new TestDesk();
  await using shell = new Shell('echo "$$"; read go; (read end) <&0 & echo "$!"');
  await shell.line();
  test.desk.watch([shell.pid]); // its pidfd is looked at before the connector
  test.desk.watchBirths();
  await shell.go();
  const child = Number(await shell.line());
  await until(() => hasEnded(shell.pid), "the shell to end");
  await test.told("processesBegun", child);
  const told = test.events.map(({ kind }) => kind);
  assert.ok(told.indexOf("processesEnded") < told.lastIndexOf("processesBegun"));
});

connectorTest("ProcConnector says nothing of threads", async () => {
  const connector = new ProcConnector();
  try {
    assert.ok(connector.listen());
    const source = "data:application/javascript,postMessage(0)";
    const worker = new Worker(source, { type: "module" });
    await new Promise((resolve) => worker.onmessage = resolve);
    worker.terminate();
    await using child = new Child(); // a fork of this process, so that there is something to tell
    const { events } = connector.read(100_000);
    assert.ok(events.some((event) => event.kind === "fork" && event.pid === child.pid));
    assert.ok(!events.some((event) => event.kind !== "acknowledged" && event.pid === Deno.pid));
  } finally {
    connector.close();
  }
});

connectorTest("ProcConnector says that events were lost, and then goes on", async () => {
  const connector = new ProcConnector();
  try {
    assert.ok(connector.listen());
    let lost = false;
    // Each shell has two hundred children: more events than there is room for.
    const script = "i=0; while [ $i -lt 200 ]; do i=$((i+1)); (:); done";
    for (let round = 0; round < 100 && !lost; round++) {
      await Promise.all(Array.from({ length: 8 }, () => run("sh", "-c", script)));
      if (round % 5 === 4) lost = connector.read(100_000).lost;
    }
    assert.ok(lost);
    connector.read(100_000);
    const child = new Child();
    await child[Symbol.asyncDispose]();
    const { events } = connector.read(100_000);
    assert.ok(events.some((event) => event.kind === "exec" && event.pid === child.pid));
  } finally {
    connector.close();
  }
});

privilegedTest("ProcessDesk is refused the births in a network namespace, in words", () => {
  const namespace = NetworkNamespace.create();
  try {
    namespace.run(() => {
      using test = new TestDesk();
      test.desk.watchBirths();
      const refused = "the kernel tells of processes only in the initial network namespace";
      assert.deepEqual(test.events, [{ kind: "births", refused, lost: false }]);
      assert.throws(() => {
        const connector = new ProcConnector();
        try {
          connector.listen();
        } finally {
          connector.close();
        }
      }, SysError);
    });
  } finally {
    namespace.close();
  }
});

/** PROC_EVENT_* and the words of each event, as the kernel lays them out (linux/cn_proc.h). */
const CRAFTED: readonly [string, what: number, words: number[], passes: boolean][] = [
  ["an acknowledgement", 0, [0], true],
  ["the fork of a process", 1, [10, 10, 20, 20], true],
  ["the fork of a process by a thread", 1, [11, 10, 20, 20], true],
  ["the fork of a thread", 1, [10, 10, 21, 10], false],
  ["an exec", 2, [20, 20], true],
  ["a change of user", 4, [20, 20, 1, 1], false],
  ["a change of group", 0x40, [20, 20, 1, 1], false],
  ["a new session", 0x80, [20, 20], false],
  ["a tracer", 0x100, [20, 20, 1, 1], false],
  ["the name of a process", 0x200, [20, 20], true],
  ["the name of a thread", 0x200, [21, 20], false],
  ["a core dump", 0x4000_0000, [20, 20, 1, 1], false],
  ["the end of a process", 0x8000_0000, [20, 20, 0, 0], false],
];

for (const [name, what, words, passes] of CRAFTED) {
  Deno.test(`BIRTHS_FILTER ${passes ? "passes" : "drops"} ${name}`, () => {
    assert.equal(filter(crafted(what, words)), passes);
  });
}

Deno.test("parseProcEvent() reads what the filter passes", () => {
  const parsed = CRAFTED.filter(([, , , passes]) => passes)
    .map(([, what, words]) => parseProcEvent(crafted(what, words)));
  assert.deepEqual(parsed, [
    { kind: "acknowledged", answerTo: 7, errno: 0 },
    { kind: "fork", pid: 20, parent: 10 },
    { kind: "fork", pid: 20, parent: 10 },
    { kind: "exec", pid: 20 },
    { kind: "comm", pid: 20 },
  ]);
});

Deno.test("parseProcEvent() refuses what is cut short or another connector's", () => {
  const whole = crafted(2, [20, 20]);
  for (let length = 0; length < whole.length; length++) {
    assert.equal(parseProcEvent(whole.subarray(0, length)), null);
  }
  viewOf(whole).setUint32(NLMSGHDR.size, 9, true);
  assert.equal(parseProcEvent(whole), null);
});

function crafted(what: number, words: readonly number[]): Uint8Array<ArrayBuffer> {
  const eventAt = NLMSGHDR.size + CN_MSG.size;
  const bytes = new Uint8Array(eventAt + PROC_EVENT.size), view = viewOf(bytes);
  view.setUint32(NLMSGHDR.size, 1, true);
  view.setUint32(NLMSGHDR.size + 4, 1, true);
  view.setUint32(NLMSGHDR.size + CN_MSG.at.ack, 8, true);
  view.setUint32(eventAt, what, true);
  for (const [at, word] of words.entries()) view.setUint32(eventAt + 16 + 4 * at, word, true);
  return bytes;
}

/** Runs the filter as the kernel would: the few opcodes that it uses, loads in network order. */
function filter(packet: Uint8Array): boolean {
  const view = viewOf(packet);
  let a = 0, x = 0;
  for (let pc = 0; pc < BIRTHS_FILTER.length; pc++) {
    const { code, jt, jf, k } = BIRTHS_FILTER[pc]!;
    if (code === 0x20) a = view.getUint32(k);
    else if (code === 0x07) x = a;
    else if (code === 0x15) pc += a === k ? jt : jf;
    else if (code === 0x1d) pc += a === x ? jt : jf;
    else if (code === 0x06) return k !== 0;
    else throw new Error(`unknown opcode ${code}`);
  }
  throw new Error("the filter has no end");
}

async function run(command: string, ...args: string[]): Promise<void> {
  const { success } = await new Deno.Command(command, { args }).output();
  assert.ok(success);
}

function hasEnded(pid: number): boolean {
  try {
    return /\) [ZX] /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return true; // reaped
  }
}

Deno.test("ProcessDesk closes its descriptors once", async () => {
  const test = new TestDesk();
  await using child = new Child();
  test.desk.watch([child.pid]);
  test.desk.close();
  test.desk.close(); // would throw EBADF
  assert.equal(test.watched, 0);
});
