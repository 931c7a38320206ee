import assert from "node:assert/strict";
import {
  controlMessages,
  hopLimit,
  packetInfo4,
  packetInfo6,
  readControl,
  readPacketInfo4,
  readPacketInfo6,
  readTimestampNs,
  readTtl,
  timeToLive,
} from "../ffi/control.ts";
import { closeFd } from "../ffi/fd.ts";
import { POLL, PollSet } from "../ffi/poll.ts";
import {
  AF,
  ARPHRD,
  attachFilter,
  bindSocket,
  bindToDevice,
  connectSocket,
  ETH_P,
  getOption,
  IP,
  IPPROTO,
  IPV6,
  joinGroup4,
  joinGroup6,
  leaveGroup4,
  leaveGroup6,
  MessageBuffer,
  openSocket,
  PACKET,
  PROTOCOL_VRRP,
  readSockaddrIn,
  readSockaddrIn6,
  readSockaddrLinkLayer,
  readSockaddrNetlink,
  receiveMessage,
  sendMessage,
  sendTo,
  setMulticastInterface4,
  setMulticastInterface6,
  setOption,
  setPromiscuous,
  SO,
  SOCK,
  sockaddrIn,
  sockaddrIn6,
  sockaddrLinkLayer,
  sockaddrNetlink,
  socketName,
  socketPair,
  SOL,
} from "../ffi/socket.ts";
import {
  ADDRESS4,
  ADDRESS6,
  joinedNamespaces,
  privilegedTest,
  type Side,
} from "./tools/ffi_lab.ts";

/** 224.0.0.18 and ff02::12, where VRRP is spoken. */
const GROUP4 = Uint8Array.of(224, 0, 0, 18);
const GROUP6 = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12);

privilegedTest("a raw IPv4 packet with its own header arrives with TTL and packet info", () => {
  using pair = joinedNamespaces();
  const receiver = vrrpReceiver4(pair.b),
    sender = pair.a.namespace.run(() => {
      const fd = openSocket(AF.INET, SOCK.RAW, IPPROTO.RAW, "send VRRP");
      setOption(fd, IPPROTO.IP, IP.HDRINCL, 1, "write the IP header");
      setOption(fd, IPPROTO.IP, IP.MULTICAST_LOOP, 0, "not hear ourselves");
      setMulticastInterface4(fd, pair.a.index);
      return fd;
    });
  const packet = ipv4Packet(ADDRESS4.a, GROUP4, 255, Uint8Array.of(0x31, 51, 100, 0));
  const send = () => sendTo(sender, packet, sockaddrIn(GROUP4));
  assert.equal(send(), packet.length);
  const message = waitMessage(receiver, new MessageBuffer(), send);
  assert.equal(message.data.subarray(20).toHex(), "31336400");
  assert.equal(message.length, 24);
  assert.equal(message.truncated, false);
  assert.deepEqual(readSockaddrIn(message.from)?.address, ADDRESS4.a);
  assert.equal(readTtl(message.control), 255);
  const info = readPacketInfo4(message.control)!;
  assert.equal(info.ifindex, pair.b.index);
  assert.deepEqual(info.destination, GROUP4);
  assert.deepEqual(info.localAddress, ADDRESS4.b);
  leaveGroup4(receiver, GROUP4, pair.b.index);
  assert.throws(() => leaveGroup4(receiver, GROUP4, pair.b.index), { code: "EADDRNOTAVAIL" });
  closeFd(receiver);
  closeFd(sender);
});

privilegedTest(
  "sendMessage() sends by the interface, source and TTL of its control messages",
  () => {
    using pair = joinedNamespaces();
    const receiver = vrrpReceiver4(pair.b);
    const sender = pair.a.namespace.run(() => {
      return openSocket(AF.INET, SOCK.RAW, PROTOCOL_VRRP, "send VRRP");
    });
    const control = controlMessages(packetInfo4(pair.a.index, ADDRESS4.a), timeToLive(254));
    const send = () =>
      sendMessage(sender, { to: sockaddrIn(GROUP4), data: Uint8Array.of(1, 2, 3), control });
    send();
    const message = waitMessage(receiver, new MessageBuffer(), send);
    assert.equal(message.data.subarray(20).toHex(), "010203");
    assert.equal(readTtl(message.control), 254);
    // The kernel's own copy for us would arrive before: the sender has not joined, so there is none.
    assert.equal(receiveMessage(sender, new MessageBuffer()), null);
    closeFd(receiver);
    closeFd(sender);
  },
);

privilegedTest(
  "a raw IPv6 packet arrives with hop limit, packet info and the kernel's checksum",
  () => {
    using pair = joinedNamespaces();
    const open = ({ namespace, name, index }: Side) =>
      namespace.run(() => {
        const fd = openSocket(AF.INET6, SOCK.RAW, PROTOCOL_VRRP, "speak VRRP");
        setOption(fd, IPPROTO.IPV6, IPV6.RECVPKTINFO, 1, "receive packet info");
        setOption(fd, IPPROTO.IPV6, IPV6.RECVHOPLIMIT, 1, "receive hop limits");
        setOption(fd, IPPROTO.IPV6, IPV6.CHECKSUM, 6, "have checksums made");
        setOption(fd, IPPROTO.IPV6, IPV6.MULTICAST_LOOP, 0, "not hear ourselves");
        setMulticastInterface6(fd, index);
        bindToDevice(fd, name);
        joinGroup6(fd, GROUP6, index);
        return fd;
      });
    const sender = open(pair.a), receiver = open(pair.b);
    const control = controlMessages(packetInfo6(pair.a.index, ADDRESS6.a), hopLimit(255));
    const data = Uint8Array.of(0x31, 51, 100, 0, 0, 100, 0, 0);
    const send = () =>
      sendMessage(sender, { to: sockaddrIn6(GROUP6, pair.a.index), data, control });
    assert.equal(send(), 8);
    const message = waitMessage(receiver, new MessageBuffer(), send);
    assert.equal(message.data.subarray(0, 6).toHex(), "313364000064");
    assert.notEqual(message.data.subarray(6).toHex(), "0000");
    assert.deepEqual(readSockaddrIn6(message.from), {
      address: ADDRESS6.a,
      port: 0,
      scopeId: pair.b.index,
    });
    assert.equal(readTtl(message.control), 255);
    assert.deepEqual(readPacketInfo6(message.control), {
      ifindex: pair.b.index,
      destination: GROUP6,
    });
    leaveGroup6(receiver, GROUP6, pair.b.index);
    closeFd(receiver);
    closeFd(sender);
  },
);

privilegedTest("a packet socket sends and receives frames, with time and sender", () => {
  using pair = joinedNamespaces();
  const open = ({ namespace, index }: Side) =>
    namespace.run(() => {
      const fd = openSocket(AF.PACKET, SOCK.DGRAM, ETH_P.ARP, "speak ARP");
      setOption(fd, SOL.SOCKET, SO.TIMESTAMPNS, 1, "have packets dated");
      setPromiscuous(fd, index);
      bindSocket(fd, sockaddrLinkLayer(index, ETH_P.ARP));
      return fd;
    });
  const sender = open(pair.a), receiver = open(pair.b);
  const everyone = new Uint8Array(6).fill(0xff);
  const data = new Uint8Array(28).fill(0xa5);
  sendTo(sender, data, sockaddrLinkLayer(pair.a.index, ETH_P.ARP, everyone));
  // The kernels may speak ARP too: ours is known by its bytes.
  const buffer = new MessageBuffer();
  let message = waitMessage(receiver, buffer);
  while (message.data[0] !== 0xa5) message = waitMessage(receiver, buffer);
  const from = readSockaddrLinkLayer(message.from)!;
  assert.equal(from.ifindex, pair.b.index);
  assert.equal(from.protocol, ETH_P.ARP);
  assert.equal(from.hardwareType, ARPHRD.ETHER);
  assert.equal(from.packetType, PACKET.BROADCAST);
  assert.equal(from.address.length, 6);
  const ageNs = BigInt(Date.now()) * 1_000_000n - readTimestampNs(message.control)!;
  assert.ok(ageNs > -1_000_000_000n && ageNs < 60_000_000_000n);
  closeFd(receiver);
  closeFd(sender);
});

privilegedTest("attachFilter() drops in the kernel what the program rejects", () => {
  using pair = joinedNamespaces();
  const receiver = vrrpReceiver4(pair.b);
  // Accept VRID 51 only: load byte 21 (behind the 20 of the header), compare, return.
  attachFilter(receiver, [
    { code: 0x30, jt: 0, jf: 0, k: 21 },
    { code: 0x15, jt: 0, jf: 1, k: 51 },
    { code: 0x06, jt: 0, jf: 0, k: 0xffff_ffff },
    { code: 0x06, jt: 0, jf: 0, k: 0 },
  ]);
  const sender = pair.a.namespace.run(() => {
    return openSocket(AF.INET, SOCK.RAW, PROTOCOL_VRRP, "send VRRP");
  });
  const control = controlMessages(packetInfo4(pair.a.index));
  for (const vrid of [50, 51, 52]) {
    sendMessage(sender, { to: sockaddrIn(GROUP4), data: Uint8Array.of(0x31, vrid), control });
  }
  assert.equal(waitMessage(receiver, new MessageBuffer()).data[21], 51);
  assert.equal(receiveMessage(receiver, new MessageBuffer()), null);
  assert.throws(() => attachFilter(receiver, [{ code: 0xffff, jt: 0, jf: 0, k: 0 }]), {
    code: "EINVAL",
  });
  closeFd(receiver);
  closeFd(sender);
});

privilegedTest("bindToDevice() throws ENODEV when there is no such interface", () => {
  const fd = openSocket(AF.INET, SOCK.DGRAM, 0, "test");
  assert.throws(() => bindToDevice(fd, "no-such-if"), { code: "ENODEV" });
  closeFd(fd);
});

Deno.test("receiveMessage() says truncated when the datagram is longer than the buffer", () => {
  const [left, right] = socketPair(), buffer = new MessageBuffer(8, 0);
  sendTo(left, new Uint8Array(20).fill(7), null);
  assert.equal(receiveMessage(right, buffer), buffer);
  assert.equal(buffer.length, 8);
  assert.equal(buffer.truncated, true);
  sendMessage(left, { data: Uint8Array.of(1) });
  assert.equal(receiveMessage(right, buffer)?.truncated, false);
  assert.deepEqual(buffer.data, Uint8Array.of(1));
  assert.deepEqual(buffer.control, []);
  assert.equal(buffer.from.length, 0);
  assert.equal(receiveMessage(right, buffer), null);
  closeFd(left);
  closeFd(right);
});

Deno.test("sendMessage() grows its memory when the datagram is large", () => {
  const [left, right] = socketPair(), buffer = new MessageBuffer(100_000);
  const data = new Uint8Array(50_000).fill(3);
  assert.equal(sendMessage(left, { data }), 50_000);
  assert.equal(receiveMessage(right, buffer)?.length, 50_000);
  assert.deepEqual(buffer.data, data);
  closeFd(left);
  closeFd(right);
});

Deno.test("sendTo() throws EAGAIN when the peer does not read, EPIPE when it is gone", () => {
  const [left, right] = socketPair();
  assert.throws(() => {
    for (;;) sendTo(left, new Uint8Array(1000), null);
  }, { code: "EAGAIN", message: /^Cannot send a packet: sendto: EAGAIN/ });
  closeFd(right);
  assert.throws(() => sendTo(left, new Uint8Array(1), null), { code: /EPIPE|ECONNRESET/ });
  closeFd(left);
});

Deno.test("connectSocket() and socketName() agree on loopback UDP", () => {
  const loopback = Uint8Array.of(127, 0, 0, 1);
  const server = openSocket(AF.INET, SOCK.DGRAM, 0, "test");
  bindSocket(server, sockaddrIn(loopback));
  const name = socketName(server);
  assert.deepEqual(readSockaddrIn(name)?.address, loopback);
  const client = openSocket(AF.INET, SOCK.DGRAM, 0, "test");
  connectSocket(client, name);
  sendTo(client, Uint8Array.of(9), null);
  assert.deepEqual(waitMessage(server, new MessageBuffer()).data, Uint8Array.of(9));
  assert.throws(() => bindSocket(client, name), { code: "EINVAL" });
  closeFd(client);
  closeFd(server);
});

Deno.test("getOption() reads what setOption() set", () => {
  const fd = openSocket(AF.INET6, SOCK.DGRAM, 0, "test");
  setOption(fd, IPPROTO.IPV6, IPV6.UNICAST_HOPS, 77, "set hops");
  assert.equal(getOption(fd, IPPROTO.IPV6, IPV6.UNICAST_HOPS), 77);
  assert.equal(getOption(fd, SOL.SOCKET, SO.TYPE), SOCK.DGRAM);
  assert.throws(() => setOption(fd, SOL.SOCKET, 9999, 1, "try a wish"), {
    message: "Cannot try a wish: setsockopt: ENOPROTOOPT (Protocol not available)",
  });
  closeFd(fd);
});

Deno.test("socket addresses read back what was built and refuse what is cut", () => {
  const address16 = Uint8Array.from({ length: 16 }, (_, at) => at);
  const mac = Uint8Array.of(0, 0, 0x5e, 0, 1, 51);
  const built = [
    sockaddrIn(ADDRESS4.a, 80),
    sockaddrIn6(address16, 3, 443),
    sockaddrLinkLayer(2, ETH_P.IPV6, mac),
    sockaddrNetlink(77, 5),
  ];
  assert.deepEqual(readSockaddrIn(built[0]!), { address: ADDRESS4.a, port: 80 });
  assert.deepEqual(readSockaddrIn6(built[1]!), { address: address16, port: 443, scopeId: 3 });
  const { ifindex, protocol, address } = readSockaddrLinkLayer(built[2]!)!;
  assert.deepEqual({ ifindex, protocol, address }, { ifindex: 2, protocol: 0x86dd, address: mac });
  assert.deepEqual(readSockaddrNetlink(built[3]!), { port: 77, groups: 5 });
  const readers = [readSockaddrIn, readSockaddrIn6, readSockaddrLinkLayer, readSockaddrNetlink];
  for (const [index, whole] of built.entries()) {
    for (const [other, read] of readers.entries()) {
      if (other !== index) assert.equal(read(whole), null);
      assert.equal(read(whole.subarray(0, 11)), null);
    }
  }
  assert.throws(() => sockaddrIn(address16), RangeError);
  assert.throws(() => sockaddrIn6(ADDRESS4.a, 0), RangeError);
  assert.throws(() => sockaddrLinkLayer(1, 0, address16), RangeError);
});

Deno.test("readControl() never reads past a buffer that is cut at any length", () => {
  const whole = controlMessages(timeToLive(255), packetInfo4(3), hopLimit(1), packetInfo6(4));
  assert.equal(readControl(whole).length, 4);
  for (let length = 0; length < whole.length - 4; length++) { // the last 4 are padding
    const found = readControl(whole.subarray(0, length));
    assert.ok(found.length < 4);
    readPacketInfo6(found);
    readTtl(found);
  }
});

function vrrpReceiver4({ namespace, name, index }: Side): number {
  return namespace.run(() => {
    const fd = openSocket(AF.INET, SOCK.RAW, PROTOCOL_VRRP, "receive VRRP");
    setOption(fd, IPPROTO.IP, IP.PKTINFO, 1, "receive packet info");
    setOption(fd, IPPROTO.IP, IP.RECVTTL, 1, "receive TTLs");
    setOption(fd, IPPROTO.IP, IP.MULTICAST_ALL, 0, "hear own groups only");
    bindToDevice(fd, name);
    joinGroup4(fd, GROUP4, index);
    return fd;
  });
}

/**
 * Waits for a datagram, at most a minute.
 * @param again Sends it once more: a link that is new may drop what is sent first.
 */
function waitMessage(fd: number, buffer: MessageBuffer, again = () => {}): MessageBuffer {
  const set = new PollSet();
  set.add(fd, POLL.IN);
  let left = 60;
  while (set.wait(1_000_000) === 0) {
    assert.notEqual(left--, 0, "no packet in a minute");
    again();
  }
  const message = receiveMessage(fd, buffer);
  assert.ok(message);
  return message;
}

/** An IPv4 packet of protocol 112; the kernel fills in length and checksum for IP_HDRINCL. */
function ipv4Packet(
  source: Uint8Array,
  destination: Uint8Array,
  ttl: number,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(20 + payload.length);
  packet.set([0x45, 0xc0, 0, 0, 0, 0, 0, 0, ttl, PROTOCOL_VRRP]);
  packet.set(source, 12);
  packet.set(destination, 16);
  packet.set(payload, 20);
  return packet;
}
