/** Checks from their configuration to what the engine, the log and people hear of them. */

import assert from "node:assert/strict";
import { join } from "node:path";
import type { CheckSpec, FileProbe, PolledProbe, ScriptProbe } from "../lib/core/probe_spec.ts";
import { millis, seconds } from "../lib/core/time.ts";
import { couldNotRun, failed, GOOD, type Verdict } from "../lib/track/checker.ts";
import { probings } from "../lib/track/probing.ts";
import { GRACE_MS } from "../lib/track/schedule.ts";
import type { TrackedState } from "../lib/track/status.ts";
import type { TrackedFile } from "../lib/track/track_file.ts";
import { type Memory, Tracking } from "../lib/track/tracking.ts";
import { until } from "./lab/until.ts";
import { VirtualClock } from "./track_clock.ts";
import { fakeHost } from "./track_host.ts";

const file = (path: string): FileProbe => ({
  kind: "file",
  path,
  mustExist: true,
  maxAgeUs: null,
  content: null,
});

const SCRIPT: ScriptProbe = { kind: "script", words: ["/bin/chk"], user: null };

function spec(
  tracker: string,
  rest: Partial<CheckSpec<PolledProbe>> = {},
): CheckSpec<PolledProbe> {
  return {
    tracker,
    probe: file(`/${tracker}`),
    intervalUs: seconds(1),
    timeoutUs: millis(400),
    rise: 1,
    fall: 1,
    initial: "wait",
    ...rest,
  };
}

/** A Tracking in virtual time; `answer` decides what its probes see. */
class Stage implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly reports: [string, TrackedState][] = [];
  readonly log: string[] = [];
  readonly tracking: Tracking;
  looks = 0;
  #seconds = 0;
  answer: (probe: PolledProbe, signal: AbortSignal) => Verdict | Promise<Verdict> = () => GOOD;

  constructor(
    checks: readonly CheckSpec<PolledProbe>[],
    rest: {
      readonly files?: readonly TrackedFile[];
      readonly memory?: Memory;
      readonly prepare?: (probe: PolledProbe) => Promise<void>;
    } = {},
  ) {
    this.tracking = new Tracking({
      checks,
      files: [],
      host: fakeHost(),
      report: (tracker, state) => this.reports.push([tracker, state]),
      log: ({ level, text }) => this.log.push(`${level}: ${text}`),
      clock: this.clock,
      look: async (probe, { signal }) => {
        this.looks++;
        return await this.answer(probe, signal);
      },
      ...rest,
    });
  }

  /** Lets each of these be what one second's runs see. */
  async see(...answers: readonly (Verdict | "nothing")[]): Promise<void> {
    for (const answer of answers) {
      this.answer = (_probe, signal) =>
        answer !== "nothing" ? answer : new Promise((resolve) => {
          signal.addEventListener("abort", () => resolve(failed("aborted")), { once: true });
        });
      // Runs are due at whole seconds: the second ends just before the next.
      await this.clock.advance(this.#seconds++ === 0 ? 999 : 1000);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tracking.stop();
  }
}

function begun(...given: ConstructorParameters<typeof Stage>): Stage {
  const stage = new Stage(...given);
  stage.tracking.start();
  return stage;
}

Deno.test("Tracking reports a check when it turns, and not for every result", async () => {
  await using stage = begun([spec("check web", { rise: 2, fall: 2 })]);
  await stage.see(GOOD, GOOD, failed("HTTP 503"), GOOD);
  assert.deepEqual(stage.reports, [["check web", { kind: "good" }]]);
  await stage.see(failed("HTTP 503"), failed("HTTP 503"), failed("HTTP 503"), GOOD);
  assert.deepEqual(stage.reports.slice(1), [["check web", { kind: "bad", why: "HTTP 503" }]]);
  await stage.see(GOOD);
  assert.deepEqual(stage.reports.slice(2), [["check web", { kind: "good" }]]);
});

Deno.test("Tracking reports a bad check again when it is bad for another reason", async () => {
  await using stage = begun([spec("check web")]);
  await stage.see(failed("connection refused"), failed("connection refused"), failed("HTTP 503"));
  assert.deepEqual(stage.reports.map(([, state]) => state), [
    { kind: "bad", why: "connection refused" },
    { kind: "bad", why: "HTTP 503" },
  ]);
});

Deno.test("Tracking reports at the start what is configured, and nothing of what is pending", async () => {
  const checks = [
    spec("check a"),
    spec("check b", { initial: "up" }),
    spec("check c", { initial: "down" }),
  ];
  await using stage = begun(checks);
  assert.deepEqual(stage.reports, [
    ["check b", { kind: "good" }],
    ["check c", { kind: "bad", why: "no result yet" }],
  ]);
  await stage.see(GOOD);
  assert.deepEqual(stage.reports.slice(2).map(([tracker]) => tracker), ["check a", "check c"]);
});

Deno.test("probings() makes one of checks that look at the same thing in the same rhythm", () => {
  const probe = file("/f");
  const found = probings([
    spec("check a", { probe }),
    spec("check b", { probe: { ...probe }, rise: 3, fall: 3, initial: "up" }),
    spec("check c", { probe, intervalUs: seconds(2) }),
    spec("check d", { probe, timeoutUs: millis(300) }),
    spec("check e", { probe: file("/g") }),
  ]);
  assert.deepEqual(found.map(({ checks }) => checks.map(({ tracker }) => tracker)), [
    ["check a", "check b"],
    ["check c"],
    ["check d"],
    ["check e"],
  ]);
});

Deno.test("Tracking looks once for two checks that ask the same, and each counts for itself", async () => {
  const probe = file("/f");
  await using stage = begun([
    spec("check a", { probe, fall: 1 }),
    spec("check b", { probe, fall: 3 }),
  ]);
  await stage.see(GOOD, failed("gone"), failed("gone"));
  assert.equal(stage.looks, 3);
  assert.deepEqual(stage.reports.slice(2), [["check a", { kind: "bad", why: "gone" }]]);
  assert.deepEqual(stage.tracking.status().map(({ state, runs }) => [state, runs]), [
    ["bad", 3],
    ["good", 3],
  ]);
});

Deno.test("Tracking.status() has state, since, error, warning, latency and counts as plain JSON", async () => {
  await using stage = begun([spec("check web"), spec("check new", { intervalUs: seconds(3600) })]);
  await stage.see({ good: true, warning: "certificate expires in 5 days" });
  const [warned] = stage.tracking.status();
  assert.equal(warned!.warning, "certificate expires in 5 days");
  await stage.see(couldNotRun("no such file or directory"));
  const status = stage.tracking.status();
  assert.deepEqual(status[0], {
    tracker: "check web",
    state: "bad",
    sinceMs: 1_001_000,
    lastError: "could not run: no such file or directory",
    lastErrorAtMs: 1_001_000,
    couldNotRun: true,
    warning: null,
    latencyUs: 0,
    runs: 2,
    failures: 1,
    skipped: 0,
  });
  assert.deepEqual(JSON.parse(JSON.stringify(status)), status);
});

Deno.test("Tracking counts what is skipped, and says the first of those in a row", async () => {
  const checks = [
    spec("check slow", { timeoutUs: seconds(3.5) }),
    spec("script slow", { probe: SCRIPT, timeoutUs: seconds(3.5) }),
  ];
  await using stage = begun(checks);
  await stage.see("nothing", "nothing", "nothing");
  assert.deepEqual(stage.tracking.status().map(({ skipped }) => skipped), [2, 2]);
  const said = [
    "info: VRRP_Check(slow) is still going on when the next one is due: skipping it",
    "info: Track script slow is already running, expect idle - skipping run",
  ];
  assert.deepEqual(stage.log, said);
  await stage.clock.advance(60_000);
  assert.deepEqual(stage.log.filter((line) => line.includes("skipping")), said);
});

Deno.test("Tracking prepares each probe once before the first runs, whatever comes of it", async () => {
  const ready = Promise.withResolvers<void>();
  const prepared: PolledProbe[] = [];
  const probe = file("/shared");
  const prepare = (probe: PolledProbe) => {
    prepared.push(probe);
    return prepared.length === 1 ? Promise.reject(new Error("no such pattern")) : ready.promise;
  };
  const checks = [spec("check a"), spec("check b", { probe }), spec("check c", { probe })];
  await using stage = begun(checks, { prepare });
  await stage.clock.advance(1000);
  assert.deepEqual([prepared, stage.looks], [[checks[0]!.probe, probe], 0]);
  ready.resolve();
  await stage.clock.advance(10);
  assert.equal(stage.looks, 2);
  assert.deepEqual(stage.reports.map(([, { kind }]) => kind), ["good", "good", "good"]);
});

Deno.test("Tracking begins without what does not get ready, and not at all when stopped", async () => {
  const prepare = () => new Promise<void>(() => {});
  await using stage = begun([spec("check a"), spec("check b")], { prepare });
  await stage.clock.advance(5100);
  assert.equal(stage.looks, 2);
  const stopped = begun([spec("check a")], { prepare });
  await stopped.tracking.stop();
  assert.equal(stopped.clock.timers, 0);
  await stopped.clock.advance(10_000);
  assert.equal(stopped.looks, 0);
});

Deno.test("Tracking says of a check what turned it, and early failures below", async () => {
  await using stage = begun([spec("check web", { fall: 2 })]);
  await stage.see(GOOD, GOOD, failed("HTTP 503"), failed("HTTP 503"), failed("HTTP 503"));
  await stage.see("nothing", GOOD);
  assert.deepEqual(stage.log, [
    "notice: VRRP_Check(web) succeeded",
    "info: VRRP_Check(web): HTTP 503",
    "warning: VRRP_Check(web) failed (HTTP 503)",
    "info: VRRP_Check(web): no answer in 400 ms",
    "notice: VRRP_Check(web) succeeded",
  ]);
});

Deno.test("Tracking says of a script what keepalived says", async () => {
  await using stage = begun([spec("script chk_app", { probe: SCRIPT, fall: 2 })]);
  const status1 = failed("exited with status 1");
  await stage.see(GOOD, status1, status1, status1, failed("exited with status 2"), GOOD);
  await stage.see("nothing", "nothing", couldNotRun("killed by SIGKILL"));
  assert.deepEqual(stage.log, [
    "notice: VRRP_Script(chk_app) succeeded",
    "info: Script `chk_app` now returning 1",
    "warning: VRRP_Script(chk_app) failed (exited with status 1)",
    "info: Script `chk_app` now returning 2",
    "info: Script `chk_app` now returning 0",
    "notice: VRRP_Script(chk_app) succeeded",
    "warning: VRRP_Script(chk_app) timed_out",
    "info: Script `chk_app`: killed by SIGKILL",
  ]);
});

Deno.test("Tracking says a warning once, and again when it is another", async () => {
  await using stage = begun([spec("check web")]);
  const days = (count: number): Verdict => ({ good: true, warning: `expires in ${count} days` });
  await stage.see(days(5), days(5), failed("HTTP 503"), days(5), days(4), GOOD, days(4));
  assert.deepEqual(stage.log.filter((line) => line.includes("expires")), [
    "warning: VRRP_Check(web): expires in 5 days",
    "warning: VRRP_Check(web): expires in 4 days",
    "warning: VRRP_Check(web): expires in 4 days",
  ]);
});

Deno.test("Tracking goes on with the others when one never lets go, and says it once", async () => {
  const stage = begun([spec("check stuck"), spec("check web")]);
  stage.answer = (probe) =>
    (probe as FileProbe).path === "/check stuck" ? new Promise(() => {}) : GOOD;
  await stage.clock.advance(20_000);
  const [stuck, web] = stage.tracking.status();
  assert.deepEqual([stuck!.state, stuck!.lastError], ["bad", "no answer in 400 ms"]);
  assert.deepEqual([web!.state, web!.failures], ["good", 0]);
  assert.ok(web!.runs >= 19);
  assert.deepEqual(stage.log.filter((line) => line.startsWith("error")), [
    "error: check stuck: its check does not end though its 400 ms are up; it is not made again until it does",
  ]);
  const stop = stage.tracking.stop();
  await stage.clock.advance(GRACE_MS);
  await stop;
});

Deno.test("Tracking takes over what is known of checks that stay as they are", async () => {
  const kept = spec("check kept", { fall: 3 }), changed = spec("check changed");
  const before = begun([kept, changed]);
  await before.see(failed("HTTP 503"));
  await before.tracking.stop();
  const memory = before.tracking.memory();
  await using after = begun([spec("check kept", { fall: 3 }), { ...changed, fall: 2 }], { memory });
  assert.deepEqual(after.reports, [["check kept", { kind: "bad", why: "HTTP 503" }]]);
  await after.see(failed("HTTP 503"));
  assert.equal(after.tracking.status()[0]!.runs, 2);
  assert.deepEqual(after.log, ["warning: VRRP_Check(changed) failed (HTTP 503)"]);
});

Deno.test("Tracking reports numbers in files, and is silent once stopped", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const files = [{
      tracker: "file f",
      path: join(folder, "f"),
      init: { value: 3, overwrite: true },
    }];
    const stage = begun([spec("check web")], { files });
    await until(() => stage.reports.length > 0, "the file to be read");
    assert.deepEqual(stage.reports, [["file f", { kind: "value", value: 3 }]]);
    await stage.tracking.stop();
    await stage.see(GOOD, GOOD);
    assert.equal(stage.reports.length, 1);
    assert.equal(stage.clock.timers, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Tracking with the clocks of this process runs a real check and stops", async () => {
  const { promise, resolve } = Promise.withResolvers<[string, TrackedState]>();
  const tracking = new Tracking({
    checks: [spec("check here", { probe: file("/") })],
    files: [],
    host: fakeHost(),
    report: (...report) => resolve(report),
    log: () => {},
  });
  tracking.start();
  assert.deepEqual(await promise, ["check here", { kind: "good" }]);
  await tracking.stop();
  const [status] = tracking.status();
  assert.ok(status!.latencyUs! > 0 && Math.abs(status!.sinceMs - Date.now()) < 60_000);
});
