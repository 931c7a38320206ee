import assert from "node:assert/strict";
import { AF, IFF } from "../ffi/constants.ts";
import { SysError } from "../ffi/errno.ts";
import { NetworkNamespace } from "../ffi/namespace.ts";
import { NETLINK, NetlinkMessage, type NetlinkReceived, RTM } from "../ffi/netlink.ts";
import { NetlinkSocket } from "../ffi/netlink_socket.ts";
import { POLL, PollSet } from "../ffi/poll.ts";
import {
  addAddress,
  addAddressMessage,
  addLink,
  addRoute,
  deleteAddress,
  deleteAddressMessage,
  deleteLink,
  deleteRoute,
  dumpAddresses,
  dumpLinks,
  dumpRoutes,
  IF_OPER,
  MACVLAN_MODE,
  parseAddress,
  parseLink,
  parseRoute,
  RTNLGRP,
  RTPROT,
  setLink,
} from "../ffi/rtnetlink.ts";
import { joinedNamespaces, linkNamed, privilegedTest, routeSocket } from "./tools/ffi_lab.ts";

const HERE = "/proc/thread-self/ns/net";

privilegedTest("run() comes back to the thread's namespace, even when the task throws", () => {
  using namespace = NetworkNamespace.create();
  const before = Deno.readLinkSync(HERE);
  const inside = namespace.run(() => Deno.readLinkSync(HERE));
  assert.notEqual(inside, before);
  assert.equal(Deno.readLinkSync(namespace.path), inside);
  assert.throws(() => namespace.run(() => assert.fail("on purpose")), /on purpose/);
  assert.equal(Deno.readLinkSync(HERE), before);
});

privilegedTest("run() can be nested", () => {
  using outer = NetworkNamespace.create();
  using inner = NetworkNamespace.create();
  const [a, b, c] = outer.run(() => {
    const first = Deno.readLinkSync(HERE);
    return [first, inner.run(() => Deno.readLinkSync(HERE)), Deno.readLinkSync(HERE)];
  });
  assert.equal(a, c);
  assert.notEqual(a, b);
});

privilegedTest("run() refuses a task that is asynchronous", () => {
  using namespace = NetworkNamespace.create();
  const before = Deno.readLinkSync(HERE);
  assert.throws(() => namespace.run(async () => {}), TypeError);
  assert.throws(() => namespace.run(() => Promise.resolve()), TypeError);
  assert.equal(Deno.readLinkSync(HERE), before);
});

privilegedTest("run() gives a spawned process the namespace", async () => {
  using namespace = NetworkNamespace.create();
  const inside = namespace.run(() => Deno.readLinkSync(HERE));
  const command = new Deno.Command("readlink", { args: ["/proc/self/ns/net"], stdout: "piped" });
  const { stdout } = await namespace.run(() => command.spawn()).output();
  assert.equal(new TextDecoder().decode(stdout).trim(), inside);
});

privilegedTest("a closed namespace cannot be used", () => {
  const namespace = NetworkNamespace.create();
  namespace.close();
  namespace.close();
  assert.throws(() => namespace.run(() => 1), TypeError);
});

privilegedTest("a new namespace holds a loopback link that is down", () => {
  using namespace = NetworkNamespace.create();
  using route = routeSocket(namespace);
  const link = linkNamed(route, "lo");
  assert.equal(link.index, 1);
  assert.equal(link.flags & IFF.UP, 0);
  assert.equal(link.mtu, 65536);
  assert.deepEqual(dumpAddresses(route), []);
});

privilegedTest("addLink() joins two namespaces by a veth pair, setLink() brings it up", () => {
  using pair = joinedNamespaces();
  for (const { route, name, index } of [pair.a, pair.b]) {
    const link = linkNamed(route, name);
    assert.equal(link.index, index);
    assert.equal(link.kind, "veth");
    assert.equal(link.mac.length, 6);
    assert.ok(link.flags & IFF.UP && link.flags & IFF.LOWER_UP);
    // The kernel sets the operational state a moment later, from a queue of its own.
    waitUntil(() => linkNamed(route, name).operState === IF_OPER.UP);
  }
  setLink(pair.a.route, pair.a.index, { mtu: 1400, mac: Uint8Array.of(2, 0, 0, 0, 0, 9) });
  const changed = linkNamed(pair.a.route, "left");
  assert.equal(changed.mtu, 1400);
  assert.equal(changed.mac.toHex(), "020000000009");
  deleteLink(pair.b.route, pair.b.index);
  assert.deepEqual(dumpLinks(pair.a.route).map(({ name }) => name), ["lo"]);
});

privilegedTest("addLink() makes a bridge with a port and a macvlan, or says EOPNOTSUPP", () => {
  using pair = joinedNamespaces();
  const { route, index } = pair.a;
  const attempt = (make: () => void) => {
    try {
      make();
      return true;
    } catch (error) {
      assert.ok(error instanceof SysError && error.code === "EOPNOTSUPP", String(error));
      return false; // this kernel has no such module
    }
  };
  const mode = MACVLAN_MODE.PRIVATE;
  if (attempt(() => addLink(route, { name: "mv", kind: "macvlan", linkIndex: index, mode }))) {
    assert.equal(linkNamed(route, "mv").linkIndex, index);
    assert.equal(linkNamed(route, "mv").kind, "macvlan");
    deleteLink(route, linkNamed(route, "mv").index);
  }
  if (attempt(() => addLink(route, { name: "br", kind: "bridge" }))) {
    setLink(route, index, { masterIndex: linkNamed(route, "br").index });
    assert.equal(linkNamed(route, "left").masterIndex, linkNamed(route, "br").index);
    setLink(route, index, { masterIndex: 0 });
    assert.equal(linkNamed(route, "left").masterIndex, null);
  }
});

privilegedTest("a refusal carries the kernel's errno and what was attempted", () => {
  using pair = joinedNamespaces();
  const { route, index } = pair.a, local = Uint8Array.of(10, 99, 0, 1);
  assert.throws(() => addAddress(route, { index, local, prefixLength: 24 }), {
    name: "SysError",
    code: "EEXIST",
    message: /^Cannot add 10\.99\.0\.1\/24 on interface \d+: RTM_NEWADDR: EEXIST \(File exists\)/,
  });
  assert.throws(() => addAddress(route, { index: 999, local, prefixLength: 24 }), {
    code: "ENODEV",
  });
  assert.throws(() => addAddress(route, { index, local, prefixLength: 33 }), {
    message: /EINVAL.*: ipv4: /, // the kernel's own words since Linux 4.x
  });
});

privilegedTest("addAddress() sets label, lifetimes and protocol, and renews with replace", () => {
  using pair = joinedNamespaces();
  const { route, index } = pair.a;
  const spec = {
    index,
    local: Uint8Array.of(192, 0, 2, 1),
    prefixLength: 32,
    label: "left:vip",
    validSeconds: 100,
    protocol: RTPROT.KEEPALIVED,
  };
  const find = () => dumpAddresses(route, AF.INET).find(({ label }) => label === "left:vip");
  addAddress(route, spec);
  assert.equal(find()!.local.join("."), "192.0.2.1");
  assert.ok(find()!.cacheInfo!.validSeconds <= 100);
  assert.ok([null, RTPROT.KEEPALIVED].includes(find()!.protocol as null));
  addAddress(route, { ...spec, validSeconds: 1000 }, { replace: true });
  assert.ok(find()!.cacheInfo!.validSeconds > 900);
  deleteAddress(route, spec);
  assert.equal(find(), undefined);
  assert.throws(() => deleteAddress(route, spec), { code: "EADDRNOTAVAIL" });
});

privilegedTest("requestAll() answers each of hundreds of requests in order", () => {
  using pair = joinedNamespaces();
  const { route, index } = pair.a;
  const specs = Array.from({ length: 500 }, (_, at) => ({
    index,
    local: Uint8Array.of(172, 16, at >> 8, at & 255),
    prefixLength: 32,
  }));
  const results = route.requestAll(specs.map((spec) => addAddressMessage(spec)));
  assert.deepEqual(results, new Array(500).fill(null));
  assert.equal(dumpAddresses(route, AF.INET).length, 501);
  const twice = route.requestAll([addAddressMessage(specs[3]!), addAddressMessage(specs[4]!)]);
  assert.deepEqual(twice.map((error) => error?.code), ["EEXIST", "EEXIST"]);
  const removed = route.requestAll(specs.map(deleteAddressMessage));
  assert.ok(removed.every((error) => error === null));
  assert.equal(dumpAddresses(route, AF.INET).length, 1);
});

privilegedTest("addRoute() and deleteRoute() change what dumpRoutes() lists", () => {
  using pair = joinedNamespaces();
  const { route, index } = pair.a;
  const spec = {
    family: AF.INET,
    destination: Uint8Array.of(203, 0, 113, 0),
    prefixLength: 24,
    gateway: Uint8Array.of(10, 99, 0, 2),
    metric: 77,
    table: 1000,
    protocol: RTPROT.KEEPALIVED,
  };
  const find = () => dumpRoutes(route, AF.INET).find(({ table }) => table === 1000);
  addRoute(route, spec);
  const { family, destination, gateway, metric, protocol, outputIndex } = find()!;
  assert.deepEqual(
    { family, destination, gateway, metric, protocol, outputIndex },
    {
      family: AF.INET,
      destination: spec.destination,
      gateway: spec.gateway,
      metric: 77,
      protocol: RTPROT.KEEPALIVED,
      outputIndex: index,
    },
  );
  assert.throws(() => addRoute(route, spec), { code: "EEXIST" });
  addRoute(route, spec, { mode: "replace" });
  deleteRoute(route, spec);
  assert.equal(find(), undefined);
  assert.throws(
    () => addRoute(route, { ...spec, gateway: Uint8Array.of(8, 8, 8, 8) }),
    { code: "ENETUNREACH", message: /Nexthop has invalid gateway/ },
  );
});

privilegedTest("subscribe() brings events of links and addresses to a descriptor to poll", () => {
  using pair = joinedNamespaces();
  const { namespace, route, index } = pair.a;
  using watcher = namespace.run(() => new NetlinkSocket(NETLINK.ROUTE, "watch"));
  watcher.subscribe([RTNLGRP.LINK, RTNLGRP.IPV4_IFADDR, RTNLGRP.IPV4_ROUTE]);
  const set = new PollSet();
  set.add(watcher.fd, POLL.IN);
  assert.equal(set.wait(0), 0);
  setLink(pair.b.route, pair.b.index, { up: false });
  addAddress(route, { index, local: Uint8Array.of(192, 0, 2, 1), prefixLength: 24 });
  assert.equal(set.wait(60_000_000), 1);
  const carrierLost = (message: NetlinkReceived) => {
    const link = parseLink(message);
    return link !== null && link.index === index && !(link.flags & IFF.LOWER_UP);
  };
  const added = ({ type }: NetlinkReceived) => type === RTM.NEWADDR;
  const seen = events(watcher, (found) => found.some(carrierLost) && found.some(added));
  const [address] = seen.map(parseAddress).filter((found) => found !== null);
  assert.equal(address!.local.join("."), "192.0.2.1");
  assert.ok(seen.map(parseRoute).some((found) => found === null));
});

privilegedTest("a subscribed socket tells its own answers from events", () => {
  using pair = joinedNamespaces();
  const { route, index } = pair.a;
  route.subscribe([RTNLGRP.IPV4_IFADDR]);
  const spec = { index, local: Uint8Array.of(192, 0, 2, 1), prefixLength: 24 };
  addAddress(route, spec);
  const before = dumpAddresses(route, AF.INET).length;
  deleteAddress(route, spec);
  assert.equal(before, 2);
  const { messages, overrun } = route.receiveEvents();
  assert.deepEqual(messages.map(({ type }) => type), [RTM.NEWADDR, RTM.DELADDR]);
  assert.equal(overrun, false);
});

privilegedTest("receiveEvents() says overrun when events were lost, and goes on", () => {
  using pair = joinedNamespaces();
  const { namespace, route, index } = pair.a;
  using watcher = namespace.run(() => new NetlinkSocket(NETLINK.ROUTE, "watch", 4096));
  watcher.subscribe([RTNLGRP.IPV4_IFADDR]);
  const messages = Array.from(
    { length: 100 },
    (_, at) => addAddressMessage({ index, local: Uint8Array.of(10, 1, 1, at), prefixLength: 32 }),
  );
  route.requestAll(messages);
  const first = watcher.receiveEvents();
  assert.equal(first.overrun, true);
  assert.ok(first.messages.length < 100);
  addAddress(route, { index, local: Uint8Array.of(10, 2, 2, 2), prefixLength: 32 });
  const second = watcher.receiveEvents();
  assert.equal(second.overrun, false);
  assert.equal(second.messages.length, 1);
});

privilegedTest("request() returns what the kernel answers before its acknowledgement", () => {
  using pair = joinedNamespaces();
  const { route, index } = pair.a;
  const message = new NetlinkMessage(RTM.GETLINK, 0, "ask for one link")
    .head(16, (view) => view.setInt32(4, index, true));
  assert.deepEqual(route.request(message).map((answer) => parseLink(answer)?.name), ["left"]);
});

privilegedTest("dump() gives every link when they fill several datagrams", () => {
  using pair = joinedNamespaces();
  const { route } = pair.a;
  for (let count = 0; count < 60; count++) {
    addLink(route, { name: `p${count}`, kind: "veth", peerName: `q${count}` });
  }
  assert.equal(dumpLinks(route).length, 122);
});

/** Gathers events until `enough`, at most five seconds. */
function events(
  socket: NetlinkSocket,
  enough: (messages: readonly NetlinkReceived[]) => boolean,
): NetlinkReceived[] {
  const set = new PollSet(), all: NetlinkReceived[] = [];
  set.add(socket.fd, POLL.IN);
  for (;;) {
    all.push(...socket.receiveEvents().messages);
    if (enough(all)) return all;
    assert.notEqual(set.wait(60_000_000), 0, "no such event in a minute");
  }
}

/** Looks again every 10 ms, at most five seconds. */
function waitUntil(condition: () => boolean): void {
  const pause = new PollSet();
  for (let attempt = 0; attempt < 500; attempt++) {
    if (condition()) return;
    pause.wait(10_000);
  }
  assert.fail("not in a minute");
}
