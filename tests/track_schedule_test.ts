/** When checks run, in virtual time. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { millis } from "../lib/core/time.ts";
import { Agenda } from "../lib/track/agenda.ts";
import { failed, GOOD, type Verdict } from "../lib/track/checker.ts";
import { GRACE_MS, Schedule, type Task } from "../lib/track/schedule.ts";
import { VirtualClock } from "./track_clock.ts";

/** A task that writes down what happens to it. */
class Diary {
  readonly began: number[] = [];
  readonly told: {
    readonly verdict: Verdict;
    readonly latencyMs: number;
    readonly timedOut: boolean;
  }[] = [];
  skips = 0;
  /** Those that were the first of an episode. */
  firstSkips = 0;
  stucks = 0;
  readonly task: Task;

  constructor(
    clock: VirtualClock,
    options: Partial<Task> & { readonly intervalMs?: number; readonly timeoutMs?: number } = {},
  ) {
    const { intervalMs = 1000, timeoutMs = 500, run = () => Promise.resolve(GOOD), ...rest } =
      options;
    this.task = {
      intervalUs: millis(intervalMs),
      timeoutUs: millis(timeoutMs),
      isUrgent: true,
      done: (verdict, { latencyUs, timedOut }) =>
        this.told.push({ verdict, latencyMs: latencyUs / 1000, timedOut }),
      skipped: (isFirst) => {
        this.skips++;
        if (isFirst) this.firstSkips++;
      },
      stuck: () => this.stucks++,
      ...rest,
      run: (signal) => {
        this.began.push(clock.monotonicMs() - 1_000_000);
        return run(signal);
      },
    };
  }
}

/** Never answers; settles when aborted. */
function hang(signal: AbortSignal): Promise<Verdict> {
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(failed("aborted")), { once: true })
  );
}

/** Never answers, and settles so long after it was aborted. */
function cling(clock: VirtualClock, ms: number): (signal: AbortSignal) => Promise<Verdict> {
  return (signal) =>
    new Promise((resolve) => {
      const abort = () => clock.after(ms, () => resolve(failed("aborted")));
      signal.addEventListener("abort", abort, { once: true });
    });
}

/** Collects what nobody catches, as the daemon does, so that it ends nothing. */
function uncaught(): Disposable & { readonly errors: unknown[] } {
  const errors: unknown[] = [];
  const take = (event: ErrorEvent) => {
    event.preventDefault();
    errors.push(event.error);
  };
  addEventListener("error", take);
  return { errors, [Symbol.dispose]: () => removeEventListener("error", take) };
}

/** Its timers are late now and then. */
class UnsteadyClock extends VirtualClock {
  readonly #mostMs: number;
  #timers = 0;

  constructor(mostMs: number) {
    super();
    this.#mostMs = mostMs;
  }

  override after(ms: number, run: () => void): () => void {
    this.lateMs = this.#timers++ % 3 === 0 ? this.#mostMs : 0;
    return super.after(ms, run);
  }
}

/** Never settles at all. */
function stick(): Promise<Verdict> {
  return new Promise(() => {});
}

function started(clock: VirtualClock, diaries: readonly Diary[]): Schedule {
  const schedule = new Schedule(diaries.map(({ task }) => task), clock);
  schedule.start();
  return schedule;
}

Deno.test("Schedule runs a thousand checks evenly over their interval, each once in it", async () => {
  const clock = new VirtualClock();
  const all = Array.from({ length: 1000 }, () => new Diary(clock, { intervalMs: 2000 }));
  const schedule = started(clock, all);
  await clock.advance(7000);
  const buckets = new Array<number>(200).fill(0);
  for (const { began } of all) {
    const inWindow = began.filter((ms) => ms >= 4000 && ms < 6000);
    assert.equal(inWindow.length, 1);
    buckets[Math.floor((inWindow[0]! - 4000) / 10)]!++;
  }
  assert.ok(Math.max(...buckets) <= 8, `${Math.max(...buckets)} of 1000 in 10 ms of 2 s`);
  await schedule.stop();
});

Deno.test("Schedule spreads those of one interval over all of it, with others behind them", async () => {
  const clock = new VirtualClock();
  const all = Array.from(
    { length: 90 },
    (_, i) => new Diary(clock, { intervalMs: i < 30 ? 10_000 : 1000 }),
  );
  const schedule = started(clock, all);
  await clock.advance(40_000);
  const slow = all.slice(0, 30).map(({ began }) => began.find((ms) => ms >= 20_000)!).sort((a, b) =>
    a - b
  );
  const gaps = [...slow.slice(1), slow[0]! + 10_000].map((ms, i) => ms - slow[i]!);
  assert.ok(Math.max(...gaps) < 1200, `30 over 10 s leave a gap of ${Math.max(...gaps)} ms`);
  await schedule.stop();
});

Deno.test("Schedule lets about five begin at one instant, so that the process wakes up less often", async () => {
  const clock = new VirtualClock();
  const all = Array.from({ length: 50 }, () => new Diary(clock, { intervalMs: 1000 }));
  const schedule = started(clock, all);
  await clock.advance(6000);
  const instants = all.map(({ began }) => began.find((ms) => ms >= 4000)!);
  const sizes = [...Map.groupBy(instants, (ms) => Math.round(ms)).values()].map((all) =>
    all.length
  );
  assert.equal(sizes.length, 10);
  assert.ok(sizes.every((size) => 3 <= size && size <= 7), `${sizes}`);
  await schedule.stop();
});

Deno.test("Schedule begins the first runs at once, few within milliseconds, many within a second", async () => {
  for (const [count, withinMs] of [[1, 1], [3, 13], [1000, 1001]] as const) {
    const clock = new VirtualClock();
    const all = Array.from({ length: count }, () => new Diary(clock, { intervalMs: 5000 }));
    const schedule = started(clock, all);
    await clock.advance(withinMs);
    assert.ok(all.every(({ began }) => began.length === 1));
    assert.equal(all[0]!.began[0], 0);
    await schedule.stop();
  }
});

Deno.test("Schedule lets those that are known wait for their phase", async () => {
  const clock = new VirtualClock();
  const all = Array.from(
    { length: 20 },
    () => new Diary(clock, { intervalMs: 10_000, isUrgent: false }),
  );
  const schedule = started(clock, all);
  await clock.advance(1000);
  assert.ok(all.filter(({ began }) => began.length > 0).length <= 4);
  await clock.advance(9000);
  assert.ok(all.every(({ began }) => began.length >= 1));
  await schedule.stop();
});

Deno.test("Schedule leaves half an interval to one and a half between the first runs", async () => {
  const clock = new VirtualClock();
  const all = Array.from({ length: 50 }, () => new Diary(clock, { intervalMs: 5000 }));
  const schedule = started(clock, all);
  await clock.advance(30_000);
  for (const { began } of all) {
    const gaps = began.slice(1).map((ms, i) => ms - began[i]!);
    assert.ok(gaps[0]! >= 2499 && gaps[0]! <= 7501, `second run after ${gaps[0]} ms`);
    assert.ok(gaps.slice(1).every((gap) => Math.abs(gap - 5000) <= 1));
  }
  await schedule.stop();
});

Deno.test("Schedule gives a first run its time before the second is due", async () => {
  for (const timeoutMs of [800, 1000, 1500]) {
    const clock = new VirtualClock();
    const all = Array.from({ length: 50 }, () => new Diary(clock, { timeoutMs, run: hang }));
    const schedule = started(clock, all);
    await clock.advance(4000);
    for (const { began, skips } of all) {
      const gap = began[1]! - began[0]!, leastMs = Math.min(timeoutMs, 1000);
      if (timeoutMs <= 1000) assert.equal(skips, 0);
      assert.ok(gap >= leastMs - 1 && gap <= 3001, `second run after ${gap} ms of ${timeoutMs}`);
    }
    await schedule.stop();
  }
});

Deno.test("Schedule does not drift when every timer is late", async () => {
  const clock = new VirtualClock();
  clock.lateMs = 7;
  const diary = new Diary(clock, { intervalMs: 100, timeoutMs: 50 });
  const schedule = started(clock, [diary]);
  await clock.advance(100_050);
  assert.equal(diary.began.length, 1001);
  assert.ok(diary.began.every((ms, index) => ms - index * 100 <= 8));
  await schedule.stop();
});

Deno.test("Schedule makes up for a long standstill with one run, not with all that were due", async () => {
  const clock = new VirtualClock();
  const diary = new Diary(clock, { intervalMs: 100 });
  const schedule = started(clock, [diary]);
  await clock.advance(10);
  await clock.suspend(60_000);
  assert.equal(diary.began.length, 2);
  await clock.advance(1000);
  assert.equal(diary.began.length, 12);
  await schedule.stop();
});

Deno.test("Schedule ends a run when its time is up and says so in words", async () => {
  const clock = new VirtualClock();
  const diary = new Diary(clock, { timeoutMs: 400, run: hang });
  const schedule = started(clock, [diary]);
  await clock.advance(399);
  assert.equal(diary.told.length, 0);
  await clock.advance(2);
  assert.deepEqual(diary.told, [
    { verdict: failed("no answer in 400 ms"), latencyMs: 400, timedOut: true },
  ]);
  await clock.advance(1000);
  assert.equal(diary.told.length, 2, "the next run comes as usual");
  await schedule.stop();
});

Deno.test("Schedule lets a run be answered that was held up with the process", async () => {
  const clock = new VirtualClock();
  const answer = Promise.withResolvers<Verdict>();
  const diary = new Diary(clock, { intervalMs: 60_000, run: () => answer.promise });
  const schedule = started(clock, [diary]);
  await clock.advance(10);
  // Timers come first when the process goes on, then what has come meanwhile.
  await clock.suspend(1000);
  assert.equal(diary.told.length, 0);
  answer.resolve(GOOD);
  await clock.advance(0);
  assert.deepEqual(diary.told, [{ verdict: GOOD, latencyMs: 1010, timedOut: false }]);
  await schedule.stop();
});

Deno.test("Schedule puts a late deadline back by what it was late, its time at most, and once", async () => {
  for (const [heldUpMs, moreMs] of [[530, 100], [700, 200], [60_000, 500]] as const) {
    const clock = new VirtualClock();
    const diary = new Diary(clock, { intervalMs: 3_600_000, run: hang });
    const schedule = started(clock, [diary]);
    await clock.advance(0);
    await clock.suspend(heldUpMs);
    await clock.advance(moreMs - 1);
    assert.equal(diary.told.length, 0);
    await clock.advance(1);
    assert.deepEqual(diary.told.map(({ timedOut }) => timedOut), [true]);
    await schedule.stop();
  }
  const clock = new VirtualClock();
  const diary = new Diary(clock, { intervalMs: 3_600_000, run: hang });
  const schedule = started(clock, [diary]);
  await clock.advance(0);
  await clock.suspend(1000);
  await clock.suspend(1000);
  assert.equal(diary.told.length, 1, "held up twice: the second time it is told");
  await schedule.stop();
});

Deno.test("Schedule does not say that a checker is stuck when the process was held up", async () => {
  const clock = new VirtualClock();
  const letGo = Promise.withResolvers<Verdict>();
  const diary = new Diary(clock, { run: () => letGo.promise });
  const schedule = started(clock, [diary]);
  await clock.advance(600);
  await clock.suspend(60_000);
  letGo.resolve(GOOD);
  await clock.advance(10_000);
  assert.deepEqual([diary.told.length > 5, diary.stucks], [true, 0]);
  await schedule.stop();
});

Deno.test("Schedule tells what a run saw, and how long that took", async () => {
  const clock = new VirtualClock();
  const run = () => new Promise<Verdict>((resolve) => clock.after(30, () => resolve(GOOD)));
  const diary = new Diary(clock, { run });
  const schedule = started(clock, [diary]);
  await clock.advance(600);
  assert.deepEqual(diary.told, [{ verdict: GOOD, latencyMs: 30, timedOut: false }]);
  await schedule.stop();
});

Deno.test("Schedule never has two runs of one check at once, and counts those it leaves out", async () => {
  const clock = new VirtualClock();
  let running = 0;
  const run = async (signal: AbortSignal) => {
    assert.equal(++running, 1);
    const verdict = await hang(signal);
    running--;
    return verdict;
  };
  const diary = new Diary(clock, { intervalMs: 100, timeoutMs: 350, run });
  const schedule = started(clock, [diary]);
  await clock.advance(1990);
  assert.deepEqual([diary.began.length, diary.skips], [5, 15]);
  assert.equal(diary.told.length, 5);
  await schedule.stop();
});

Deno.test("Schedule runs a silent check at each interval though its timeout is as long", async () => {
  for (const [intervalMs, timeoutMs, lateMs] of [[1000, 1000, 0], [1000, 1000, 7], [100, 95, 3]]) {
    const clock = new UnsteadyClock(lateMs!);
    const all = Array.from(
      { length: 20 },
      () => new Diary(clock, { intervalMs: intervalMs!, timeoutMs: timeoutMs!, run: hang }),
    );
    const schedule = started(clock, all);
    await clock.advance(intervalMs! * 500);
    for (const { began, told, skips } of all) {
      assert.equal(skips, 0);
      assert.ok(began.length >= 499, `${began.length} runs in 500 intervals`);
      assert.ok(told.length >= began.length - 1 && told.every(({ timedOut }) => timedOut));
      const drift = (began.at(-1)! - began[1]!) % intervalMs!;
      assert.ok(Math.min(drift, intervalMs! - drift) <= 20, `${drift} ms off`);
    }
    await schedule.stop();
  }
});

Deno.test("Schedule lets one run wait for a checker that lets go slowly, and leaves others out", async () => {
  const clock = new VirtualClock();
  const run = cling(clock, 2000);
  const diary = new Diary(clock, { intervalMs: 1000, timeoutMs: 1000, run });
  const schedule = started(clock, [diary]);
  await clock.advance(1500);
  assert.deepEqual(
    [diary.told.length, diary.skips],
    [1, 0],
    "told at once, and the next one waits",
  );
  await clock.advance(1400);
  assert.deepEqual([diary.began.length, diary.told.length, diary.skips], [1, 1, 1]);
  await clock.advance(200);
  assert.deepEqual(diary.began.map((ms) => Math.round(ms / 100)), [0, 30]);
  assert.equal(diary.stucks, 0);
  await clock.advance(1100);
  const stop = schedule.stop();
  await clock.advance(GRACE_MS);
  await stop;
  assert.equal(diary.began.length, 2, "the one that waits is not wanted any more");
});

Deno.test("Schedule says which run is the first to be left out, and again after one that held up none", async () => {
  const clock = new VirtualClock();
  let tookMs = 1500;
  const run = () => new Promise<Verdict>((resolve) => clock.after(tookMs, () => resolve(GOOD)));
  const diary = new Diary(clock, { timeoutMs: 3000, run });
  const schedule = started(clock, [diary]);
  await clock.advance(9900);
  assert.deepEqual([diary.told.length, diary.skips, diary.firstSkips], [5, 5, 1]);
  tookMs = 100;
  await clock.advance(1000);
  tookMs = 1500;
  await clock.advance(4000);
  assert.deepEqual([diary.skips, diary.firstSkips], [7, 2]);
  await schedule.stop();
});

Deno.test("Schedule goes on when those who are told throw", async () => {
  using caught = uncaught();
  const clock = new VirtualClock();
  const fail = () => {
    throw new Error("deaf");
  };
  const quick = new Diary(clock, { done: fail });
  const slow = new Diary(clock, { done: fail, run: hang, timeoutMs: 1000 });
  const late = new Diary(clock, { skipped: fail, run: hang, timeoutMs: 2500 });
  const other = new Diary(clock);
  const schedule = started(clock, [quick, slow, late, other]);
  await clock.advance(10_000);
  assert.ok(quick.began.length >= 10 && slow.began.length >= 9 && late.began.length >= 3);
  assert.ok(other.told.length >= 10);
  assert.ok(caught.errors.length >= 20 && caught.errors.every((error) => error instanceof Error));
  await schedule.stop();
});

Deno.test("Schedule goes on with the others when a checker never lets go, and says it once", async () => {
  const clock = new VirtualClock();
  const stuck = new Diary(clock, { intervalMs: 500, run: stick });
  const other = new Diary(clock, { intervalMs: 500 });
  const schedule = started(clock, [stuck, other]);
  await clock.advance(500 + GRACE_MS - 100);
  assert.equal(stuck.stucks, 0);
  await clock.advance(60_000);
  assert.deepEqual([stuck.began.length, stuck.told.length, stuck.stucks], [1, 1, 1]);
  // One run waited and was given up with it.
  assert.equal(stuck.skips, Math.floor((500 + GRACE_MS - 100 + 60_000) / 500));
  assert.equal(stuck.firstSkips, 1);
  assert.equal(stuck.told[0]!.timedOut, true);
  assert.ok(other.told.length >= 120);
  const stop = schedule.stop();
  await clock.advance(GRACE_MS);
  await stop;
});

Deno.test("Schedule takes a late checker back when it has let go at last", async () => {
  const clock = new VirtualClock();
  const late = Promise.withResolvers<Verdict>();
  let first = true;
  const run = () => first ? (first = false, late.promise) : Promise.resolve(GOOD);
  const diary = new Diary(clock, { intervalMs: 500, run });
  const schedule = started(clock, [diary]);
  await clock.advance(5000);
  assert.equal(diary.began.length, 1);
  late.resolve(GOOD);
  await clock.advance(1000);
  assert.equal(diary.began.length, 3);
  assert.deepEqual(diary.told.map(({ verdict }) => verdict.good), [false, true, true]);
  await schedule.stop();
});

Deno.test("Schedule makes a verdict of a checker that rejects or throws", async () => {
  const clock = new VirtualClock();
  const rejecting = new Diary(clock, { run: () => Promise.reject(new Error("bad luck")) });
  const throwing = new Diary(clock, {
    run: () => {
      throw new TypeError("worse");
    },
  });
  const schedule = started(clock, [rejecting, throwing]);
  await clock.advance(100);
  assert.deepEqual(rejecting.told.map(({ verdict }) => verdict), [
    { good: false, kind: "could not run", why: "bad luck" },
  ]);
  assert.equal(throwing.told.length, 1);
  await schedule.stop();
});

Deno.test("Schedule.stop() aborts what runs, waits for it, and is silent from then on", async () => {
  const clock = new VirtualClock();
  const letGo = Promise.withResolvers<Verdict>();
  let aborted = false;
  const run = (signal: AbortSignal) => {
    signal.addEventListener("abort", () => aborted = true);
    return letGo.promise;
  };
  const diary = new Diary(clock, { run });
  const schedule = started(clock, [diary]);
  await clock.advance(100);
  let stopped = false;
  const stop = schedule.stop().then(() => stopped = true);
  await clock.advance(100);
  assert.deepEqual([aborted, stopped], [true, false]);
  letGo.resolve(GOOD);
  await clock.advance(0);
  await stop;
  await clock.advance(10_000);
  assert.deepEqual([diary.began.length, diary.told.length, clock.timers], [1, 0, 0]);
});

Deno.test("Schedule.stop() does not wait for ever for a checker that never lets go", async () => {
  const clock = new VirtualClock();
  const schedule = started(clock, [new Diary(clock, { run: stick })]);
  await clock.advance(1);
  const stop = schedule.stop();
  await clock.advance(GRACE_MS);
  await stop;
  assert.equal(clock.timers, 0);
});

Deno.test("Schedule without tasks starts and stops", async () => {
  const clock = new VirtualClock();
  const schedule = started(clock, []);
  await schedule.stop();
  assert.equal(clock.timers, 0);
});

Deno.test("Schedule: 50,000 runs of 1,000 checks cost little, with one timer at a time", async () => {
  const clock = new VirtualClock();
  const all = Array.from({ length: 1000 }, () => new Diary(clock, { intervalMs: 2000 }));
  const schedule = started(clock, all);
  const began = performance.now();
  await clock.advance(50_000);
  assert.equal(clock.timers, 1);
  await clock.advance(50_000);
  const tookMs = performance.now() - began;
  assert.ok(all.every(({ began }) => began.length >= 50));
  // 100 s of checks, in truth a third of a second: a guard against costs that grow with the square.
  assert.ok(tookMs < 20_000, `${tookMs} ms`);
  await schedule.stop();
});

Deno.test("Agenda runs what is due in order, whatever was added and taken back", async () => {
  const ms = fc.integer({ min: 0, max: 50 });
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(ms, fc.boolean())), async (entries) => {
    const clock = new VirtualClock();
    const agenda = new Agenda(clock);
    const ran: number[] = [];
    const kept: number[] = [];
    const added = entries.map(([at]) => agenda.at(1_000_000 + at, () => ran.push(at)));
    for (const [index, [at, keep]] of entries.entries()) {
      if (keep) kept.push(at);
      else agenda.cancel(added[index]!);
    }
    assert.equal(agenda.size, kept.length);
    await clock.advance(100);
    assert.deepEqual(ran, kept.sort((a, b) => a - b));
    assert.deepEqual([agenda.size, clock.timers], [0, 0]);
  }));
});

Deno.test("Agenda.cancel() of what is over changes nothing, and entries may add entries", async () => {
  const clock = new VirtualClock();
  const agenda = new Agenda(clock);
  const ran: string[] = [];
  const first = agenda.at(1_000_010, () => {
    ran.push("first");
    agenda.at(1_000_020, () => ran.push("second"));
  });
  await clock.advance(15);
  agenda.cancel(first);
  assert.equal(agenda.size, 1);
  await clock.advance(5);
  assert.deepEqual(ran, ["first", "second"]);
});

Deno.test("Agenda goes on when an entry throws, and keeps it from nobody", async () => {
  using caught = uncaught();
  const clock = new VirtualClock();
  const agenda = new Agenda(clock);
  const ran: string[] = [];
  const bad = new Error("bad luck");
  agenda.at(1_000_010, () => {
    throw bad;
  });
  agenda.at(1_000_010, () => ran.push("the same instant"));
  agenda.at(1_000_020, () => ran.push("later"));
  await clock.advance(15);
  agenda.at(1_000_030, () => ran.push("new"));
  await clock.advance(20);
  assert.deepEqual(ran, ["the same instant", "later", "new"]);
  assert.deepEqual(caught.errors, [bad]);
});
