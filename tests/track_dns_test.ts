import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import dnsPacket from "dns-packet";
import fc from "fast-check";
import { ip } from "../lib/core/address.ts";
import { DNS_TYPES, type DnsProbe, type DnsType } from "../lib/core/probe_spec.ts";
import { millis } from "../lib/core/time.ts";
import { couldNotRun, failed, GOOD, type ProbeHost, type Verdict } from "../lib/track/checker.ts";
import { checkDns } from "../lib/track/dns.ts";
import { sleep, until } from "./lab/until.ts";
import { answerHead, buildQuery, isDnsName, judgeAnswer } from "../lib/track/dns_message.ts";

const HOST: ProbeHost = {
  addressOf: (device) => device === "lo" ? ip("127.0.0.1") : null,
  ping: () => assert.fail("no pings here"),
};

/** Never aborted. */
const { signal: CALM } = new AbortController();

/** What the server sends back to a question: messages, or bytes, in order. */
type Reply = (question: Message, transport: "udp" | "tcp") => readonly (Message | Uint8Array)[];

/** A message as the library takes it. */
interface Message {
  readonly id: number;
  readonly flags?: number;
  readonly type?: "query" | "response";
  readonly questions: readonly { readonly name: string; readonly type: string }[];
  readonly answers?: readonly unknown[];
}

/** The library without its types, which are not installed. */
const library = dnsPacket as unknown as {
  encode(message: unknown): Buffer;
  decode(bytes: Buffer): Message;
};

const TRUNCATED = 0x0200;

/** A name server on loopback, on one port by UDP and TCP, that answers as it is told. */
class FakeServer implements AsyncDisposable {
  readonly questions: {
    readonly transport: "udp" | "tcp";
    readonly from: string;
    readonly port: number;
  }[] = [];
  readonly #connections = new Set<Socket>();
  readonly #udp: Datagrams;
  readonly #tcp: Server;

  private constructor(udp: Datagrams, tcp: Server, reply: Reply) {
    this.#udp = udp;
    this.#tcp = tcp;
    udp.on("message", (bytes, { address, port }) => {
      this.questions.push({ transport: "udp", from: address, port });
      for (const message of reply(library.decode(bytes), "udp")) {
        udp.send(encode(message), port, address);
      }
    });
    tcp.on("connection", (socket) => {
      this.#connections.add(socket);
      socket.on("close", () => this.#connections.delete(socket));
      socket.on("error", () => {});
      socket.once("data", (bytes: Buffer) => {
        const from = socket.remoteAddress!, port = socket.remotePort!;
        this.questions.push({ transport: "tcp", from, port });
        for (const message of reply(library.decode(bytes.subarray(2)), "tcp")) {
          const data = encode(message), head = Buffer.alloc(2);
          head.writeUInt16BE(data.length);
          // Cut in the middle, as streams are.
          socket.write(Buffer.concat([head, data.subarray(0, 5)]));
          socket.write(data.subarray(5));
        }
      });
    });
  }

  static async start(reply: Reply, address = "127.0.0.1"): Promise<FakeServer> {
    for (;;) {
      const tcp = createServer().listen(0, address);
      await once(tcp, "listening");
      const udp = createSocket(address.includes(":") ? "udp6" : "udp4");
      udp.bind((tcp.address() as AddressInfo).port, address);
      try {
        await once(udp, "listening");
        return new FakeServer(udp, tcp, reply);
      } catch {
        // Somebody has that port by UDP: another one.
        tcp.close();
      }
    }
  }

  get port(): number {
    return (this.#tcp.address() as AddressInfo).port;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#connections.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    const closed = [once(this.#udp, "close"), once(this.#tcp, "close")];
    this.#udp.close();
    this.#tcp.close();
    await Promise.all(closed);
  }
}

function encode(message: Message | Uint8Array): Buffer {
  return message instanceof Uint8Array ? Buffer.from(message) : library.encode(message);
}

/** The answer to a question: `flags` hold the response code. */
function answer(question: Message, answers: readonly unknown[], flags = 0): Message {
  const { id, questions } = question;
  return { id, type: "response", flags, questions, answers };
}

function a(data: string, name = "www.example.org") {
  return { name, type: "A", ttl: 60, data };
}

function probe(port: number, change: Partial<DnsProbe> = {}): DnsProbe {
  return {
    kind: "dns",
    server: ip("127.0.0.1"),
    port,
    name: "www.example.org",
    type: "A",
    answer: null,
    tcp: false,
    sourceAddress: null,
    device: null,
    ...change,
  };
}

function check(spec: DnsProbe, signal = CALM): Promise<Verdict> {
  return checkDns(spec, { signal, timeoutUs: millis(1000), host: HOST });
}

/** A verdict that must not come: whoever waits is aborted in the end. */
async function aborted(spec: DnsProbe, asked: () => boolean): Promise<Verdict> {
  const controller = new AbortController();
  const verdict = check(spec, controller.signal);
  await until(asked, "the question");
  // What the server has sent is here by now, and was passed over.
  await sleep(50);
  controller.abort();
  return await verdict;
}

Deno.test("checkDns() is good when the server answers, by UDP and by TCP", async () => {
  await using server = await FakeServer.start((question) => [answer(question, [a("192.0.2.9")])]);
  assert.deepEqual(await check(probe(server.port)), GOOD);
  assert.deepEqual(await check(probe(server.port, { tcp: true, answer: "192.0.2.9" })), GOOD);
  assert.deepEqual(server.questions.map(({ transport }) => transport), ["udp", "tcp"]);
});

Deno.test("checkDns() asks an IPv6 server, by UDP and by TCP", async () => {
  const reply: Reply = (question) => [answer(question, [a("192.0.2.9")])];
  await using server = await FakeServer.start(reply, "::1");
  for (const tcp of [false, true]) {
    assert.deepEqual(await check(probe(server.port, { server: ip("::1"), tcp })), GOOD);
  }
});

Deno.test("checkDns() leaves from the source address or from that of the device", async () => {
  await using server = await FakeServer.start((question) => [answer(question, [a("192.0.2.9")])]);
  for (const tcp of [false, true]) {
    const sourceAddress = ip("127.0.0.7");
    assert.deepEqual(await check(probe(server.port, { tcp, sourceAddress })), GOOD);
    assert.deepEqual(await check(probe(server.port, { tcp, device: "lo" })), GOOD);
  }
  const expected = ["127.0.0.7", "127.0.0.1", "127.0.0.7", "127.0.0.1"];
  assert.deepEqual(server.questions.map(({ from }) => from), expected);
  assert.deepEqual(
    await check(probe(server.port, { device: "gone" })),
    couldNotRun("gone has no IPv4 address"),
  );
  const foreign = await check(probe(server.port, { sourceAddress: ip("192.0.2.77") }));
  assert.deepEqual(foreign, failed("the source address is not on this host"));
});

Deno.test("checkDns() passes over forged and late answers and takes the right one behind", async () => {
  const wrong = (question: Message): (Message | Uint8Array)[] => [
    answer({ ...question, id: question.id ^ 1 }, [a("192.0.2.66")]),
    answer({ ...question, questions: [{ name: "www.example.net", type: "A" }] }, [a("192.0.2.66")]),
    answer({ ...question, questions: [{ name: "www.example.org", type: "AAAA" }] }, []),
    answer({ ...question, questions: [] }, [a("192.0.2.66")]),
    { ...answer(question, [a("192.0.2.66")]), type: "query" },
    Uint8Array.of(1, 2, 3),
    new Uint8Array(0),
  ];
  await using server = await FakeServer.start((question) => [
    ...wrong(question),
    answer(question, [a("192.0.2.9")]),
  ]);
  for (const tcp of [false, true]) {
    assert.deepEqual(await check(probe(server.port, { tcp, answer: "192.0.2.9" })), GOOD);
  }
  await using forger = await FakeServer.start(wrong);
  for (const tcp of [false, true]) {
    const before = forger.questions.length;
    const verdict = await aborted(
      probe(forger.port, { tcp }),
      () => forger.questions.length > before,
    );
    assert.deepEqual(verdict, failed("aborted"));
  }
});

Deno.test("checkDns() passes over the right answer from another address or port", async () => {
  const elsewhere = createSocket("udp4");
  elsewhere.bind(0, "127.0.0.2");
  await once(elsewhere, "listening");
  const server = createSocket("udp4");
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  let asked = false;
  server.on("message", (bytes, { port, address }) => {
    const right = library.encode(answer(library.decode(bytes), [a("192.0.2.9")]));
    elsewhere.send(right, port, address, () => asked = true);
  });
  const verdict = await aborted(probe(server.address().port), () => asked);
  assert.deepEqual(verdict, failed("aborted"));
  const closed = [once(server, "close"), once(elsewhere, "close")];
  server.close();
  elsewhere.close();
  await Promise.all(closed);
});

Deno.test("checkDns() asks again by TCP when the answer was cut to fit", async () => {
  await using server = await FakeServer.start((question, transport) =>
    transport === "udp"
      ? [answer(question, [a("192.0.2.66")], TRUNCATED)]
      : [answer(question, [a("192.0.2.9")])]
  );
  assert.deepEqual(await check(probe(server.port, { answer: "192.0.2.9" })), GOOD);
  assert.deepEqual(server.questions.map(({ transport }) => transport), ["udp", "tcp"]);
});

Deno.test("checkDns() says what the server answered instead", async () => {
  let reply: Reply = () => [];
  await using server = await FakeServer.start((...about) => reply(...about));
  const cases: [Reply, Partial<DnsProbe>, string][] = [
    [(question) => [answer(question, [], 3)], {}, "NXDOMAIN"],
    [(question) => [answer(question, [], 2)], {}, "SERVFAIL"],
    [(question) => [answer(question, [], 5)], {}, "REFUSED"],
    [(question) => [answer({ ...question, questions: [] }, [], 5)], {}, "REFUSED"],
    [(question) => [answer(question, [], 11)], {}, "DNS error 11"],
    [(question) => [answer(question, [])], {}, "no answer of type A"],
    [
      (question) => [answer(question, [a("192.0.2.9")])],
      { answer: "192.0.2.1" },
      "answer is 192.0.2.9, not 192.0.2.1",
    ],
    [
      (question) => [answer(question, [5, 4, 3, 2, 1].map((last) => a(`192.0.2.${last}`)))],
      { answer: "192.0.2.9" },
      "answer is 192.0.2.1, 192.0.2.2, 192.0.2.3 and 2 more, not 192.0.2.9",
    ],
    [
      (question) => {
        const whole = library.encode(answer(question, [a("192.0.2.9")]));
        return [whole.subarray(0, whole.length - 2)];
      },
      {},
      "the answer cannot be read",
    ],
  ];
  for (const [next, change, why] of cases) {
    reply = next;
    assert.deepEqual(await check(probe(server.port, change)), failed(why));
  }
});

Deno.test("checkDns() says connection refused and connection closed by TCP", async () => {
  const closing = createServer((socket) => socket.resume().end()).listen(0, "127.0.0.1");
  await once(closing, "listening");
  const { port } = closing.address() as AddressInfo;
  assert.deepEqual(
    await check(probe(port, { tcp: true })),
    failed("connection closed before the answer"),
  );
  const closed = once(closing, "close");
  closing.close();
  await closed;
  assert.deepEqual(await check(probe(port, { tcp: true })), failed("connection refused"));
});

Deno.test("checkDns() settles at once and closes when aborted", async () => {
  await using server = await FakeServer.start(() => []);
  for (const tcp of [false, true]) {
    const controller = new AbortController(), asked = server.questions.length;
    const verdict = check(probe(server.port, { tcp }), controller.signal);
    await until(() => server.questions.length > asked, "the question");
    const { port } = server.questions.at(-1)!;
    if (!tcp) assert.equal(await canBind(port), false);
    const at = performance.now();
    controller.abort();
    assert.deepEqual(await verdict, failed("aborted"));
    assert.ok(performance.now() - at < 30_000);
    await until(() => server.connections === 0, "the connection to be closed");
    // Deno gives the port back one turn later.
    if (!tcp) { while (!await canBind(port)) await sleep(5); }
  }
  const verdict = await check(probe(server.port), AbortSignal.abort());
  assert.deepEqual(verdict, failed("aborted"));
  assert.equal(server.questions.length, 2);
});

/** Whether nobody has this port of UDP. */
async function canBind(port: number): Promise<boolean> {
  const socket = createSocket("udp4").bind(port, "127.0.0.1");
  try {
    await once(socket, "listening");
    return true;
  } catch {
    return false;
  } finally {
    const closed = once(socket, "close");
    socket.close();
    await closed;
  }
}

Deno.test("checkDns() could not run with what is no name, or a link-local server", async () => {
  for (const name of ["", ".example", "a..b", "x".repeat(64), `${"a.".repeat(127)}org`]) {
    assert.equal(isDnsName(name), false, name);
    assert.deepEqual(
      await check(probe(1, { name })),
      couldNotRun(`"${name}" is not a domain name`),
    );
  }
  for (const name of [".", "org", "org.", "x".repeat(63), "_ldap._tcp.example.org"]) {
    assert.equal(isDnsName(name), true, name);
  }
  assert.deepEqual(
    await check(probe(1, { server: ip("fe80::1") })),
    couldNotRun("a link-local server cannot be asked"),
  );
});

Deno.test("judgeAnswer() compares each type as zone files write it", async () => {
  const soa = {
    ...{ mname: "ns1.example.org", rname: "Hostmaster.example.org", serial: 2024010101 },
    ...{ refresh: 3600, retry: 600, expire: 86400, minimum: 60 },
  };
  const cases: Record<DnsType, [data: unknown, same: string[], other: string[]]> = {
    A: ["192.0.2.9", ["192.0.2.9"], ["192.0.2.90", "192.0.2"]],
    AAAA: ["2001:db8::9", ["2001:db8::9", "2001:DB8:0:0::9"], ["2001:db8::", "::9"]],
    CNAME: ["Web.example.org", ["web.example.org", "WEB.example.ORG."], ["web.example.net"]],
    MX: [
      { preference: 10, exchange: "mail.example.org" },
      ["10 mail.example.org", "010  Mail.example.org."],
      ["20 mail.example.org", "mail.example.org", "10"],
    ],
    NS: ["ns1.example.org", ["NS1.example.org."], ["ns2.example.org"]],
    PTR: ["web.example.org", ["web.example.org"], ["example.org"]],
    SOA: [
      soa,
      [
        "ns1.example.org",
        "ns1.example.org. hostmaster.example.org. 2024010101",
        "ns1.example.org hostmaster.example.org 2024010101 3600 600 86400 60",
      ],
      ["ns1.example.or", "hostmaster.example.org", "ns1.example.org hostmaster.example.org 2024"],
    ],
    SRV: [
      { priority: 5, weight: 0, port: 389, target: "ldap.example.org" },
      ["5 0 389 ldap.example.org"],
      ["5 1 389 ldap.example.org", "5 0 389 ldap"],
    ],
    TXT: [["v=spf1 ", "-all"], ["v=spf1 -all"], ["V=spf1 -all", "v=spf1", "v=spf1-all"]],
  };
  for (const type of DNS_TYPES) {
    const [data, same, other] = cases[type];
    const question = { id: 1, questions: [{ name: "example.org", type }] };
    const message = library.encode(answer(question, [{ name: "example.org", type, data }]));
    for (const expected of same) {
      const verdict = await judgeAnswer({ type, answer: expected }, message);
      assert.deepEqual(verdict, GOOD, `${type} ${expected}`);
    }
    for (const expected of other) {
      const verdict = await judgeAnswer({ type, answer: expected }, message);
      assert.equal(verdict.good, false, `${type} ${expected}`);
    }
  }
});

Deno.test("judgeAnswer() follows an alias, and counts only class IN and the asked type", async () => {
  const question = { id: 1, questions: [{ name: "www.example.org", type: "A" }] };
  const alias = { name: "www.example.org", type: "CNAME", data: "web.example.org" };
  const expected = { type: "A", answer: "192.0.2.9" } as const;
  const chain = library.encode(answer(question, [alias, a("192.0.2.9", "web.example.org")]));
  assert.deepEqual(await judgeAnswer(expected, chain), GOOD);
  const alone = library.encode(answer(question, [alias]));
  assert.deepEqual(await judgeAnswer(expected, alone), failed("no answer of type A"));
  const chaos = library.encode(answer(question, [{ ...a("192.0.2.9"), class: "CH" }]));
  assert.deepEqual(await judgeAnswer(expected, chaos), failed("no answer of type A"));
});

Deno.test("answerHead() and judgeAnswer() never throw, whatever comes", async () => {
  const query = await buildQuery("www.example.org", "A");
  await fc.assert(fc.asyncProperty(
    fc.uint8Array({ maxLength: 100 }),
    fc.constantFrom(...DNS_TYPES),
    async (tail, type) => {
      answerHead(query, tail);
      // The right head and question, one answer announced, and then anything.
      const message = new Uint8Array([...query.message, ...tail]);
      message.set([0x80, 0, 0, 1, 0, 1], 2);
      assert.notEqual(answerHead(query, message), null);
      await judgeAnswer({ type, answer: "x" }, message);
    },
  ));
});

Deno.test("buildQuery() takes ids from everywhere in their range", async () => {
  const ids = new Set<number>();
  for (let count = 0; count < 100; count++) {
    const { message } = await buildQuery("example.org", "A");
    ids.add(message[0]! << 8 | message[1]!);
  }
  // A hundred of 65,536: more than five pairs that are the same have a chance below 1 in a billion.
  assert.ok(ids.size >= 95);
  assert.ok(Math.max(...ids) - Math.min(...ids) > 0x4000);
});
