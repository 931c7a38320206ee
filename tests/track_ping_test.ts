import assert from "node:assert/strict";
import { type Ip, ip } from "../lib/core/address.ts";
import type { PingProbe } from "../lib/core/probe_spec.ts";
import { millis } from "../lib/core/time.ts";
import { couldNotRun, failed, GOOD, type ProbeHost } from "../lib/track/checker.ts";
import { checkPing, chooseAddress } from "../lib/track/ping.ts";
import { type DeskRequest, PingDesk } from "../lib/track/ping_desk.ts";

const PROBE: PingProbe = {
  kind: "ping",
  host: "192.0.2.1",
  payloadBytes: 56,
  sourceAddress: null,
  device: null,
};

/** Never aborted. */
const { signal: CALM } = new AbortController();

/** A host that notes where echo requests went, and answers them all. */
class FakeHost implements ProbeHost {
  readonly pinged: Ip[] = [];

  addressOf(device: string, family: string): Ip | null {
    return device === "eth4" && family === "ipv4" ? ip("192.0.2.7") : null;
  }

  ping(_probe: PingProbe, destination: Ip): Promise<typeof GOOD> {
    this.pinged.push(destination);
    return Promise.resolve(GOOD);
  }
}

function check(change: Partial<PingProbe>, host: ProbeHost, signal = CALM) {
  return checkPing({ ...PROBE, ...change }, { signal, timeoutUs: millis(1000), host });
}

Deno.test("checkPing() asks for an address as it is and finds the address of a name", async () => {
  const host = new FakeHost();
  assert.deepEqual(await check({}, host), GOOD);
  assert.deepEqual(await check({ host: "2001:DB8:0::1" }, host), GOOD);
  assert.deepEqual(
    await check({ host: "localhost", sourceAddress: ip("127.0.0.1") }, host),
    GOOD,
  );
  assert.deepEqual(host.pinged, ["192.0.2.1", "2001:db8::1", "127.0.0.1"]);
});

Deno.test("chooseAddress() takes the first that the source and the device allow", () => {
  const v6 = ip("2001:db8::1"), v4 = ip("192.0.2.1"), second = ip("192.0.2.2");
  const host = new FakeHost(), none = { sourceAddress: null, device: null };
  assert.equal(chooseAddress([v6, v4, second], none, host), v6);
  assert.equal(chooseAddress([v6, v4, second], { ...none, sourceAddress: second }, host), v4);
  assert.equal(chooseAddress([v6, v4, second], { ...none, device: "eth4" }, host), v4);
  assert.equal(chooseAddress([v6, v4], { ...none, device: "bare" }, host), v6);
  assert.equal(chooseAddress([v6], { ...none, sourceAddress: v4 }, host), null);
});

Deno.test("checkPing() could not run with a source of another family, or without a device", async () => {
  const host = new FakeHost();
  assert.deepEqual(
    await check({ sourceAddress: ip("2001:db8::1") }, host),
    couldNotRun("192.0.2.1 has no address of the family of 2001:db8::1"),
  );
  assert.deepEqual(
    await check({ host: "fe80::1" }, host),
    couldNotRun("the link-local address fe80::1 needs a device"),
  );
  assert.deepEqual(host.pinged, []);
  assert.deepEqual(await check({ host: "fe80::1", device: "eth0" }, host), GOOD);
});

Deno.test("checkPing() sends nothing once it is aborted", async () => {
  const host = new FakeHost();
  assert.deepEqual(await check({}, host, AbortSignal.abort()), failed("aborted"));
  assert.deepEqual(host.pinged, []);
});

/** A desk whose requests and cancellations are noted. */
function desk() {
  const sent: DeskRequest[] = [], cancelled: number[] = [];
  const pings = new PingDesk({
    send: (request) => sent.push(request),
    cancel: (id) => cancelled.push(id),
  });
  return { pings, sent, cancelled };
}

Deno.test("PingDesk brings each answer to the one who asked, in whatever order", async () => {
  const { pings, sent, cancelled } = desk();
  const probe = { ...PROBE, sourceAddress: ip("192.0.2.7"), device: "eth4" };
  const first = pings.ping(probe, ip("192.0.2.1"), CALM);
  const second = pings.ping(PROBE, ip("192.0.2.2"), CALM);
  assert.equal(pings.waiting, 2);
  assert.deepEqual(sent[0], {
    id: sent[0]!.id,
    destination: "192.0.2.1",
    sourceAddress: "192.0.2.7",
    device: "eth4",
    payloadBytes: 56,
  });
  assert.notEqual(sent[0]!.id, sent[1]!.id);
  pings.pong({ id: sent[1]!.id, error: "host unreachable" });
  pings.pong({ id: sent[0]!.id, error: null });
  assert.deepEqual(await second, failed("host unreachable"));
  assert.deepEqual(await first, GOOD);
  assert.equal(pings.waiting, 0);
  assert.deepEqual(cancelled, []);
});

Deno.test("PingDesk hears an answer that is there before send() returns", async () => {
  const pings: PingDesk = new PingDesk({
    send: ({ id }) => pings.pong({ id, error: "network unreachable" }),
    cancel: () => assert.fail("nothing to cancel"),
  });
  assert.deepEqual(
    await pings.ping(PROBE, ip("192.0.2.1"), CALM),
    failed("network unreachable"),
  );
});

Deno.test("PingDesk cancels when aborted, and passes over late and foreign answers", async () => {
  const { pings, sent, cancelled } = desk(), controller = new AbortController();
  const verdict = pings.ping(PROBE, ip("192.0.2.1"), controller.signal);
  controller.abort();
  assert.deepEqual(cancelled, [sent[0]!.id]);
  assert.deepEqual(await verdict, failed("aborted"));
  assert.equal(pings.waiting, 0);
  pings.pong({ id: sent[0]!.id, error: null });
  pings.pong({ id: 12345, error: null });
  assert.deepEqual(
    await pings.ping(PROBE, ip("192.0.2.1"), AbortSignal.abort()),
    failed("aborted"),
  );
  assert.equal(sent.length, 1);
});
