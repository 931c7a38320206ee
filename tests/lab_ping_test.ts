/** Echo requests over a real kernel: answered, refused, unanswered, forged. */

import assert from "node:assert/strict";
import { closeFd } from "../ffi/fd.ts";
import { deleteLink, dumpLinks } from "../ffi/rtnetlink.ts";
import {
  AF,
  bindSocket,
  IPPROTO,
  openSocket,
  receive,
  sendTo,
  SOCK,
  sockaddrIn,
} from "../ffi/socket.ts";
import { ip, ipBytes } from "../lib/core/address.ts";
import { type Bytes, internetChecksum } from "../lib/core/bytes.ts";
import { EchoSocket } from "../lib/net/echo.ts";
import { type Host, within } from "../lib/net/topology.ts";
import { decodeIpv4 } from "../lib/vrrp/ip.ts";
import { giveAddress } from "./lab/addresses.ts";
import { type Lab, labTest } from "./lab/lab.ts";
import { answered, type Origin, Pings, SILENCE_MS } from "./lab/pings.ts";
import { sleep, until } from "./lab/until.ts";

/**
 * Two hosts and a pinger in the first: 192.0.2.1 and .2, fe80::1 and ::2, 2001:db8::1 and ::2. A new
 * segment loses packets at first: the hosts have heard each other by both families before the test.
 */
function pingingPair(lab: Lab): { a: Host; b: Host; pings: Pings } {
  const [a, b] = lab.pair();
  using first = new Pings(a);
  for (const destination of ["192.0.2.2", "2001:db8::2"]) answered(first, destination);
  return { a, b, pings: lab.use(new Pings(a)) };
}

labTest("Pinger hears answers over both families, link-local ones by device", (lab) => {
  const { a, pings } = pingingPair(lab), { device } = a;
  const cases: [string, Origin][] = [
    ["192.0.2.2", {}],
    ["192.0.2.2", { device }],
    ["192.0.2.2", { source: ip("192.0.2.1"), device, bytes: 1452 }],
    ["127.0.0.1", { bytes: 8 }],
    ["2001:db8::2", {}],
    ["2001:db8::2", { source: ip("2001:db8::1"), bytes: 1452 }],
    ["fe80::2", { device }],
    ["fe80::2", { source: ip("fe80::1"), device }],
    ["::1", {}],
  ];
  for (const [destination, origin] of cases) {
    const pong = pings.ask(destination, origin);
    assert.equal(pong?.error, null, `${destination} ${JSON.stringify(origin)}`);
    assert.ok(pong!.rttUs! > 0 && pong!.rttUs! < 15_000_000);
  }
  return Promise.resolve();
});

labTest("Pinger says why nothing could be sent", (lab) => {
  const { pings } = pingingPair(lab);
  const cases: [string, Origin, string][] = [
    ["203.0.113.1", {}, "network unreachable"],
    ["2001:db8:f::1", {}, "network unreachable"],
    ["192.0.2.2", { device: "no-such-if" }, "no such device"],
    ["192.0.2.2", { source: ip("192.0.2.77") }, "the source address is not on this host"],
    ["2001:db8::2", { source: ip("2001:db8::77") }, "the source address is not on this host"],
    ["192.0.2.255", {}, "not allowed to send there"],
  ];
  for (const [destination, origin, error] of cases) {
    const { rttUs, error: said } = pings.ask(destination, origin)!;
    assert.deepEqual({ rttUs, said }, { rttUs: null, said: error }, destination);
  }
  return Promise.resolve();
});

labTest(
  "Pinger says host unreachable when nobody has the address, once the kernel knows",
  (lab) => {
    const { pings } = pingingPair(lab);
    // Neighbours are asked for three seconds (arp(7), mcast_solicit); until then it is only silence.
    assert.equal(pings.ask("192.0.2.99", {}, SILENCE_MS), null);
    assert.equal(pings.ask("192.0.2.98")?.error, "host unreachable");
    assert.equal(pings.ask("2001:db8::98")?.error, "host unreachable");
    return Promise.resolve();
  },
);

labTest("Pinger sends by the device it was told, and by its successor of the same name", (lab) => {
  const { a, b, pings } = pingingPair(lab);
  const cable = () => lab.cable(a, b, "second", ["198.51.100.1/24", "198.51.100.2/24"]);
  cable();
  // With the first cable out, only the second leads to the other host.
  lab.segment.plug(b, false);
  assert.equal(pings.ask("198.51.100.2", { device: a.device }, SILENCE_MS), null);
  answered(pings, "198.51.100.2", { device: "second" });
  within(a.namespace, (socket) => {
    const { index } = dumpLinks(socket).find(({ name }) => name === "second")!;
    deleteLink(socket, index);
  });
  assert.notEqual(pings.ask("198.51.100.2", { device: "second" })?.error, null);
  cable();
  answered(pings, "198.51.100.2", { device: "second" });
  return Promise.resolve();
});

labTest("Pinger is not woken by the answers and errors of others", (lab) => {
  const { a, pings } = pingingPair(lab), other = lab.use(new Pings(a));
  for (const destination of ["192.0.2.2", "2001:db8::2"]) {
    assert.equal(pings.ask(destination)?.error, null);
    const before = pings.wakeUps;
    assert.equal(other.ask(destination)?.error, null);
    pings.run(pings.pongs.length + 1, SILENCE_MS);
    assert.equal(pings.wakeUps, before);
  }
  assert.equal(other.ask("192.0.2.98")?.error, "host unreachable");
  const before = pings.wakeUps;
  pings.run(pings.pongs.length + 1, SILENCE_MS);
  assert.equal(pings.wakeUps, before);
  return Promise.resolve();
});

labTest(
  "Pinger tells many requests apart and reads at most 64 answers a turn",
  async (lab) => {
    const { pings } = pingingPair(lab);
    assert.equal(pings.ask("192.0.2.2")?.error, null);
    const first = pings.pongs.length, before = pings.wakeUps;
    const ids = Array.from({ length: 150 }, () => pings.send("192.0.2.2"));
    await sleep(SILENCE_MS); // The kernel of the other host answers; all wait in the socket.
    pings.run(first + ids.length);
    assert.deepEqual(pings.pongs.slice(first).map(({ id }) => id), ids);
    assert.ok(pings.wakeUps - before >= 3, `${pings.wakeUps - before} turns`);
    assert.ok(pings.pongs.every(({ error }) => error === null));
  },
);

labTest("cancel() lets a late answer go unheard, and frees the request", (lab) => {
  const { pings } = pingingPair(lab);
  const id = pings.send("192.0.2.2");
  pings.pinger.cancel(id);
  pings.pinger.cancel(id);
  pings.run(1, SILENCE_MS);
  assert.deepEqual(pings.pongs, []);
  assert.equal(pings.ask("192.0.2.2")?.error, null);
  return Promise.resolve();
});

labTest("close() closes the sockets; a request afterwards opens new ones", (lab) => {
  const { pings } = pingingPair(lab);
  assert.equal(pings.ask("192.0.2.2")?.error, null);
  assert.equal(pings.ask("2001:db8::2")?.error, null);
  const sockets = [...pings.watched].map(linkOf);
  assert.equal(sockets.length, 2);
  const fds = [...pings.watched];
  pings.pinger.close();
  assert.equal(pings.watched.size, 0);
  // The numbers may be others' by now; the sockets behind them were ours.
  for (const [at, fd] of fds.entries()) assert.notEqual(linkOf(fd), sockets[at]);
  assert.equal(pings.ask("192.0.2.2")?.error, null);
  return Promise.resolve();
});

/** What a descriptor is, such as "socket:[1234]"; null if it is closed. */
function linkOf(fd: number): string | null {
  try {
    return Deno.readLinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return null;
  }
}

labTest("Pinger passes over answers that are not the request's", async (lab) => {
  const { b, pings } = pingingPair(lab);
  giveAddress(b, "192.0.2.3/24");
  using forger = new Forger(b);
  const forgeries: [string, (echo: Bytes) => void, string?][] = [
    ["another token", (echo) => echo[8]! ^= 1],
    ["another sequence number", (echo) => echo[7]! ^= 1],
    ["another identifier", (echo) => echo[5]! ^= 1],
    ["a request", (echo) => echo[0] = 8],
    ["no payload at all", (echo) => echo.fill(0, 8)],
    ["another source", () => {}, "192.0.2.3"],
  ];
  for (const [what, change, source] of forgeries) {
    const id = pings.send("192.0.2.2");
    await forger.answer(change, source ?? "192.0.2.2");
    pings.run(pings.pongs.length + 1, SILENCE_MS);
    assert.equal(pings.pongs.find((pong) => pong.id === id), undefined, what);
    pings.pinger.cancel(id);
  }
  const id = pings.send("192.0.2.2");
  await forger.answer(() => {}, "192.0.2.2");
  pings.run(pings.pongs.length + 1);
  assert.equal(pings.pongs.find((pong) => pong.id === id)?.error, null);
});

labTest("EchoSocket hears a forged checksum as noise", async (lab) => {
  const { a, b } = pingingPair(lab);
  const socket = a.namespace.run(() =>
    new EchoSocket({ family: "ipv4", sourceAddress: null, device: null }, 77)
  );
  try {
    using forger = new Forger(b);
    socket.send(ip("192.0.2.2"), 5, new Uint8Array(8));
    await forger.answer(() => {}, "192.0.2.2", 1);
    let news: ReturnType<EchoSocket["receive"]> = null;
    await until(() => (news = socket.receive()) !== null, "the forged answer");
    assert.equal(news, "noise");
  } finally {
    socket.close();
  }
});

/** Answers echo requests in the place of a host's kernel, as it likes. */
class Forger implements Disposable {
  readonly #host: Host;
  readonly #fd: number;

  constructor(host: Host) {
    this.#host = host;
    this.#fd = host.namespace.run(() => {
      Deno.writeTextFileSync("/proc/sys/net/ipv4/icmp_echo_ignore_all", "1");
      return openSocket(AF.INET, SOCK.RAW, IPPROTO.ICMP, "forge answers");
    });
  }

  /** Waits for the next request and answers it. @param spoil Added to the right checksum. */
  async answer(change: (echo: Bytes) => void, source: string, spoil = 0): Promise<void> {
    const buffer: Bytes = new Uint8Array(2048);
    let echo: Bytes = new Uint8Array(0), from = "";
    await until(() => {
      const length = receive(this.#fd, buffer);
      const packet = length === null ? null : decodeIpv4(buffer.subarray(0, length));
      if (!packet?.ok || packet.value.payload[0] !== 8) return false;
      echo = Uint8Array.from(packet.value.payload);
      from = packet.value.source;
      return true;
    }, "an echo request");
    echo.set([0, 0, 0, 0]);
    change(echo);
    new DataView(echo.buffer).setUint16(2, (internetChecksum(echo) + spoil) & 0xffff);
    const sender = this.#host.namespace.run(() =>
      openSocket(AF.INET, SOCK.RAW, IPPROTO.ICMP, "send a forged answer")
    );
    try {
      bindSocket(sender, sockaddrIn(ipBytes(ip(source))));
      sendTo(sender, echo, sockaddrIn(ipBytes(ip(from))));
    } finally {
      closeFd(sender);
    }
  }

  [Symbol.dispose](): void {
    closeFd(this.#fd);
  }
}
