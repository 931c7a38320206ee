/** What a service manager is told: by a `Service` alone, and by a running daemon. */

import assert from "node:assert/strict";
import { type Environment, Service, statusText } from "../lib/daemon/service.ts";
import { openNotifySocket } from "../lib/net/sd_notify.ts";
import { router } from "./lab/config.ts";
import { labTest } from "./lab/lab.ts";
import { Process } from "./lab/process.ts";
import { Manager } from "./lab/service_manager.ts";
import { sleep, until } from "./lab/until.ts";
import { VIGIE } from "./lab/vigie.ts";

const environment = (values: Record<string, string>): Environment => ({
  get: (name) => values[name],
});

/** A service with an engine that answers when the test lets it. */
function serviceWith(values: Record<string, string>) {
  const engine = { hangs: false, asked: 0 };
  const said: string[] = [];
  const service = new Service({
    environment: environment(values),
    pid: 4711,
    probe: (alive) => {
      engine.asked++;
      if (!engine.hangs) alive();
    },
    log: ({ text }) => said.push(text),
  });
  return { service, engine, said, [Symbol.dispose]: () => service.close() };
}

for (const kind of ["path", "abstract"] as const) {
  Deno.test(`Service tells ready, status, reloading and stopping (${kind} socket)`, async () => {
    using manager = new Manager(kind);
    using made = serviceWith({ NOTIFY_SOCKET: manager.name });
    const { service } = made;
    service.ready();
    assert.deepEqual(manager.read(), ["READY=1", "STATUS=No instance has a state yet"]);
    service.changed("VI_2", "backup");
    service.changed("VI_1", "backup");
    service.changed("VI_1", "master");
    await manager.heard("STATUS=VI_1 MASTER, VI_2 BACKUP");
    service.reloading();
    service.ready();
    service.stopping();
    const rest = manager.read().slice(3);
    assert.match(rest[1]!, /^MONOTONIC_USEC=\d{6,}$/);
    assert.deepEqual(rest.filter((line) => !line.startsWith("MONOTONIC")), [
      "RELOADING=1",
      "READY=1",
      "STATUS=VI_1 MASTER, VI_2 BACKUP",
      "STOPPING=1",
      "STATUS=Stopping",
    ]);
    assert.deepEqual(made.said, []);
  });
}

Deno.test("Service feeds the watchdog at half of its time, and no more when the engine hangs", async () => {
  using manager = new Manager("path");
  using made = serviceWith({ NOTIFY_SOCKET: manager.name, WATCHDOG_USEC: "40000" });
  made.service.ready();
  await until(() => manager.count("WATCHDOG=1") >= 3, "the watchdog to be fed");
  made.engine.hangs = true;
  const { asked } = made.engine;
  await until(() => made.engine.asked > asked, "the engine to be asked again");
  const fed = manager.count("WATCHDOG=1");
  await sleep(200);
  assert.equal(manager.count("WATCHDOG=1"), fed);
  assert.equal(made.engine.asked, asked + 1);
});

Deno.test("Service feeds no watchdog that is another process's, or that there is none", async () => {
  const others: readonly Record<string, string>[] = [{}, {
    WATCHDOG_USEC: "1000",
    WATCHDOG_PID: "1",
  }, { WATCHDOG_USEC: "x" }];
  for (const more of others) {
    using manager = new Manager("path");
    using made = serviceWith({ NOTIFY_SOCKET: manager.name, ...more });
    made.service.ready();
    await sleep(20);
    assert.deepEqual([made.engine.asked, manager.count("READY=1")], [0, 1]);
  }
  using manager = new Manager("path");
  const own = { WATCHDOG_USEC: "1000", WATCHDOG_PID: "4711" };
  using made = serviceWith({ NOTIFY_SOCKET: manager.name, ...own });
  made.service.ready();
  await manager.heard("WATCHDOG=1");
});

Deno.test("Service goes on without a service manager, and says once that it cannot be told", () => {
  using none = serviceWith({});
  none.service.ready();
  none.service.stopping();
  assert.deepEqual(none.said, []);
  using gone = serviceWith({ NOTIFY_SOCKET: "/nonexistent/socket" });
  gone.service.ready();
  gone.service.stopping();
  assert.equal(gone.said.length, 1);
  assert.match(gone.said[0]!, /The service manager is not told: .*ENOENT/);
});

Deno.test("openNotifySocket() refuses what is no address, or too long for one", () => {
  for (const name of ["vsock:2:1234", "relative", "@", `/${"x".repeat(107)}`]) {
    const opened = openNotifySocket(name);
    assert.match(opened.ok ? "" : opened.error, /Cannot use NOTIFY_SOCKET/, name);
  }
  const longest = openNotifySocket(`@${"x".repeat(107)}`);
  assert.ok(longest.ok);
  longest.value.close();
  assert.equal(longest.value.send("READY=1"), "it is closed");
});

Deno.test("statusText() counts instances when there are many", () => {
  const states = new Map(
    Array.from({ length: 9 }, (_, n) => [`VI_${n}`, n < 2 ? "master" : "backup"] as const),
  );
  assert.equal(statusText(states), "2 MASTER, 7 BACKUP");
});

labTest("a running vigie says when it is ready, master, alive and stopping", async (lab) => {
  const host = lab.host("a"), manager = lab.use(new Manager("path"));
  const file = Deno.makeTempFileSync({ prefix: "vigie-lab-", suffix: ".conf" });
  lab.use({ [Symbol.dispose]: () => Deno.removeSync(file) });
  Deno.writeTextFileSync(file, router());
  const node = lab.keep(
    new Process({
      name: "vigie on a",
      namespace: host.namespace,
      command: VIGIE.command,
      args: [...VIGIE.args, "run", "-f", file],
      env: { NOTIFY_SOCKET: manager.name, WATCHDOG_USEC: "400000" },
    }),
  );
  await manager.heard("READY=1");
  await manager.heard("STATUS=VI_1 MASTER");
  await manager.heard("WATCHDOG=1");
  assert.equal(manager.count("STOPPING=1"), 0);

  assert.equal(await node.stop(), 0);
  assert.equal(manager.count("STOPPING=1"), 1);
});
