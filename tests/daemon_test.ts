import assert from "node:assert/strict";
import { formatLog, logStyle } from "../lib/daemon/logger.ts";
import { stateLines, statisticsLines } from "../lib/daemon/report.ts";
import { createCounters } from "../lib/engine/counters.ts";
import { keepsAddressProtocol } from "../lib/net/host.ts";
import { ip } from "../lib/core/address.ts";
import { seconds } from "../lib/core/time.ts";

const AT = new Date(2026, 10, 5, 13, 5, 9);
const EVENT = { level: "notice", text: "Entering MASTER STATE", instance: "VI_1" } as const;

Deno.test("formatLog() writes lines as keepalived's operators know them, or with journald's severity", () => {
  assert.equal(
    formatLog(EVENT, "time", AT),
    "Thu Nov  5 13:05:09 2026: (VI_1) Entering MASTER STATE",
  );
  assert.equal(formatLog(EVENT, "journald", AT), "<5>(VI_1) Entering MASTER STATE");
  assert.equal(formatLog({ level: "error", text: "no" }, "journald", AT), "<3>no");
});

Deno.test("logStyle() is journald's only where systemd says so", () => {
  assert.equal(logStyle(new Map([["JOURNAL_STREAM", "8:1"]])), "journald");
  assert.equal(logStyle(new Map()), "time");
});

Deno.test("stateLines() and statisticsLines() leave out what is not there", () => {
  const counters = { ...createCounters(), ipTtlErrors: 3, sentAdvertisements: 7 };
  const status = {
    kind: "status",
    id: 1,
    instances: [{
      name: "VI_1",
      state: "fault",
      priority: 100,
      master: null,
      primaryAddress: null,
      masterAdvertIntervalUs: seconds(1),
      changedAgoUs: null,
      faults: ["interface eth0 is down"],
      waitsFor: [],
      counters,
    }],
    loop: { timersFired: 4, worstLatenessUs: 1500 },
    strays: { eth0: { routerVrIdErrors: 2 } },
  } as const;
  assert.deepEqual(stateLines(status), [
    "(VI_1) FAULT, priority 100, source none, no master known, interface eth0 is down",
  ]);
  assert.deepEqual(statisticsLines(status), [
    "(VI_1) sentAdvertisements 7, ipTtlErrors 3",
    "Packets for no instance on eth0: routerVrIdErrors 2",
    "4 timers fired, at most 1.5 ms late",
  ]);
  const own = {
    ...status,
    instances: [{ ...status.instances[0], master: { address: ip("192.0.2.1"), priority: 9 } }],
  };
  assert.match(stateLines(own)[0]!, /master 192\.0\.2\.1 \(9\)/);
});

Deno.test("keepsAddressProtocol() knows which kernels tag addresses", () => {
  const releases = {
    "4.19.0": false,
    "5.15.167": false,
    "5.18.0-rc1": true,
    "6.1.0-13-amd64": true,
  };
  for (const [release, keeps] of Object.entries(releases)) {
    assert.equal(keepsAddressProtocol(release), keeps, release);
  }
});
