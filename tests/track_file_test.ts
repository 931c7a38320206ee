/** The file check, and numbers in files. */

import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import type { LogEvent } from "../lib/core/log.ts";
import type { FileProbe } from "../lib/core/probe_spec.ts";
import { seconds } from "../lib/core/time.ts";
import { matchBody } from "../lib/track/body.ts";
import { couldNotRun, failed, GOOD, type Verdict } from "../lib/track/checker.ts";
import { checkFile, fileChecker, type LookAt } from "../lib/track/file.ts";
import { SYSTEM_CLOCK } from "../lib/track/clock.ts";
import type { Disk } from "../lib/track/disk.ts";
import { fileValue } from "../lib/track/file_value.ts";
import { compileRegex, patternJudge, whyNot } from "../lib/track/regex.ts";
import { FileTracker, type TrackedFile } from "../lib/track/track_file.ts";
import { VirtualClock } from "./track_clock.ts";
import { context } from "./track_host.ts";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("matchBody() finds text anywhere, in bytes that are no text, too", async () => {
  const body = Uint8Array.of(0xff, 0, ...encode("größe"), 0xc3);
  assert.equal(await matchBody({ kind: "contains", text: "größe" }, body), null);
  assert.equal(
    await matchBody({ kind: "contains", text: "ok" }, body),
    'body does not contain "ok"',
  );
  assert.equal(await matchBody({ kind: "contains", text: "" }, new Uint8Array(0)), null);
});

Deno.test("matchBody() matches a regular expression somewhere in the text", async () => {
  const test = { kind: "regex", pattern: "^status: (ok|fine)$" } as const;
  assert.equal(await matchBody(test, encode("status: fine")), null);
  assert.equal(
    await matchBody(test, encode("status: bad"), "answer"),
    'answer does not match "^status: (ok|fine)$"',
  );
  assert.equal(await matchBody({ kind: "regex", pattern: "b+" }, encode("abba")), null);
});

Deno.test("matchBody() compares the SHA-256 of the whole", async () => {
  const digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
  assert.equal(await matchBody({ kind: "sha256", digest }, encode("hello")), null);
  assert.equal(
    await matchBody({ kind: "sha256", digest }, encode("hello\n"), "content"),
    "content has another SHA-256",
  );
});

Deno.test("compileRegex() takes no time that grows faster than the text", async () => {
  const matches = await compileRegex("^(a+)+$");
  const began = performance.now();
  assert.equal(matches(`${"a".repeat(100_000)}!`), false);
  assert.ok(performance.now() - began < 60_000);
  assert.equal(await compileRegex("^(a+)+$"), matches, "it is compiled once");
});

Deno.test("whyNot() says what is wrong with a pattern, and refuses what needs backtracking", async () => {
  assert.equal(await whyNot("^ok$"), null);
  assert.match((await whyNot("(a"))!, /missing closing \)/);
  assert.match((await whyNot("(a)\\1"))!, /invalid escape sequence/);
  assert.match((await whyNot("(?=a)"))!, /unsupported Perl syntax/);
  assert.equal((await patternJudge())("[z-a]"), await whyNot("[z-a]"));
  await assert.rejects(compileRegex("(a"), SyntaxError);
});

function probe(path: string, rest: Partial<FileProbe> = {}): FileProbe {
  return { kind: "file", path, mustExist: true, maxAgeUs: null, content: null, ...rest };
}

const check = (path: string, rest: Partial<FileProbe> = {}) =>
  checkFile(probe(path, rest), context());

Deno.test("checkFile() looks whether the file is there, or is not", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f");
    assert.deepEqual(await check(path), failed("does not exist"));
    assert.deepEqual(await check(path, { mustExist: false }), GOOD);
    await Deno.writeTextFile(path, "");
    assert.deepEqual(await check(path), GOOD);
    assert.deepEqual(await check(path, { mustExist: false }), failed("exists"));
    assert.deepEqual(await check(folder), GOOD, "a folder is there, too");
    assert.deepEqual(await check(join(path, "below")), failed("does not exist"));
  }));

Deno.test("checkFile() wants a file to be fresh", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f");
    await Deno.writeTextFile(path, "");
    const fresh = { maxAgeUs: seconds(60) };
    assert.deepEqual(await check(path, fresh), GOOD);
    const old = new Date(Date.now() - 120_000);
    await Deno.utime(path, old, old);
    assert.deepEqual(await check(path, fresh), failed("not modified within 60 s"));
  }));

Deno.test("checkFile() tests what a file holds", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f");
    await Deno.writeTextFile(path, "state=active\n");
    const holds = (text: string) => check(path, { content: { kind: "contains", text } });
    assert.deepEqual(await holds("active"), GOOD);
    assert.deepEqual(await holds("passive"), failed('content does not contain "passive"'));
  }));

Deno.test("checkFile() reads the first MiB only", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f");
    await Deno.writeTextFile(path, `${"x".repeat(1024 * 1024 - 3)}endmore`);
    const holds = (text: string) => check(path, { content: { kind: "contains", text } });
    assert.deepEqual(await holds("end"), GOOD);
    assert.equal((await holds("more")).good, false);
    const digest = "0".repeat(64);
    assert.deepEqual(
      await check(path, { content: { kind: "sha256", digest } }),
      failed("content is larger than 1 MiB"),
    );
  }));

Deno.test("checkFile() does not hang on a FIFO, a device or a folder", () =>
  inFolder(async (folder) => {
    const fifo = join(folder, "fifo");
    await new Deno.Command("mkfifo", { args: [fifo] }).output();
    for (const path of [fifo, folder, "/dev/zero"]) {
      const verdict = await check(path, { content: { kind: "contains", text: "x" } });
      assert.deepEqual(verdict, failed("is not a regular file"));
    }
    assert.deepEqual(await check(fifo), GOOD);
  }));

Deno.test("checkFile() is settled when it was aborted before", async () => {
  const verdict: Verdict = await checkFile(probe("/"), context(AbortSignal.abort()));
  assert.equal(verdict.good, false);
});

Deno.test("checkFile() asks a file system that hangs once, and takes its answer when it comes", async () => {
  const looks: [string, PromiseWithResolvers<Awaited<ReturnType<LookAt>>>][] = [];
  const checker = fileChecker((path) => {
    const seen = Promise.withResolvers<Awaited<ReturnType<LookAt>>>();
    looks.push([path, seen]);
    return seen.promise;
  }, 3);
  const silent = failed("no answer from the file system");
  const round = async () => {
    const controller = new AbortController();
    const checks = ["/hung", "/hung", "/other"].map((path) =>
      checker(probe(path), context(controller.signal))
    );
    controller.abort();
    return await Promise.all(checks);
  };
  for (let n = 0; n < 50; n++) assert.deepEqual(await round(), [silent, silent, silent]);
  assert.deepEqual(looks.map(([path]) => path), ["/hung", "/other"]);
  const late = checker(probe("/hung"), context());
  looks[0]![1].resolve({ info: null, seenMs: 0, content: null });
  assert.deepEqual(await late, failed("does not exist"));
  const next = checker(probe("/hung"), context());
  assert.equal(looks.length, 3);
  looks[2]![1].reject(new Deno.errors.PermissionDenied("x"));
  assert.deepEqual(await next, couldNotRun("permission denied"));
});

Deno.test("checkFile() looks at few files at once, and at the others in turn", async () => {
  const open: (() => void)[] = [];
  const checker = fileChecker(async () => {
    await new Promise<void>((resolve) => open.push(resolve));
    return { info: null, seenMs: 0, content: null };
  }, 2);
  const checks = ["/a", "/b", "/c"].map((path) => checker(probe(path), context()));
  assert.equal(open.length, 2);
  open[0]!();
  await checks[0];
  assert.equal(open.length, 3);
  for (const end of open) end();
  assert.deepEqual(await Promise.all(checks), Array(3).fill(failed("does not exist")));
});

const NUMBERS: readonly (readonly [string, number])[] = [
  ["", 0],
  ["10", 10],
  ["10\n", 10],
  [" \t\r\n\v\f 7", 7],
  ["+5", 5],
  ["-30", -30],
  ["- 30", 0],
  ["+-3", 0],
  ["0x10", 16],
  ["0XfF", 255],
  ["-0x10", -16],
  ["0x", 0],
  ["0xg", 0],
  ["010", 8],
  ["019", 1],
  ["08", 0],
  ["0", 0],
  ["-0", 0],
  ["12abc", 12],
  ["1.9", 1],
  ["abc", 0],
  ["\u00a07", 0],
  ["2147483648", 2147483647],
  ["-2147483649", -2147483648],
  ["99999999999999999999999", 2147483647],
];

Deno.test("fileValue() reads numbers as strtol(3) does with base 0", () => {
  for (const [text, expected] of NUMBERS) {
    assert.ok(Object.is(fileValue(text), expected), `${JSON.stringify(text)}: ${fileValue(text)}`);
  }
});

Deno.test("fileValue() reads back any number in each base", () => {
  fc.assert(fc.property(fc.integer({ min: -0x80000000, max: 0x7fffffff }), (value) => {
    const sign = value < 0 ? "-" : "", size = Math.abs(value);
    for (const digits of [String(size), `0x${size.toString(16)}`, `0${size.toString(8)}`]) {
      assert.equal(fileValue(`${sign}${digits}`), value);
    }
  }));
});

/** The real files, but each answer is there within a turn: made-up time does not wait for threads. */
const PROMPT: Disk = {
  stat: (path) => Promise.try(() => Deno.statSync(path)).catch(() => null),
  lstat: (path) => Promise.try(() => Deno.lstatSync(path)).catch(() => null),
  head: (path) => Promise.try(() => Deno.readTextFileSync(path)),
  write: (path, text, createNew) =>
    Promise.try(() => Deno.writeTextFileSync(path, text, { createNew })),
};

/** A FileTracker for one file, and what it reported; `event` is there if it was given a watcher. */
class Watch implements Disposable {
  readonly values: number[] = [];
  readonly log: LogEvent[] = [];
  readonly clock = new VirtualClock();
  readonly watched: string[] = [];
  readonly #tracker: FileTracker;
  event: (name: string | null) => void = () => assert.fail("nothing is watched");

  private constructor(path: string, init: TrackedFile["init"], watches: boolean, disk: Disk) {
    this.#tracker = new FileTracker({
      files: [{ tracker: "file f", path, init }],
      report: (tracker, state) => {
        assert.equal(tracker, "file f");
        assert.ok(state.kind === "value");
        this.values.push(state.value);
      },
      log: (event) => this.log.push(event),
      clock: this.clock,
      watch: watches ? (folder, changed) => this.#watch(folder, changed) : undefined,
      disk,
    });
    this.#tracker.start();
  }

  /** Begun, and all is done that does not wait for time to pass. */
  static async of(
    path: string,
    init: TrackedFile["init"] = null,
    watches = false,
    disk = PROMPT,
  ): Promise<Watch> {
    const watch = new Watch(path, init, watches, disk);
    await watch.clock.advance(0);
    return watch;
  }

  /** What the watcher tells, and what is done about it. */
  async tell(name: string | null): Promise<void> {
    this.event(name);
    await this.clock.advance(0);
  }

  #watch(folder: string, changed: (name: string | null) => void): { close(): void } {
    this.watched.push(folder);
    this.event = changed;
    return { close: () => this.watched.splice(this.watched.indexOf(folder), 1) };
  }

  [Symbol.dispose](): void {
    this.#tracker.stop();
    assert.deepEqual([this.clock.timers, this.watched], [0, []]);
  }
}

async function shell(command: string): Promise<void> {
  const { success } = await new Deno.Command("sh", { args: ["-c", command] }).output();
  assert.ok(success, command);
}

Deno.test("FileTracker reports the number at the start, 0 for no file", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f");
    {
      using watch = await Watch.of(path);
      assert.deepEqual(watch.values, [0]);
    }
    await Deno.writeTextFile(path, "0x10");
    using watch = await Watch.of(path);
    assert.deepEqual(watch.values, [16]);
  }));

Deno.test("FileTracker notices each new number within two polls, on any way of writing", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f"), other = join(folder, "g");
    using watch = await Watch.of(path);
    const steps: readonly (() => Promise<void>)[] = [
      () => shell(`echo 10 > ${path}`),
      () => shell(`echo 20 > ${path}`),
      () => Deno.writeTextFile(other, "30"),
      () => Deno.rename(other, path),
      () => Deno.rename(path, other),
      () => Deno.rename(other, path),
      () => Deno.remove(path),
    ];
    for (const step of steps) {
      await step();
      await watch.clock.advance(200);
    }
    assert.deepEqual(watch.values, [0, 10, 20, 30, 0, 30, 0]);
  }));

Deno.test("FileTracker does not read what is being written: empty, or half of it", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f");
    await Deno.writeTextFile(path, "10");
    using watch = await Watch.of(path);
    const file = await Deno.open(path, { write: true, truncate: true });
    await watch.clock.advance(900);
    await file.write(encode("1"));
    await watch.clock.advance(100);
    await file.write(encode("25"));
    file.close();
    await watch.clock.advance(200);
    assert.deepEqual(watch.values, [10, 125]);
  }));

Deno.test("FileTracker takes a file that stays empty for 0 in the end", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f");
    await Deno.writeTextFile(path, "10");
    using watch = await Watch.of(path);
    await Deno.writeTextFile(path, "");
    await watch.clock.advance(900);
    assert.deepEqual(watch.values, [10]);
    await watch.clock.advance(300);
    assert.deepEqual(watch.values, [10, 0]);
  }));

Deno.test("FileTracker says nothing when the number stays, or another file changes", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f");
    await Deno.writeTextFile(path, "5");
    using watch = await Watch.of(path);
    await Deno.writeTextFile(path, "0x5");
    await Deno.writeTextFile(join(folder, "g"), "9");
    await watch.clock.advance(3000);
    assert.deepEqual(watch.values, [5]);
  }));

Deno.test("FileTracker finds a folder that comes later, goes, and comes back", () =>
  inFolder(async (top) => {
    const folder = join(top, "run"), path = join(folder, "f");
    using watch = await Watch.of(path, null, true);
    assert.deepEqual(watch.watched, []);
    for (const value of [3, 4]) {
      await Deno.mkdir(folder);
      await Deno.writeTextFile(path, String(value));
      await watch.clock.advance(100);
      assert.deepEqual(watch.watched, [folder]);
      await Deno.remove(folder, { recursive: true });
      await watch.clock.advance(100);
      assert.deepEqual(watch.watched, []);
    }
    assert.deepEqual(watch.values, [0, 3, 0, 4, 0]);
  }));

Deno.test("FileTracker follows a link to a file elsewhere", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f"), target = join(folder, "g");
    await Deno.writeTextFile(target, "1");
    await Deno.symlink(target, path);
    using watch = await Watch.of(path);
    await Deno.writeTextFile(target, "22");
    await watch.clock.advance(200);
    assert.deepEqual(watch.values, [1, 22]);
  }));

Deno.test("FileTracker reads at once what its watcher tells of, and all when some was missed", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f");
    using watch = await Watch.of(path, null, true);
    await Deno.writeTextFile(path, "7");
    await watch.tell("g");
    assert.deepEqual(watch.values, [0]);
    await watch.tell("f");
    assert.deepEqual(watch.values, [0, 7]);
    await Deno.writeTextFile(path, "8");
    await watch.tell(null);
    assert.deepEqual(watch.values, [0, 7, 8]);
  }));

Deno.test("FileTracker leaves an empty file in a watched folder to its writer", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f");
    await Deno.writeTextFile(path, "7");
    using watch = await Watch.of(path, null, true);
    await Deno.writeTextFile(path, "");
    await watch.clock.advance(5000);
    assert.deepEqual(watch.values, [7]);
    await watch.tell("f");
    assert.deepEqual(watch.values, [7, 0]);
  }));

Deno.test("FileTracker writes the initial value where there is no file, or over it if asked", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f");
    const init = async (value: number, overwrite: boolean) => {
      using watch = await Watch.of(path, { value, overwrite });
      return watch.values;
    };
    assert.deepEqual(await init(-7, false), [-7]);
    assert.equal(await Deno.readTextFile(path), "-7\n");
    assert.deepEqual(await init(8, false), [-7]);
    assert.deepEqual(await init(8, true), [8]);
  }));

Deno.test("FileTracker says what it cannot write or read, and takes 0", () =>
  inFolder(async (folder) => {
    {
      using watch = await Watch.of(join(folder, "none", "f"), { value: 1, overwrite: false });
      assert.deepEqual(watch.values, [0]);
      assert.match(watch.log[0]!.text, /^Cannot initialise tracked file .*: no such file/);
    }
    const fifo = join(folder, "fifo");
    await shell(`mkfifo ${fifo}`);
    using watch = await Watch.of(fifo, { value: 1, overwrite: true });
    await watch.clock.advance(3000);
    assert.deepEqual(watch.values, [0]);
    assert.deepEqual(watch.log.map(({ text }) => text.replace(fifo, "F")), [
      "Cannot initialise tracked file F: it is not a regular file",
      "Cannot read tracked file F: it is not a regular file; its value is 0",
    ]);
  }));

Deno.test("FileTracker says once that there is something else than a file", () =>
  inFolder(async (top) => {
    const path = join(top, "f");
    await Deno.mkdir(path);
    using watch = await Watch.of(path);
    for (const seconds of [1, 2]) {
      await Deno.utime(path, seconds, seconds);
      await watch.clock.advance(3000);
    }
    assert.deepEqual(watch.log.map(({ text }) => text.replace(path, "F")), [
      "Cannot read tracked file F: it is not a regular file; its value is 0",
    ]);
  }));

/** The real files, but for one whose file system can hang. */
class Hanging {
  readonly path: string;
  readonly asked: string[] = [];
  #hang: PromiseWithResolvers<void> | null = null;

  constructor(path: string) {
    this.path = path;
  }

  hang(): void {
    this.#hang = Promise.withResolvers();
  }

  recover(): void {
    this.#hang?.resolve();
    this.#hang = null;
  }

  readonly disk: Disk = {
    ...PROMPT,
    stat: async (path) => {
      if (path === this.path) {
        this.asked.push(path);
        await this.#hang?.promise;
      }
      return await PROMPT.stat(path);
    },
  };
}

Deno.test("FileTracker keeps the number while the file system hangs, and says so once", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f"), hanging = new Hanging(path);
    await Deno.writeTextFile(path, "7");
    using watch = await Watch.of(path, null, false, hanging.disk);
    assert.deepEqual(watch.values, [7]);
    hanging.hang();
    await Deno.writeTextFile(path, "88");
    const before = hanging.asked.length;
    await watch.clock.advance(20_000);
    assert.equal(hanging.asked.length, before + 1, "one look at a time");
    assert.deepEqual(watch.values, [7]);
    hanging.recover();
    await watch.clock.advance(300);
    assert.deepEqual(watch.values, [7, 88]);
    assert.deepEqual(watch.log.map(({ level, text }) => `${level}: ${text.replace(path, "F")}`), [
      "warning: No answer from the file system of the tracked file F: what is known stays as it is",
      "info: The file system of the tracked file F answers again",
    ]);
  }));

Deno.test("FileTracker watches other files and folders while one hangs", () =>
  inFolder(async (folder) => {
    const hung = join(folder, "hung"), well = join(folder, "well");
    const hanging = new Hanging(hung), clock = new VirtualClock(), values: unknown[] = [];
    hanging.hang();
    const tracker = new FileTracker({
      files: [hung, well].map((path) => ({ tracker: path, path, init: null })),
      report: (tracker, state) => values.push([tracker, state.kind === "value" && state.value]),
      log: () => {},
      clock,
      disk: hanging.disk,
    });
    tracker.start();
    await clock.advance(0);
    await Deno.writeTextFile(well, "5");
    await clock.advance(300);
    assert.deepEqual(values, [[well, 0], [well, 5]]);
    tracker.stop();
    hanging.recover();
    await clock.advance(300);
    assert.equal(values.length, 2, "nothing is reported once stopped");
  }));

Deno.test("FileTracker reads again what was written while it was looking", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f"), hanging = new Hanging(path);
    await Deno.writeTextFile(path, "7");
    using watch = await Watch.of(path, null, true, hanging.disk);
    hanging.hang();
    await watch.clock.advance(100);
    await Deno.writeTextFile(path, "8");
    await watch.tell("f");
    hanging.recover();
    await watch.clock.advance(0);
    assert.deepEqual(watch.values, [7, 8]);
  }));

Deno.test("FileTracker goes on polling after an error in what it calls", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f");
    let isBroken = true;
    const stat = (file: string) => {
      if (isBroken) throw new Error("broken");
      return PROMPT.stat(file);
    };
    using watch = await Watch.of(path, null, false, { ...PROMPT, stat });
    await watch.clock.advance(200);
    assert.deepEqual(watch.log.map(({ text }) => text.replace(path, "F")), [
      "Cannot look at the tracked file F: broken",
    ]);
    isBroken = false;
    await Deno.writeTextFile(path, "7");
    await watch.clock.advance(300);
    assert.deepEqual(watch.values, [7]);
  }));

Deno.test("FileTracker reads real files without holding up the thread", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f");
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const tracker = new FileTracker({
      files: [{ tracker: "file f", path, init: { value: -7, overwrite: false } }],
      report: (...report) => resolve(report),
      log: () => {},
      clock: SYSTEM_CLOCK,
    });
    tracker.start();
    assert.deepEqual(await promise, ["file f", { kind: "value", value: -7 }]);
    tracker.stop();
    assert.equal(await Deno.readTextFile(path), "-7\n");
  }));

Deno.test("FileTracker is silent and leaves no timer once stopped", () =>
  inFolder(async (folder) => {
    const path = join(folder, "f");
    const watch = await Watch.of(path);
    watch[Symbol.dispose]();
    await shell(`echo 10 > ${path}`);
    await watch.clock.advance(5000);
    assert.deepEqual([watch.values, watch.clock.timers], [[0], 0]);
  }));
