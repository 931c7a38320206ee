/** Tracking in virtual time, over a /proc of our own making. */

import assert from "node:assert/strict";
import { seconds } from "../lib/core/time.ts";
import { object, World } from "./process_world.ts";

const NETNS = "the kernel tells of processes only in the initial network namespace";

Deno.test("ProcessTracker reports at start, good and bad, and listens before it looks", async () => {
  using world = new World(object(), object({ words: ["named"] }), object({}, { quorum: 2 }));
  world.proc.put(10, { comm: "nginx" });
  world.proc.put(11, { comm: "nginx-other" });
  world.tracker.start();
  await world.tracker.settled();
  assert.deepEqual(world.take(), ["good", "0 of 1 processes named", "1 of 2 processes nginx"]);
  assert.deepEqual(world.takeAsked(), ["births", "watch 10"]);
});

Deno.test("ProcessTracker reports a death at once, and watches what takes its place", async () => {
  using world = new World(object());
  world.proc.put(10, { comm: "nginx" });
  await world.start(null);
  world.take();
  world.proc.remove(10);
  world.tracker.ended([10]);
  assert.deepEqual(world.take(), ["0 of 1 processes nginx"]);
  world.proc.put(12, { comm: "nginx" });
  world.tracker.begun([12]);
  await world.pass(0.05);
  assert.deepEqual(world.take(), ["good"]);
  assert.ok(world.takeAsked().includes("watch 12"));
  assert.deepEqual(world.logs.map(({ text }) => text), [
    "Quorum lost for tracked process web: 0 of 1 processes nginx",
    "Quorum gained for tracked process web",
  ]);
});

Deno.test("ProcessTracker ignores deaths that it has not asked for", async () => {
  using world = new World(object());
  world.proc.put(10, { comm: "nginx" });
  await world.start(null);
  world.take();
  world.tracker.ended([11, 12]);
  assert.deepEqual(world.take(), []);
});

Deno.test("ProcessTracker counts neither zombies nor the dead", async () => {
  using world = new World(object({}, { quorum: 2 }));
  world.proc.put(10, { comm: "nginx" });
  world.proc.put(11, { comm: "nginx", state: "Z" });
  world.proc.put(12, { comm: "nginx", state: "X" });
  await world.start(NETNS);
  assert.deepEqual(world.take(), ["1 of 2 processes nginx"]);
  world.proc.put(10, { comm: "nginx", state: "Z" });
  await world.pass(1.1);
  assert.deepEqual(world.take(), ["0 of 2 processes nginx"]);
});

Deno.test("ProcessTracker scans every second where births are refused, and says so once", async () => {
  using world = new World(object());
  await world.start(NETNS);
  world.tracker.births({ refused: NETNS, lost: false });
  assert.deepEqual(world.take(), ["0 of 1 processes nginx"]);
  world.proc.put(10, { comm: "nginx" });
  await world.pass(1.1);
  assert.deepEqual(world.take(), ["good"]);
  world.proc.put(10, { comm: "other" });
  await world.pass(1.1);
  assert.deepEqual(world.take(), ["0 of 1 processes nginx"]);
  const said = world.logs.filter(({ text }) => text.includes("every second"));
  assert.deepEqual(said, [
    { level: "info", text: `Processes are looked for every second: ${NETNS}` },
  ]);
});

Deno.test("ProcessTracker notices by a scan what nobody told: an end, and another program", async () => {
  using world = new World(object({}, { quorum: 10 }));
  for (let pid = 10; pid < 20; pid++) world.proc.put(pid, { comm: "nginx" });
  await world.start(NETNS);
  await world.pass(10); // none of them is young any more
  assert.deepEqual(world.take(), ["good"]);
  world.proc.remove(15);
  await world.pass(1.1);
  assert.deepEqual(world.take(), ["9 of 10 processes nginx"]);
  for (const pid of [11, 12, 13]) world.proc.put(pid, { comm: "sh" });
  await world.pass(1.1);
  assert.deepEqual(world.take(), ["6 of 10 processes nginx"]);
});

Deno.test("ProcessTracker finds one that takes the name late in its life, within ten scans", async () => {
  using world = new World(object());
  for (const pid of [20, 21, 22]) world.proc.put(pid, { comm: "sh" });
  await world.start(NETNS);
  await world.pass(10);
  world.take();
  world.proc.put(21, { comm: "nginx" });
  await world.pass(10.5);
  assert.deepEqual(world.take(), ["good"]);
});

Deno.test("ProcessTracker scans every 30 s where the kernel tells of births", async () => {
  using world = new World(object());
  await world.start(null);
  await world.pass(0.5);
  world.take();
  world.proc.put(10, { comm: "nginx" });
  await world.pass(25);
  assert.deepEqual(world.take(), []);
  await world.pass(6);
  assert.deepEqual(world.take(), ["good"]);
});

Deno.test("ProcessTracker scans soon when births were lost, but not without pause", async () => {
  using world = new World(object());
  await world.start(null);
  await world.pass(1);
  world.proc.put(10, { comm: "nginx" });
  for (let storm = 0; storm < 20; storm++) {
    world.tracker.births({ refused: null, lost: true });
    await world.pass(0.005);
  }
  assert.deepEqual(world.take(), ["0 of 1 processes nginx", "good"]);
});

Deno.test("ProcessTracker looks at everything when too many begin at once", async () => {
  using world = new World(object());
  await world.start(null);
  await world.pass(1);
  world.take();
  world.proc.put(10, { comm: "nginx" });
  world.tracker.begun(Array.from({ length: 1000 }, (_, at) => 5000 + at));
  await world.pass(0.3);
  assert.deepEqual(world.take(), ["good"]);
});

Deno.test("ProcessTracker counts a process that forks and takes another program once, or not", async () => {
  using world = new World(object({}, { quorum: 1, quorumMax: 1 }));
  world.proc.put(10, { comm: "nginx" });
  await world.start(null);
  await world.pass(0.5);
  world.take();
  // A child of nginx that becomes logrotate before it is looked at.
  world.proc.put(11, { comm: "nginx" });
  world.tracker.begun([11]);
  await world.pass(0.005);
  world.proc.put(11, { comm: "logrotate" });
  world.tracker.begun([11]);
  await world.pass(0.05);
  assert.deepEqual(world.take(), []);
  // A child that stays counts, however often it is told.
  world.proc.put(12, { comm: "nginx" });
  world.tracker.begun([12, 12]);
  await world.pass(0.05);
  world.tracker.begun([12]);
  await world.pass(0.05);
  assert.deepEqual(world.take(), ["2 processes nginx, at most 1 may"]);
  assert.equal(world.tracker.status()[0]?.count, 2);
});

Deno.test("ProcessTracker lets go of a process that runs another program", async () => {
  using world = new World(object());
  world.proc.put(10, { comm: "nginx" });
  await world.start(null);
  world.take();
  world.takeAsked();
  world.proc.put(10, { comm: "sh" });
  world.tracker.begun([10]);
  await world.pass(0.05);
  assert.deepEqual(world.take(), ["0 of 1 processes nginx"]);
  assert.deepEqual(world.takeAsked(), ["unwatch 10"]);
});

Deno.test("ProcessTracker watches anew a number that another process has by now", async () => {
  using world = new World(object());
  world.proc.put(10, { comm: "nginx", startTicks: 100 });
  await world.start(NETNS);
  world.takeAsked();
  world.proc.put(10, { comm: "nginx", startTicks: 200 });
  await world.pass(1.1);
  assert.deepEqual(world.takeAsked(), ["unwatch 10", "watch 10"]);
  assert.deepEqual(world.take(), ["good"]);
});

Deno.test("ProcessTracker takes back the end of a number that another process has by now", async () => {
  using world = new World(object());
  world.proc.put(10, { comm: "nginx", startTicks: 100 });
  await world.start(null);
  world.take();
  world.proc.put(10, { comm: "nginx", startTicks: 200 });
  world.tracker.ended([10]);
  await world.pass(0.05);
  assert.deepEqual(world.take(), ["0 of 1 processes nginx", "good"]);
});

Deno.test("ProcessTracker finds the daemon that a process has become by forking and ending", async () => {
  using world = new World(object());
  world.proc.put(10, { comm: "nginx" });
  await world.start(NETNS);
  await world.pass(0.5);
  world.take();
  world.proc.remove(10);
  world.proc.put(11, { comm: "nginx" });
  world.tracker.ended([10]);
  await world.pass(0.1);
  assert.deepEqual(world.take(), ["0 of 1 processes nginx", "good"]);
});

Deno.test("ProcessTracker lets a loss wait for terminate_delay, and forgets one that passes", async () => {
  using world = new World(object({}, { terminateDelayUs: seconds(2) }));
  world.proc.put(10, { comm: "nginx" });
  await world.start(null);
  world.take();
  world.proc.remove(10);
  world.tracker.ended([10]);
  await world.pass(1);
  world.proc.put(11, { comm: "nginx" });
  world.tracker.begun([11]);
  await world.pass(0.5);
  world.proc.remove(11);
  world.tracker.ended([11]);
  await world.pass(1.9); // the delay of the first loss would be over
  assert.deepEqual(world.take(), []);
  await world.pass(0.2);
  assert.deepEqual(world.take(), ["0 of 1 processes nginx"]);
});

Deno.test("ProcessTracker lets a gain wait for fork_delay, and one too many as well", async () => {
  using world = new World(object({}, { quorumMax: 1, forkDelayUs: seconds(1) }));
  await world.start(null);
  assert.deepEqual(world.take(), ["0 of 1 processes nginx"]); // the first result does not wait
  world.proc.put(10, { comm: "nginx" });
  world.tracker.begun([10]);
  await world.pass(0.9);
  assert.deepEqual(world.take(), []);
  await world.pass(0.2);
  assert.deepEqual(world.take(), ["good"]);
  world.proc.put(11, { comm: "nginx" });
  world.tracker.begun([11]);
  await world.pass(0.9);
  assert.deepEqual(world.take(), []);
  await world.pass(0.2);
  assert.deepEqual(world.take(), ["2 processes nginx, at most 1 may"]);
  world.proc.remove(11);
  world.tracker.ended([11]);
  assert.deepEqual(world.take(), ["good"]); // terminate_delay is 0
});

Deno.test("ProcessTracker wants none with quorum_max 0", async () => {
  using world = new World(object({}, { quorum: 0, quorumMax: 0 }));
  await world.start(null);
  assert.deepEqual(world.take(), ["good"]);
  world.proc.put(10, { comm: "nginx" });
  world.tracker.begun([10]);
  await world.pass(0.05);
  assert.deepEqual(world.take(), ["1 process nginx, which must not run"]);
});

Deno.test("ProcessTracker compares arguments, and notices that they change", async () => {
  using world = new World(object({ words: ["/usr/sbin/named", "-u"], by: "partial" }));
  world.proc.put(10, { comm: "named", argv: ["/usr/sbin/named", "-u", "bind"] });
  world.proc.put(11, { comm: "named", argv: ["/usr/sbin/named"] });
  await world.start(null);
  assert.deepEqual(world.take(), ["good"]);
  assert.deepEqual(world.tracker.status()[0]?.pids, [10]);
  world.proc.put(10, { comm: "named", argv: ["a title"] });
  world.tracker.begun([10]);
  await world.pass(0.05);
  assert.deepEqual(world.take(), ["0 of 1 processes /usr/sbin/named -u"]);
});

Deno.test("ProcessTracker asks for many processes in commands that fit a datagram", async () => {
  using world = new World(object({}, { quorum: 150 }));
  for (let pid = 1; pid <= 150; pid++) world.proc.put(pid, { comm: "nginx" });
  await world.start(null);
  assert.deepEqual(world.take(), ["good"]);
  const watched = world.asked.filter((words) => words.startsWith("watch")).flatMap((words) =>
    words.split(" ").slice(1).map(Number)
  );
  assert.deepEqual(watched.sort((a, b) => a - b), Array.from({ length: 150 }, (_, at) => at + 1));
  assert.equal(world.tracker.status()[0]?.pids.length, 16);
  world.tracker.stop();
  assert.ok(world.asked.every((words) => words.split(" ").length <= 65));
});

Deno.test("ProcessTracker shows what it knows", async () => {
  using world = new World(object({}, { quorum: 2, quorumMax: 5 }));
  assert.equal(world.tracker.status()[0]?.state, "pending");
  world.proc.put(10, { comm: "nginx" });
  const startedMs = world.clock.wallMs();
  await world.start(null);
  await world.pass(3);
  assert.deepEqual(world.tracker.status(), [{
    tracker: "process web",
    count: 1,
    quorum: 2,
    quorumMax: 5,
    pids: [10],
    state: "bad",
    why: "1 of 2 processes nginx",
    sinceMs: startedMs,
  }]);
});

Deno.test("ProcessTracker says once that /proc cannot be read, and goes on when it can", async () => {
  using world = new World(object());
  const aside = `${world.proc.root}-aside`;
  Deno.renameSync(world.proc.root, aside);
  await world.start(NETNS);
  await world.pass(3);
  assert.deepEqual(world.take(), []);
  assert.equal(world.logs.filter(({ level }) => level === "warning").length, 1);
  Deno.renameSync(aside, world.proc.root);
  await world.pass(1.1);
  assert.deepEqual(world.take(), ["0 of 1 processes nginx"]);
});

Deno.test("ProcessTracker does nothing without objects, and nothing after stop", async () => {
  using idle = new World();
  idle.tracker.start();
  assert.deepEqual(idle.asked, []);
  using world = new World(object({}, { terminateDelayUs: seconds(1) }));
  world.proc.put(10, { comm: "nginx" });
  await world.start(null);
  world.take();
  world.tracker.ended([10]);
  world.tracker.begun([11]);
  world.proc.put(11, { comm: "nginx" });
  await world.pass(0.05);
  world.takeAsked();
  world.tracker.stop();
  assert.deepEqual(world.takeAsked(), ["unwatch 10 11"]);
  world.tracker.ended([11]);
  world.tracker.births({ refused: NETNS, lost: true });
  await world.pass(2);
  assert.deepEqual(world.take(), []);
  assert.equal(world.clock.timers, 0);
});

Deno.test("ProcessTracker stopped in the middle of a scan asks for nothing more", async () => {
  using world = new World(object({ words: ["nginx"], by: "any" }));
  for (let pid = 1; pid <= 100; pid++) world.proc.put(pid, { comm: "nginx" });
  world.tracker.start();
  for (let turn = 0; turn < 5; turn++) await null; // the scan waits for arguments now
  // On a busy machine they may be there at once, so that the first part has been looked at.
  const [births, ...watched] = world.takeAsked();
  assert.equal(births, "births");
  world.tracker.stop();
  await world.tracker.settled();
  assert.deepEqual(world.takeAsked(), watched.map((asked) => `un${asked}`));
  assert.deepEqual(world.take(), []);
  assert.equal(world.clock.timers, 0);
});
