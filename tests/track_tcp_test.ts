/** The TCP check against servers on this host; and where probes leave from. */

import assert from "node:assert/strict";
import { type Ip, ip } from "../lib/core/address.ts";
import type { BodyTest, TcpProbe } from "../lib/core/probe_spec.ts";
import { couldNotRun, failed, GOOD, type Verdict } from "../lib/track/checker.ts";
import { Names } from "../lib/track/names.ts";
import { addressesOf, localAddressFor, routesTo } from "../lib/track/source.ts";
import { checkTcp } from "../lib/track/tcp.ts";
import { inWords } from "../lib/track/words.ts";
import { until } from "./lab/until.ts";
import { VirtualClock } from "./track_clock.ts";
import { context, fakeHost, noMoreDescriptorsThan, openDescriptors } from "./track_host.ts";
import { aloneTest } from "./tools/alone.ts";

function probe(port: number, rest: Partial<TcpProbe> = {}): TcpProbe {
  return {
    kind: "tcp",
    to: { host: "127.0.0.1", port },
    send: null,
    expect: null,
    sourceAddress: null,
    device: null,
    ...rest,
  };
}

const contains = (text: string): BodyTest => ({ kind: "contains", text });

type Handler = (connection: Deno.Conn) => Promise<void> | void;

/** A server that does the same with every connection and closes them all when it is disposed of. */
class Server implements AsyncDisposable {
  readonly connections: Deno.Conn[] = [];
  readonly #listener: Deno.Listener;
  readonly #served: Promise<void>;

  constructor(
    handler: Handler = () => {},
    options: { path: string } | { hostname: string } = { hostname: "127.0.0.1" },
  ) {
    this.#listener = "path" in options
      ? Deno.listen({ transport: "unix", path: options.path })
      : Deno.listen({ port: 0, hostname: options.hostname });
    this.#served = this.#serve(handler);
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  async #serve(handler: Handler): Promise<void> {
    for await (const connection of this.#listener) {
      this.connections.push(connection);
      // A client that has gone is no failure of the server.
      Promise.resolve(handler(connection)).catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#served.catch(() => {});
    for (const connection of this.connections) {
      try {
        connection.close();
      } catch { /* It was closed by its handler. */ }
    }
  }
}

/** Says something, and goes on as long as the client. */
function says(...texts: readonly string[]): Handler {
  return async (connection) => {
    for (const text of texts) {
      await connection.write(new TextEncoder().encode(text));
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  };
}

/** The port of a server that has gone. */
async function closedPort(): Promise<number> {
  await using server = new Server();
  return server.port;
}

Deno.test("checkTcp() is good once connected", async () => {
  await using server = new Server();
  assert.deepEqual(await checkTcp(probe(server.port), context()), GOOD);
});

Deno.test("checkTcp() says that the connection was refused", async () => {
  const verdict = await checkTcp(probe(await closedPort()), context());
  assert.deepEqual(verdict, failed("connection refused"));
});

Deno.test("checkTcp() tries each address of a name", async () => {
  await using server = new Server();
  const to = { host: "localhost", port: server.port };
  assert.deepEqual(await checkTcp(probe(0, { to }), context()), GOOD);
});

Deno.test("checkTcp() says that a host name was not found", async () => {
  const to = { host: "no-such-host.invalid", port: 1 };
  const verdict = await checkTcp(probe(0, { to }), context());
  assert.ok(!verdict.good && verdict.kind === "failed");
  assert.match(verdict.why, /^(host name not found|the name server did not answer)$/);
});

Deno.test("checkTcp() connects over IPv6", async () => {
  await using server = new Server(() => {}, { hostname: "::1" });
  const to = { host: "::1", port: server.port };
  assert.deepEqual(await checkTcp(probe(0, { to }), context()), GOOD);
});

Deno.test("checkTcp() leaves from the source address, or the device's first of the family", async () => {
  await using server = new Server();
  const host = fakeHost({ "eth9 ipv4": ip("127.0.0.3") });
  await checkTcp(probe(server.port, { sourceAddress: ip("127.0.0.2") }), context());
  await checkTcp(probe(server.port, { device: "eth9" }), context(undefined, host));
  const from = server.connections.map(({ remoteAddr }) => (remoteAddr as Deno.NetAddr).hostname);
  assert.deepEqual(from, ["127.0.0.2", "127.0.0.3"]);
});

Deno.test("checkTcp() could not run from an address that is not here, or a device without one", async () => {
  await using server = new Server();
  const foreign = await checkTcp(
    probe(server.port, { sourceAddress: ip("192.0.2.77") }),
    context(),
  );
  assert.deepEqual(foreign, couldNotRun("the source address is not on this host"));
  const bare = await checkTcp(probe(server.port, { device: "eth9" }), context());
  assert.deepEqual(bare, couldNotRun("eth9 has no IPv4 address"));
});

Deno.test("checkTcp() sends, and finds what it expects", async () => {
  await using server = new Server(async (connection) => {
    const bytes = new Uint8Array(64);
    const count = await connection.read(bytes) ?? 0;
    const asked = new TextDecoder().decode(bytes.subarray(0, count));
    await connection.write(
      new TextEncoder().encode(asked === "PING\r\n" ? "+PONG\r\n" : "-ERR\r\n"),
    );
  });
  const asked = (send: string) =>
    checkTcp(probe(server.port, { send, expect: contains("+PONG") }), context());
  assert.deepEqual(await asked("PING\r\n"), GOOD);
});

Deno.test("checkTcp() is good after sending when nothing is expected", async () => {
  await using server = new Server();
  assert.deepEqual(await checkTcp(probe(server.port, { send: "QUIT\r\n" }), context()), GOOD);
});

Deno.test("checkTcp() sends a byte for each character, whatever its value", async () => {
  const heard = Promise.withResolvers<number[]>();
  await using server = new Server(async (connection) => {
    const buffer = new Uint8Array(8);
    heard.resolve([...buffer.subarray(0, await connection.read(buffer) ?? 0)]);
  });
  await checkTcp(probe(server.port, { send: "\xff\0\xc3" }), context());
  assert.deepEqual(await heard.promise, [0xff, 0, 0xc3]);
});

Deno.test("checkTcp() finds what comes in pieces, on a connection that stays open", async () => {
  await using server = new Server(says("22", "0 rea", "dy"));
  for (
    const expect of [contains("220 ready"), { kind: "regex", pattern: "^220 \\w+y$" } as const]
  ) {
    assert.deepEqual(await checkTcp(probe(server.port, { expect }), context()), GOOD);
  }
});

Deno.test("checkTcp() says what is wrong with an answer that ends", async () => {
  await using server = new Server(async (connection) => {
    await connection.write(new TextEncoder().encode("500 busy"));
    connection.close();
  });
  const verdict = await checkTcp(probe(server.port, { expect: contains("220") }), context());
  assert.deepEqual(verdict, failed('answer does not contain "220"'));
});

Deno.test("checkTcp() says that the connection was closed before the answer", async () => {
  await using server = new Server((connection) => connection.close());
  const verdict = await checkTcp(probe(server.port, { expect: contains("220") }), context());
  assert.deepEqual(verdict, failed("connection closed before the answer"));
});

Deno.test("checkTcp() reads no more than 64 KiB", async () => {
  const flood = new Uint8Array(60_000).fill(0x78);
  await using server = new Server(async (connection) => {
    for (;;) await connection.write(flood);
  });
  const verdict = await checkTcp(probe(server.port, { expect: contains("220") }), context());
  assert.deepEqual(verdict, failed('answer does not contain "220" in its first 64 KiB'));
});

Deno.test("checkTcp() connects to a unix socket, and says when there is none or nobody listens", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/s`;
    const at = (unixSocket: string) => checkTcp(probe(0, { to: { unixSocket } }), context());
    {
      await using _server = new Server(() => {}, { path });
      assert.deepEqual(await at(path), GOOD);
    }
    assert.deepEqual(await at(`${folder}/none`), failed("no such file or directory"));
    await Deno.writeTextFile(`${folder}/file`, "");
    assert.deepEqual(await at(`${folder}/file`), failed("connection refused"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** "At once", on a machine that may be busy: what is aborted here would wait for minutes. */
const AT_ONCE_MS = 20_000;

/** How long a promise takes, in ms, and what came of it. */
async function timed<T>(promise: Promise<T>): Promise<[number, T]> {
  const began = performance.now();
  const value = await promise;
  return [performance.now() - began, value];
}

aloneTest(
  import.meta.url,
  "checkTcp() settles at once when aborted: waiting for an answer",
  async () => {
    await using server = new Server();
    const before = openDescriptors();
    const controller = new AbortController();
    const check = checkTcp(
      probe(server.port, { expect: contains("220") }),
      context(controller.signal),
    );
    while (server.connections.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    const [tookMs, verdict] = await timed(check);
    assert.ok(!verdict.good && tookMs < AT_ONCE_MS, `${tookMs} ms`);
    // The server's side of the connection stays open until the end.
    await noMoreDescriptorsThan(before + server.connections.length);
  },
);

aloneTest(
  import.meta.url,
  "checkTcp() settles at once when aborted: connecting to a host that is silent",
  async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
    const fillers: Promise<Deno.Conn | null>[] = [];
    const controllers: AbortController[] = [];
    try {
      // A full backlog drops further SYNs (tcp(7)); Linux takes one or two more than was asked for.
      const { port } = listener.addr as Deno.NetAddr;
      for (let count = 0; count < 8; count++) {
        const controller = new AbortController();
        controllers.push(controller);
        const { signal } = controller;
        const options = { ...listener.addr as Deno.NetAddr, transport: "tcp", signal } as const;
        fillers.push(Deno.connect(options).catch(() => null));
      }
      // Those that still ask when all have asked will go on to do so.
      await until(() => asking(port) >= 4, "a full backlog");
      const controller = new AbortController();
      const check = checkTcp(probe(port), context(controller.signal));
      const early = await Promise.race([
        check.then(() => "settled"),
        new Promise((resolve) => setTimeout(resolve, 200, "waits")),
      ]);
      assert.equal(early, "waits");
      const before = openDescriptors();
      controller.abort();
      const [tookMs, verdict] = await timed(check);
      assert.ok(!verdict.good && tookMs < AT_ONCE_MS, `${tookMs} ms`);
      await noMoreDescriptorsThan(before - 1);
    } finally {
      for (const controller of controllers) controller.abort();
      for (const filler of await Promise.all(fillers)) filler?.close();
      listener.close();
    }
  },
);

/** How many sockets of this host wait for an answer to their SYN to a port (proc_net_tcp(5)). */
function asking(port: number): number {
  const SYN_SENT = "02", remote = port.toString(16).toUpperCase().padStart(4, "0");
  const lines = Deno.readTextFileSync("/proc/self/net/tcp").trim().split("\n").slice(1);
  return lines.map((line) => line.trim().split(/\s+/))
    .filter(([, , to, state]) => to!.endsWith(`:${remote}`) && state === SYN_SENT).length;
}

Deno.test("checkTcp() settles at once when it was aborted before", async () => {
  await using server = new Server();
  const [tookMs, verdict] = await timed(checkTcp(probe(server.port), context(AbortSignal.abort())));
  assert.ok(!verdict.good && tookMs < AT_ONCE_MS);
});

aloneTest(
  import.meta.url,
  "checkTcp() leaves no descriptor behind: 3,000 checks, good, refused and aborted",
  async () => {
    const refused = await closedPort();
    await using server = new Server((connection) =>
      connection.readable.pipeTo(new WritableStream())
    );
    const once = async (index: number): Promise<Verdict> => {
      if (index % 3 === 0) return await checkTcp(probe(refused), context());
      if (index % 3 === 1) return await checkTcp(probe(server.port), context());
      const controller = new AbortController();
      const check = checkTcp(
        probe(server.port, { expect: contains("never") }),
        context(controller.signal),
      );
      setTimeout(() => controller.abort(), 2);
      return await check;
    };
    const batch = (from: number, count: number) =>
      Promise.all(Array.from({ length: count }, (_, index) => once(from + index)));
    await batch(0, 30);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const before = openDescriptors();
    const goods = [];
    for (let from = 0; from < 3000; from += 50) goods.push(...await batch(from, 50));
    assert.equal(goods.filter(({ good }) => good).length, 1000);
    await noMoreDescriptorsThan(before);
  },
);

Deno.test("localAddressFor() prefers the address that is given, and judges its family", () => {
  const host = fakeHost({ "eth0 ipv4": ip("10.0.0.1") });
  const from = (sourceAddress: string | null, device: string | null) => ({
    sourceAddress: sourceAddress === null ? null : ip(sourceAddress),
    device,
  });
  const cases = [
    [from(null, null), "ipv4", null],
    [from("10.0.0.9", "eth0"), "ipv4", "10.0.0.9"],
    [from(null, "eth0"), "ipv4", "10.0.0.1"],
  ] as const;
  for (const [source, family, expected] of cases) {
    assert.deepEqual(localAddressFor(source, family, host), { ok: true, value: expected });
  }
  assert.deepEqual(localAddressFor(from("10.0.0.9", null), "ipv6", host), {
    ok: false,
    error: couldNotRun("source 10.0.0.9 is not an IPv6 address"),
  });
  assert.deepEqual(localAddressFor(from(null, "eth0"), "ipv6", host), {
    ok: false,
    error: couldNotRun("eth0 has no IPv6 address"),
  });
});

Deno.test("routesTo() keeps those addresses that the source can reach", async () => {
  const source = { sourceAddress: ip("::1"), device: null };
  const { signal, host } = context();
  const routes = await routesTo("::1", source, { signal, host });
  assert.deepEqual(routes, { ok: true, value: [{ destination: "::1", source: "::1" }] });
  const none = await routesTo("127.0.0.1", source, { signal, host });
  assert.ok(!none.ok && !none.error.good && /source ::1 is not an IPv4/.test(none.error.why));
});

Deno.test("addressesOf() knows the names of /etc/hosts and gives up when aborted", async () => {
  const known = await addressesOf("localhost", new AbortController().signal);
  assert.ok(known.ok && known.value.some((one) => one === "127.0.0.1" || one === "::1"));
  const controller = new AbortController();
  const asked = addressesOf("a-name-nobody-has.invalid", controller.signal);
  controller.abort();
  const [tookMs, answer] = await timed(asked);
  assert.ok(!answer.ok && tookMs < AT_ONCE_MS);
});

/** A resolver whose answers the test gives. */
class Resolver {
  readonly asked: string[] = [];
  readonly clock = new VirtualClock();
  readonly names = new Names((name) => {
    const answer = Promise.withResolvers<readonly Ip[]>();
    this.asked.push(name);
    this.#answers.set(name, answer);
    return answer.promise;
  }, this.clock);
  readonly #answers = new Map<string, PromiseWithResolvers<readonly Ip[]>>();

  answer(name: string, ...addresses: string[]): void {
    this.#answers.get(name)!.resolve(addresses.map(ip));
  }

  fail(name: string, code: string): void {
    this.#answers.get(name)!.reject(Object.assign(new Error(code), { code }));
  }

  /** Addresses, or what was thrown. */
  async lookup(name: string, signal = new AbortController().signal): Promise<unknown> {
    try {
      return await this.names.addressesOf(name, signal);
    } catch (error) {
      return inWords(error);
    }
  }

  /** A name that has been resolved. */
  async known(name: string, address: string): Promise<void> {
    const looked = this.lookup(name);
    this.answer(name, address);
    assert.deepEqual(await looked, [address]);
  }
}

Deno.test("Names answers localhost by itself, in any case", async () => {
  const resolver = new Resolver();
  const hasV6 = Deno.networkInterfaces().some(({ address }) => address === "::1");
  const expected = hasV6 ? ["::1", "127.0.0.1"] : ["127.0.0.1"];
  for (const name of ["localhost", "LocalHost."]) {
    assert.deepEqual(await resolver.lookup(name), expected);
  }
  assert.deepEqual(resolver.asked, []);
});

Deno.test("Names asks for eight names at once, each once, and for the others in turn", async () => {
  const resolver = new Resolver();
  const all = Array.from({ length: 20 }, (_, n) => `h${n}.example`);
  const looked = [...all, ...all].map((name) => resolver.lookup(name));
  await resolver.clock.advance(60_000);
  assert.deepEqual(resolver.asked, all.slice(0, 8));
  resolver.fail("h3.example", "EAI_AGAIN");
  await resolver.clock.advance(0);
  assert.deepEqual(resolver.asked, all.slice(0, 9));
  for (const name of all) {
    resolver.answer(name, "192.0.2.1");
    await resolver.clock.advance(0);
  }
  assert.equal(resolver.asked.length, 20);
  const answers = await Promise.all(looked);
  assert.deepEqual([answers[3], answers[23]], Array(2).fill("the name server did not answer"));
  assert.deepEqual(answers[19], ["192.0.2.1"]);
});

Deno.test("Names goes on with what it knows while the name server is silent, until it answers", async () => {
  const resolver = new Resolver(), name = "a.example";
  await resolver.known(name, "192.0.2.1");
  const silent = resolver.lookup(name);
  await resolver.clock.advance(200);
  assert.deepEqual(await silent, ["192.0.2.1"]);
  // Who comes later does not wait, and nobody asks again.
  assert.deepEqual(await resolver.lookup(name), ["192.0.2.1"]);
  assert.equal(resolver.asked.length, 2);
  resolver.fail(name, "EAI_AGAIN");
  await resolver.clock.advance(0);
  const again = resolver.lookup(name);
  resolver.fail(name, "EAI_AGAIN");
  assert.deepEqual(await again, ["192.0.2.1"]);
  await resolver.known(name, "192.0.2.2");
  const gone = resolver.lookup(name);
  resolver.fail(name, "ENOTFOUND");
  assert.equal(await gone, "host name not found");
  const after = resolver.lookup(name);
  resolver.fail(name, "EAI_AGAIN");
  assert.equal(await after, "the name server did not answer");
});

Deno.test("Names lets known names pass while hung ones take all turns", async () => {
  const resolver = new Resolver();
  await resolver.known("a.example", "192.0.2.1");
  for (let n = 0; n < 2000; n++) void resolver.lookup(`hung${n}.example`);
  const known = resolver.lookup("a.example");
  await resolver.clock.advance(200);
  assert.deepEqual(await known, ["192.0.2.1"]);
  assert.match(String(await resolver.lookup("b.example")), /^too many host names/);
  assert.equal(resolver.asked.length, 9);
});

Deno.test("Names forgets who was aborted at once", async () => {
  const resolver = new Resolver(), controller = new AbortController();
  const looked = resolver.lookup("a.example", controller.signal);
  controller.abort();
  assert.equal(await looked, "aborted");
});

Deno.test("inWords() has words for codes and names, else the error's own", () => {
  const coded = Object.assign(new Error("connect EHOSTUNREACH"), { code: "EHOSTUNREACH" });
  assert.equal(inWords(coded), "no route to host");
  assert.equal(inWords(new Deno.errors.ConnectionRefused("x")), "connection refused");
  assert.equal(inWords(new Error("odd thing")), "odd thing");
  assert.equal(inWords("text"), "text");
});
