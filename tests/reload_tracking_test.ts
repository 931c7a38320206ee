/** Checks, files and their times over a reload. */

import assert from "node:assert/strict";
import type { CheckSpec, PolledProbe } from "../lib/core/probe_spec.ts";
import { millis, seconds } from "../lib/core/time.ts";
import { failed, GOOD, type Verdict } from "../lib/track/checker.ts";
import type { TrackedState } from "../lib/track/status.ts";
import { FileTracker } from "../lib/track/track_file.ts";
import { Tracking } from "../lib/track/tracking.ts";
import { until } from "./lab/until.ts";
import { VirtualClock } from "./track_clock.ts";
import { fakeHost } from "./track_host.ts";

function spec(name: string, rest: Partial<CheckSpec<PolledProbe>> = {}): CheckSpec<PolledProbe> {
  return {
    tracker: `check ${name}`,
    probe: { kind: "file", path: `/${name}`, mustExist: true, maxAgeUs: null, content: null },
    intervalUs: seconds(1),
    timeoutUs: millis(400),
    rise: 1,
    fall: 1,
    initial: "wait",
    ...rest,
  };
}

/** Checks in virtual time, and when each path was looked at. */
function staged(...checks: CheckSpec<PolledProbe>[]) {
  const clock = new VirtualClock(), reports: string[] = [];
  const looks: { path: string; atMs: number; signal: AbortSignal }[] = [];
  const sight = { answer: (): Verdict | Promise<Verdict> => GOOD };
  const tracking = new Tracking({
    checks,
    files: [],
    host: fakeHost(),
    report: (tracker: string, state: TrackedState) => reports.push(`${tracker} ${state.kind}`),
    log: () => {},
    clock,
    look: async (probe, { signal }) => {
      looks.push({ path: (probe as { path: string }).path, atMs: clock.monotonicMs(), signal });
      return await sight.answer();
    },
  });
  tracking.start();
  const of = (path: string) => looks.filter((look) => look.path === path).map(({ atMs }) => atMs);
  return { clock, reports, looks, sight, of, tracking };
}

Deno.test("Tracking goes on with a check that is the same: its result, its phase, its runs", async () => {
  const stage = staged(spec("a"), spec("b"));
  await stage.clock.advance(3500);
  const phase = stage.of("/a").at(-1)! % 1000;
  stage.reports.length = 0;
  for (let round = 0; round < 20; round++) {
    stage.tracking.reconfigure(round % 2 === 0 ? [spec("a"), spec("c")] : [spec("a")], []);
    await stage.clock.advance(300);
  }
  await stage.clock.advance(1000);
  const looks = stage.of("/a");
  assert.ok(looks.slice(1).every((at) => at % 1000 === phase), `${looks}`);
  assert.equal(looks.length, 11, "one each second, none doubled and none left out");
  assert.deepEqual(stage.reports.filter((line) => line.startsWith("check a")), []);
  await stage.tracking.stop();
});

Deno.test("Tracking ends what is not wanted any more, and starts what is new with nothing known", async () => {
  const stage = staged(spec("a"), spec("b"));
  await stage.clock.advance(2500);
  stage.tracking.reconfigure([spec("b"), spec("c")], []);
  const ended = stage.of("/a").length;
  await stage.clock.advance(3000);
  assert.equal(stage.of("/a").length, ended);
  assert.ok(stage.of("/c").length >= 3);
  assert.deepEqual(stage.reports, ["check a good", "check b good", "check c good"]);
  assert.deepEqual(stage.tracking.status().map(({ tracker }) => tracker), ["check b", "check c"]);
  await stage.tracking.stop();
  assert.equal(stage.clock.timers, 0);
});

Deno.test("Tracking starts a changed check anew, and aborts what ran for the old one", async () => {
  const stage = staged(spec("a"));
  await stage.clock.advance(500);
  stage.sight.answer = () => new Promise<Verdict>(() => {});
  await stage.clock.advance(700);
  const running = stage.looks.at(-1)!;
  stage.sight.answer = () => failed("HTTP 503");
  stage.tracking.reconfigure([spec("a", { intervalUs: seconds(2) })], []);
  assert.ok(running.signal.aborted);
  await stage.clock.advance(1000);
  assert.deepEqual(stage.reports, ["check a good", "check a bad"]);
  await stage.clock.advance(20_000);
  assert.ok(stage.of("/a").length < 15, "in its new rhythm");
});

Deno.test("Tracking shares a probe with a check that comes later, and keeps it for the last", async () => {
  const probe = spec("a").probe, stage = staged(spec("a"));
  await stage.clock.advance(2500);
  stage.tracking.reconfigure([spec("a"), spec("twin", { probe, fall: 3 })], []);
  await stage.clock.advance(1000);
  assert.equal(stage.looks.length, 4, "still one look a second");
  stage.tracking.reconfigure([spec("twin", { probe, fall: 3 })], []);
  await stage.clock.advance(1000);
  assert.equal(stage.looks.length, 5);
  assert.deepEqual(stage.reports, ["check a good", "check twin good"]);
  await stage.tracking.stop();
});

Deno.test("Tracking forgets a check that was taken out again before it could begin", async () => {
  const stage = staged(spec("a"));
  await stage.clock.advance(500);
  stage.tracking.reconfigure([spec("a"), spec("b")], []);
  stage.tracking.reconfigure([spec("a")], []);
  await stage.clock.advance(3000);
  assert.deepEqual(stage.of("/b"), []);
  await stage.tracking.stop();
});

Deno.test("FileTracker tells of other files, and of the same ones nothing again", async () => {
  const clock = new VirtualClock(), reports: string[] = [];
  const folder = Deno.makeTempDirSync({ prefix: "vigie-reload-" });
  const path = (name: string) => `${folder}/${name}`;
  for (const [name, text] of [["a", "3"], ["b", "4"]] as const) {
    Deno.writeTextFileSync(path(name), text);
  }
  const files = (...names: string[]) =>
    names.map((name) => ({ tracker: `file ${name}`, path: path(name), init: null }));
  const tracker = new FileTracker({
    files: files("a"),
    report: (tracker, state) =>
      reports.push(`${tracker} ${state.kind === "value" ? state.value : state.kind}`),
    log: () => {},
    clock,
  });
  tracker.start();
  await until(() => reports.length === 1, "the first");
  tracker.reconfigure(files("a", "b"));
  await until(() => reports.length === 2, "the second");
  assert.deepEqual(reports, ["file a 3", "file b 4"]);
  tracker.reconfigure(files("b"));
  assert.equal(clock.timers, 1, "one poll, however often it is told");
  Deno.writeTextFileSync(path("a"), "99");
  Deno.writeTextFileSync(path("b"), "55");
  for (let poll = 0; poll < 5; poll++) {
    await clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until(() => reports.length === 3, "the change");
  assert.equal(reports.at(-1), "file b 55");
  tracker.stop();
  Deno.removeSync(folder, { recursive: true });
});
