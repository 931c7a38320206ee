/** When the state of a link counts: interface_up_down_delays, in virtual time. */

import assert from "node:assert/strict";
import type { LinkDelay } from "../lib/core/link_delay.ts";
import { seconds } from "../lib/core/time.ts";
import { LinkDelays } from "../lib/engine/link_delays.ts";
import type { Link } from "../lib/net/links.ts";

const ETH0: Link = {
  index: 2,
  name: "eth0",
  up: true,
  running: true,
  loopback: false,
  multicast: true,
  arp: true,
  mtu: 1500,
  mac: null,
};

const DOWN_2_UP_3: LinkDelay = { interface: "eth0", downUs: seconds(2), upUs: seconds(3) };

/** A host with one interface, whose state the test sets, and what counts of it. */
function host(delays: readonly LinkDelay[] = [DOWN_2_UP_3]) {
  let link: Link | undefined = ETH0;
  const table = {
    byName: (name: string) => link?.name === name ? link : undefined,
    addressesOf: () => [],
    holders: () => [],
  };
  const set = (flags: Partial<Pick<Link, "up" | "running">> | null) =>
    link = flags === null ? undefined : { ...ETH0, ...flags };
  const counted = new LinkDelays(table, delays);
  /** What counts at a time: "up", "no carrier", "down", "missing". */
  const at = (second: number, of = counted) => {
    of.look(seconds(second));
    const { up, running } = of.byName("eth0") ?? { up: null, running: null };
    return up === null ? "missing" : !up ? "down" : running ? "up" : "no carrier";
  };
  return { table, counted, set, at };
}

Deno.test("LinkDelays lets a loss of carrier count when it has lasted, not before", () => {
  const { set, at, counted } = host();
  assert.equal(at(10), "up");
  assert.equal(counted.nextDeadline, null);
  set({ running: false });
  assert.equal(at(11), "up");
  assert.equal(counted.nextDeadline, seconds(13));
  assert.equal(at(12.9), "up", "a second look does not begin anew");
  assert.equal(at(13), "no carrier");
  assert.equal(counted.nextDeadline, null);
});

Deno.test("LinkDelays forgets a loss of carrier that was shorter, and begins anew at the next", () => {
  const { set, at, counted } = host();
  at(10);
  set({ running: false });
  at(11);
  set({});
  assert.equal(at(12.5), "up");
  assert.equal(counted.nextDeadline, null);
  set({ running: false });
  assert.equal(at(12.8), "up");
  assert.equal(at(14.7), "up", "counted from the second loss");
  assert.equal(at(14.8), "no carrier");
});

Deno.test("LinkDelays lets a link count as up after the up delay, as what it was until then", () => {
  const { set, at, counted } = host();
  set({ up: false });
  assert.equal(at(10), "down", "what is found at first counts as it is");
  set({});
  assert.equal(at(11), "down");
  assert.equal(counted.nextDeadline, seconds(14));
  set({ up: false });
  at(12);
  set({});
  assert.equal(at(13.9), "down", "a bounce begins it anew");
  assert.equal(at(16.8), "down");
  assert.equal(at(16.9), "up");
});

Deno.test("LinkDelays lets the end of an interface count at once, and waits for its return", () => {
  const { set, at } = host();
  at(10);
  set(null);
  assert.equal(at(11), "missing");
  set({});
  assert.equal(at(12), "no carrier");
  assert.equal(at(15), "up");
});

Deno.test("LinkDelays says what the host says without a delay, and in a direction without one", () => {
  const none = host([]), downOnly = host([{ ...DOWN_2_UP_3, upUs: seconds(0) }]);
  none.at(1);
  none.set({ running: false });
  assert.equal(none.at(2), "no carrier");
  downOnly.set({ running: false });
  downOnly.at(1);
  downOnly.set({});
  assert.equal(downOnly.at(2), "up");
});

Deno.test("LinkDelays goes on where another image stopped, and after other delays", () => {
  const { table, counted, set, at } = host();
  at(10);
  set({ running: false });
  at(11);
  const next = new LinkDelays(table, [DOWN_2_UP_3]);
  next.restore(JSON.parse(JSON.stringify(counted.capture())));
  assert.equal(at(12.9, next), "up");
  assert.equal(next.nextDeadline, seconds(13));
  next.configure([{ ...DOWN_2_UP_3, downUs: seconds(5) }]);
  assert.equal(at(15.9, next), "up");
  assert.equal(at(16, next), "no carrier");
  counted.configure([]);
  assert.equal(at(12, counted), "no carrier", "without a delay any more it counts at once");
  assert.deepEqual(counted.capture(), []);
});
