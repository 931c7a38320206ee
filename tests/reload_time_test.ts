/** `reload_time_file`: which time a text means, and what happens when it comes. */

import assert from "node:assert/strict";
import { nextReload, type ReloadTime, reloadTimeText } from "../lib/daemon/reload_time.ts";
import { ReloadTimer } from "../lib/daemon/reload_timer.ts";
import type { Clock } from "../lib/track/clock.ts";
import { VirtualClock } from "./track_clock.ts";

const NOW = new Date("2026-11-20T21:00:00Z");

function timeOf(text: string, now = NOW): ReloadTime {
  const answer = nextReload(text, now);
  if (!answer.ok) throw new Error(answer.error);
  return answer.value;
}

function why(text: string): string {
  const answer = nextReload(text, NOW);
  return answer.ok ? reloadTimeText(answer.value) : answer.error;
}

Deno.test("nextReload() reads each form of keepalived.conf(5), in UTC", () => {
  for (
    const [text, at, isDated] of [
      ["21:00:01Z", "2026-11-20T21:00:01Z", false],
      ["21:00:00Z", "2026-11-21T21:00:00Z", false],
      ["00:00:00Z\n", "2026-11-21T00:00:00Z", false],
      ["26-11-20 21:00:01Z", "2026-11-20T21:00:01Z", true],
      ["2027-01-31 23:59:59Z\nmore", "2027-01-31T23:59:59Z", true],
      ["28-02-29 00:00:00Z", "2028-02-29T00:00:00Z", true],
    ] as const
  ) {
    const time = timeOf(text);
    assert.deepEqual([time.at, time.isDated, time.isUtc], [new Date(at), isDated, true], text);
  }
  assert.equal(reloadTimeText(timeOf("21:00:01Z")), "2026-11-20 21:00:01Z");
});

Deno.test("nextReload() takes a time without Z for a local one", () => {
  const now = new Date(2026, 10, 20, 21, 0, 0);
  assert.deepEqual(timeOf("21:00:01", now).at, new Date(2026, 10, 20, 21, 0, 1));
  assert.deepEqual(timeOf("21:00:00", now).at, new Date(2026, 10, 21, 21, 0, 0));
  assert.deepEqual(timeOf("2027-03-04 05:06:07", now).at, new Date(2027, 2, 4, 5, 6, 7));
  assert.equal(reloadTimeText(timeOf("27-03-04 05:06:07", now)), "2027-03-04 05:06:07");
  assert.equal(timeOf("21:00:01", now).isUtc, false);
});

Deno.test("nextReload() keeps the hour of a local time where the clocks are changed", async () => {
  const module = new URL("../lib/daemon/reload_time.ts", import.meta.url).href;
  const code = `import { nextReload } from "${module}";
    for (const [text, now] of [["12:00:00", "2026-03-28T11:00:00Z"], ["12:00:00", "2026-10-24T10:00:00Z"],
      ["02:30:00", "2026-03-28T12:00:00Z"], ["02:30:00", "2026-10-24T12:00:00Z"]]) {
      console.log(nextReload(text, new Date(now)).value.at.toISOString());
    }`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", code],
    env: { TZ: "Europe/Berlin" },
  }).output();
  assert.deepEqual(new TextDecoder().decode(stdout).trim().split("\n"), [
    // 23 and 25 hours later.
    "2026-03-29T10:00:00.000Z",
    "2026-10-25T11:00:00.000Z",
    // Half past two does not exist: half past three. Then it comes twice: the first.
    "2026-03-29T01:30:00.000Z",
    "2026-10-25T00:30:00.000Z",
  ]);
});

Deno.test("nextReload() says what is wrong with anything else", () => {
  for (
    const text of [
      "",
      " 12:00:00",
      "12:00:00 ",
      "12:00:00\r\n",
      "1:00:00",
      "12:00",
      "12:00:00z",
      "12:00:00 Z",
      "126-01-01 12:00:00",
      "2027-1-01 12:00:00",
      "2027-01-01  12:00:00",
      "2027-01-01T12:00:00Z",
      "\n12:00:00",
    ]
  ) assert.match(why(text), /is no time: it must be HH:MM:SS/, JSON.stringify(text));
  for (const text of ["24:00:00", "23:60:00", "23:59:60"]) {
    assert.match(why(text), /no time of a day/, text);
  }
  for (const text of ["27-02-29 00:00:00", "27-13-01 00:00:00", "27-00-10 00:00:00"]) {
    assert.match(why(text), /no day of the calendar/, text);
  }
  assert.match(why("2026-11-20 21:00:00Z"), /is over/);
  assert.ok(why("x".repeat(10_000)).length < 200, "a message has an end");
});

/** A file that is nowhere, and a daemon that only reloads. */
function staged(repeat = false) {
  const clock = new VirtualClock();
  let leapMs = 0, writes = 0;
  const time: Clock = {
    monotonicMs: () => clock.monotonicMs(),
    wallMs: () => clock.wallMs() + leapMs,
    after: (ms, run) => clock.after(ms, run),
  };
  const log: string[] = [], at: string[] = [];
  const stage = {
    clock,
    log,
    /** When it reloaded. */
    at,
    settings: { timeFile: "/no/such/time", repeat },
    file: null as { text: string; mtime: Date; isFile: boolean; ino: number } | null,
    /** Thrown at whoever reads, or removes. */
    refusal: null as Error | null,
    reads: 0,
    write(text: string, isFile = true) {
      stage.file = { text, mtime: new Date(time.wallMs()), isFile, ino: ++writes };
    },
    setClock: (ms: number) => leapMs += ms,
    timer: undefined as unknown as ReloadTimer,
    said: (pattern: RegExp) => log.filter((line) => pattern.test(line)).length,
  };
  stage.timer = new ReloadTimer({
    log: ({ level, text }) => log.push(`${level}: ${text}`),
    reload: () => void at.push(new Date(time.wallMs()).toISOString().slice(11, 21)),
    clock: time,
    disk: {
      stat: () => {
        const { file } = stage;
        return Promise.resolve(
          file && { ...file, dev: 1, size: file.text.length } as unknown as Deno.FileInfo,
        );
      },
      lstat: () => Promise.resolve(null),
      head: () => {
        stage.reads++;
        return stage.refusal ? Promise.reject(stage.refusal) : Promise.resolve(stage.file!.text);
      },
      write: () => Promise.resolve(),
      remove: () => {
        if (stage.refusal) return Promise.reject(stage.refusal);
        stage.file = null;
        return Promise.resolve();
      },
    },
  });
  return stage;
}

const MINUTE_MS = 60_000, DAY_MS = 1440 * MINUTE_MS;

// The clock begins at 1970-01-01 00:16:40 UTC.

Deno.test("ReloadTimer reloads when the time comes, once, and removes the file", async () => {
  const stage = staged();
  // Looks come at other instants than full seconds.
  await stage.clock.advance(300);
  stage.timer.configure(stage.settings);
  await stage.clock.advance(5000);
  stage.write("00:20:00Z\n");
  await stage.clock.advance(MINUTE_MS);
  assert.deepEqual(stage.at, []);
  assert.equal(stage.reads, 1, "it is read when it has changed only");
  await stage.clock.advance(10 * MINUTE_MS);
  assert.deepEqual(stage.at, ["00:20:00.0"]);
  assert.equal(stage.file, null);
  assert.equal(
    stage.said(/info: reload_time_file \/no\/such\/time: reload at 1970-01-01 00:20:00Z/),
    1,
  );
  await stage.clock.advance(2 * DAY_MS);
  assert.equal(stage.at.length, 1);
  assert.equal(stage.log.length, 2, stage.log.join("\n"));
  stage.timer.stop();
  assert.equal(stage.clock.timers, 0);
});

Deno.test("ReloadTimer reloads every day with reload_repeat, but a date is used up", async () => {
  const stage = staged(true);
  stage.write("00:20:00Z");
  stage.timer.configure(stage.settings);
  await stage.clock.advance(2 * DAY_MS + 10 * MINUTE_MS);
  assert.equal(stage.at.length, 3);
  assert.equal(stage.reads, 1);
  stage.write("1970-01-05 00:00:00Z");
  await stage.clock.advance(3 * DAY_MS);
  assert.equal(stage.at.length, 4);
  assert.equal(stage.file, null);
});

Deno.test("ReloadTimer follows a file that changes, and one that goes away", async () => {
  const stage = staged();
  stage.write("00:20:00Z");
  stage.timer.configure(stage.settings);
  await stage.clock.advance(MINUTE_MS);
  stage.write("00:30:00Z");
  await stage.clock.advance(5 * MINUTE_MS);
  assert.deepEqual(stage.at, []);
  stage.file = null;
  await stage.clock.advance(20 * MINUTE_MS);
  assert.deepEqual(stage.at, []);
  assert.equal(stage.said(/no reload at 1970-01-01 00:30:00Z/), 1);
});

Deno.test("ReloadTimer says once what is wrong, and not of a file that is half written", async () => {
  const stage = staged();
  stage.timer.configure(stage.settings);
  stage.write("00:2");
  await stage.clock.advance(1000);
  stage.write("00:20:00Z");
  await stage.clock.advance(1000);
  assert.equal(stage.said(/warning/), 0);
  stage.write("2001-99-99 00:20:00Z");
  await stage.clock.advance(MINUTE_MS);
  assert.equal(stage.said(/warning: .* no reload: .* no day of the calendar/), 1);
  assert.equal(stage.said(/no reload at 1970-01-01 00:20:00Z/), 1, "the time before is off");
  stage.write("a FIFO", false);
  const { reads } = stage;
  await stage.clock.advance(MINUTE_MS);
  assert.equal(stage.said(/it is not a regular file/), 1);
  assert.equal(stage.reads, reads, "it is not opened");
  stage.refusal = Object.assign(new Error("x"), { code: "EACCES" });
  stage.write("00:30:00Z");
  await stage.clock.advance(MINUTE_MS);
  assert.equal(stage.said(/permission denied/), 1);
  assert.equal(stage.said(/warning/), 3);
  assert.deepEqual(stage.at, []);
});

Deno.test("ReloadTimer is not repeated by a file that cannot be removed", async () => {
  const stage = staged();
  stage.write("00:20:00Z");
  stage.timer.configure(stage.settings);
  await stage.clock.advance(1000);
  stage.refusal = Object.assign(new Error("x"), { code: "EPERM" });
  await stage.clock.advance(3 * DAY_MS);
  assert.equal(stage.at.length, 1);
  assert.equal(stage.said(/cannot be removed, and is not looked at again: not permitted/), 1);
  stage.refusal = null;
  stage.write("00:20:00Z");
  await stage.clock.advance(DAY_MS);
  assert.equal(stage.at.length, 2, "a new one counts");
});

Deno.test("ReloadTimer misses no time that comes between the writing and the look", async () => {
  const stage = staged();
  stage.timer.configure(stage.settings);
  await stage.clock.advance(500);
  stage.write("00:16:41Z");
  await stage.clock.advance(3000);
  assert.equal(stage.at.length, 1);
});

Deno.test("ReloadTimer goes by the clock on the wall, however that is set", async () => {
  const stage = staged(true);
  stage.write("01:00:00Z");
  stage.timer.configure(stage.settings);
  await stage.clock.advance(MINUTE_MS);
  stage.setClock(30 * MINUTE_MS);
  await stage.clock.advance(13 * MINUTE_MS);
  assert.deepEqual(stage.at, ["01:00:00.0"], "the clock was put on");
  stage.setClock(-5 * MINUTE_MS);
  await stage.clock.advance(10 * MINUTE_MS);
  assert.equal(stage.at.length, 1, "it went back a little: the time comes no second time");
  stage.setClock(-30 * MINUTE_MS);
  await stage.clock.advance(40 * MINUTE_MS);
  assert.equal(stage.at.length, 2, "it was another day's, or wrong before");
  stage.setClock(50 * 365 * DAY_MS + 60 * MINUTE_MS);
  await stage.clock.advance(MINUTE_MS);
  assert.equal(stage.at.length, 2, "set for the first time after a boot: nothing has come");
});

Deno.test("ReloadTimer drops a date that the clock was set beyond, and comes late if held up", async () => {
  const stage = staged();
  stage.write("1970-01-01 01:00:00Z");
  stage.timer.configure(stage.settings);
  await stage.clock.advance(1000);
  stage.setClock(300 * MINUTE_MS);
  await stage.clock.advance(MINUTE_MS);
  assert.deepEqual(stage.at, []);
  assert.equal(stage.said(/warning: .*is over/), 1);
  stage.setClock(-300 * MINUTE_MS);
  await stage.clock.advance(MINUTE_MS);
  assert.equal(stage.said(/: reload at 1970-01-01 01:00:00Z/), 2);
  await stage.clock.advance(40 * MINUTE_MS);
  await stage.clock.suspend(5 * MINUTE_MS);
  await stage.clock.advance(2000);
  assert.equal(stage.at.length, 1);
});

Deno.test("ReloadTimer goes on over a change of its settings", async () => {
  const stage = staged();
  stage.write("00:20:00Z");
  stage.timer.configure(stage.settings);
  await stage.clock.advance(MINUTE_MS);
  stage.timer.configure({ ...stage.settings, repeat: true });
  await stage.clock.advance(MINUTE_MS);
  assert.equal(stage.reads, 1);
  await stage.clock.advance(DAY_MS + 5 * MINUTE_MS);
  assert.equal(stage.at.length, 2, "it is daily now");
  stage.timer.configure({ timeFile: null, repeat: true });
  assert.equal(stage.clock.timers, 0);
  await stage.clock.advance(DAY_MS);
  assert.equal(stage.at.length, 2);
});
