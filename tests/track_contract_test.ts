/** What lib/track/checker.ts promises of every checker, held against each of them. */

import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { ip } from "../lib/core/address.ts";
import { concatBytes } from "../lib/core/bytes.ts";
import type { DnsProbe, HttpProbe, PolledProbe, TcpProbe } from "../lib/core/probe_spec.ts";
import { failed, GOOD, type ProbeHost, type Verdict } from "../lib/track/checker.ts";
import { checkProbe } from "../lib/track/checkers.ts";
import { context, fakeHost, noMoreDescriptorsThan, openDescriptors } from "./track_host.ts";
import { aloneTest } from "./tools/alone.ts";

/** What a kind of check looks at in these tests. */
interface Scene extends AsyncDisposable {
  readonly up: PolledProbe;
  readonly down: PolledProbe;
  /** Takes for ever; null for a kind that nothing can hold up. */
  readonly slow: PolledProbe | null;
  /** What can only go wrong, in odder ways than being down. */
  readonly odd: readonly PolledProbe[];
  readonly host?: ProbeHost;
}

const ANYWHERE = { sourceAddress: null, device: null } as const;
/** Documentation addresses (RFC 5737, RFC 3849): on no host. */
const FOREIGN = { sourceAddress: ip("192.0.2.77"), device: null };
const BARE_DEVICE = { sourceAddress: null, device: "none0" };
/** Longer than a name may be (RFC 1035 2.3.4). */
const LONG_NAME = `${"x".repeat(64)}.invalid`;

/** A TCP server that says one thing or nothing, and closes a connection when its client does. */
class Listener implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.Conn>();
  readonly #served: Promise<void>;

  constructor(answer: string | null) {
    this.#served = this.#serve(answer);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #serve(answer: string | null): Promise<void> {
    for await (const connection of this.#listener) this.#talk(connection, answer);
  }

  async #talk(connection: Deno.Conn, answer: string | null): Promise<void> {
    this.#connections.add(connection);
    try {
      if (answer !== null) await connection.write(new TextEncoder().encode(answer));
      while (await connection.read(new Uint8Array(1024)) !== null);
    } catch {
      // A client that has gone is no failure of the server.
    }
    if (this.#connections.delete(connection)) connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#served.catch(() => {});
    for (const connection of this.#connections) {
      this.#connections.delete(connection);
      connection.close();
    }
  }
}

/** The port of a TCP server that has gone. */
async function closedPort(): Promise<number> {
  await using listener = new Listener(null);
  return listener.port;
}

async function tcpScene(): Promise<Scene> {
  const talker = new Listener("220 ready"), silent = new Listener(null);
  const to = (port: number, rest: Partial<TcpProbe> = {}): TcpProbe => ({
    kind: "tcp",
    to: { host: "127.0.0.1", port },
    send: null,
    expect: { kind: "contains", text: "220" },
    ...ANYWHERE,
    ...rest,
  });
  return {
    up: to(talker.port),
    down: to(await closedPort()),
    slow: to(silent.port),
    odd: [
      to(talker.port, FOREIGN),
      to(talker.port, BARE_DEVICE),
      to(talker.port, { to: { host: LONG_NAME, port: 1 } }),
      to(talker.port, { to: { host: "", port: 1 } }),
      to(0, { to: { unixSocket: "/none/socket" } }),
      to(0, { to: { unixSocket: `/${"x".repeat(200)}` } }),
      to(talker.port, { expect: { kind: "regex", pattern: "(" } }),
    ],
    async [Symbol.asyncDispose]() {
      await talker[Symbol.asyncDispose]();
      await silent[Symbol.asyncDispose]();
    },
  };
}

async function httpScene(): Promise<Scene> {
  const web = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    ({ url }) => new Response("ok", { status: url.endsWith("/up") ? 200 : 503 }),
  );
  const silent = new Listener(null), babble = new Listener("220 this is not HTTP\r\n\r\n");
  const get = (port: number, path: string, rest: Partial<HttpProbe> = {}): HttpProbe => ({
    kind: "http",
    url: `http://127.0.0.1:${port}${path}`,
    method: "GET",
    host: null,
    headers: [],
    status: [{ low: 200, high: 299 }],
    body: null,
    redirects: 0,
    unixSocket: null,
    tls: null,
    ...ANYWHERE,
    ...rest,
  });
  const { port } = web.addr;
  const tls = {
    serverName: null,
    caFile: null,
    clientCertificate: null,
    insecure: false,
    failDays: null,
    warnDays: null,
  };
  return {
    up: get(port, "/up"),
    down: get(port, "/down"),
    slow: get(silent.port, "/"),
    odd: [
      get(await closedPort(), "/up"),
      get(babble.port, "/up"),
      get(port, "/up", FOREIGN),
      get(port, "/up", BARE_DEVICE),
      get(port, "/up", { url: `http://${LONG_NAME}/` }),
      get(port, "/up", { unixSocket: "/none/socket" }),
      get(port, "/up", { url: `https://127.0.0.1:${port}/`, tls }),
      get(port, "/up", {
        url: `https://127.0.0.1:${port}/`,
        tls: { ...tls, caFile: "/none/ca.pem" },
      }),
      get(port, "/up", { body: { kind: "regex", pattern: "(" } }),
    ],
    async [Symbol.asyncDispose]() {
      await web.shutdown();
      await silent[Symbol.asyncDispose]();
      await babble[Symbol.asyncDispose]();
    },
  };
}

/** The answer to a DNS query: its question, and for "up." one A record, else NXDOMAIN (RFC 1035 4.1). */
function dnsAnswer(query: Uint8Array): Uint8Array {
  let end = 12;
  while (query[end] !== 0) end += query[end]! + 1;
  const isUp = query[13] === "u".charCodeAt(0);
  const header = Uint8Array.of(query[0]!, query[1]!, 0x81, isUp ? 0x80 : 0x83);
  const counts = Uint8Array.of(0, 1, 0, isUp ? 1 : 0, 0, 0, 0, 0);
  const record = Uint8Array.of(0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1);
  const question = query.subarray(12, end + 5);
  return concatBytes(header, counts, question, isUp ? record : new Uint8Array(0));
}

/** A UDP socket on a port of its own. */
async function udpSocket(): Promise<Socket> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return socket;
}

async function dnsScene(): Promise<Scene> {
  const server = await udpSocket(), silent = await udpSocket();
  server.on("message", (query, { port, address }) => server.send(dnsAnswer(query), port, address));
  const ask = (name: string, rest: Partial<DnsProbe> = {}): DnsProbe => ({
    kind: "dns",
    server: ip("127.0.0.1"),
    port: server.address().port,
    name,
    type: "A",
    answer: null,
    tcp: false,
    ...ANYWHERE,
    ...rest,
  });
  return {
    up: ask("up.example"),
    down: ask("down.example"),
    slow: ask("up.example", { port: silent.address().port }),
    odd: [
      ask("up.example", FOREIGN),
      ask("up.example", BARE_DEVICE),
      ask("up.example", { answer: "192.0.2.99" }),
      ask("up.example", { tcp: true }),
      ask(LONG_NAME),
    ],
    async [Symbol.asyncDispose]() {
      const closed = [server, silent].map((socket) =>
        new Promise<void>((resolve) => socket.close(() => resolve()))
      );
      await Promise.all(closed);
    },
  };
}

async function fileScene(): Promise<Scene> {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/up`, "ok");
  const file = (path: string) =>
    ({ kind: "file", path, mustExist: true, maxAgeUs: null, content: null }) as const;
  const holding = { kind: "contains", text: "x" } as const;
  return {
    up: file(`${folder}/up`),
    down: file(`${folder}/down`),
    slow: null,
    odd: [
      file(`${folder}/up/below`),
      file(`/${"x".repeat(300)}`),
      file("/\0"),
      { ...file("/dev/zero"), content: holding },
      { ...file(`${folder}/up`), content: { kind: "regex", pattern: "(" } },
    ],
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

function scriptScene(): Promise<Scene> {
  const run = (...words: string[]) => ({ kind: "script", words, user: null }) as const;
  return Promise.resolve({
    up: run("/bin/true"),
    down: run("/bin/false"),
    slow: run("/bin/sleep", "3600"),
    odd: [
      run("/none/script"),
      run("/etc/passwd"),
      run("/"),
      { ...run("/bin/true"), user: { user: "no-such-user-here", group: null } },
    ],
    async [Symbol.asyncDispose]() {},
  });
}

function pingScene(): Promise<Scene> {
  const host: ProbeHost = {
    ...fakeHost(),
    ping(_probe, destination, signal) {
      if (destination === "127.0.0.1") return Promise.resolve(GOOD);
      if (destination === "127.0.0.2") return Promise.resolve(failed("no route to host"));
      return fakeHost().ping(_probe, destination, signal);
    },
  };
  const ping = (to: string) => ({ kind: "ping", host: to, payloadBytes: 56, ...ANYWHERE }) as const;
  return Promise.resolve({
    up: ping("127.0.0.1"),
    down: ping("127.0.0.2"),
    slow: ping("127.0.0.3"),
    odd: [ping(LONG_NAME), ping(""), { ...ping("127.0.0.1"), sourceAddress: ip("::1") }],
    host,
    async [Symbol.asyncDispose]() {},
  });
}

const SCENES: { readonly [K in PolledProbe["kind"]]: () => Promise<Scene> } = {
  dns: dnsScene,
  file: fileScene,
  http: httpScene,
  ping: pingScene,
  script: scriptScene,
  tcp: tcpScene,
};

/** "At once", on a machine that may be busy: what is slow here would never end by itself. */
const AT_ONCE_MS = 20_000;

for (const [kind, scene] of Object.entries(SCENES)) {
  const look = (stage: Scene, probe: PolledProbe, signal?: AbortSignal): Promise<Verdict> =>
    checkProbe(probe, context(signal, stage.host));

  Deno.test(`checker ${kind}: good when it is up, failed with a reason when it is down`, async () => {
    await using stage = await scene();
    const up = await look(stage, stage.up);
    assert.deepEqual(up, GOOD);
    const down = await look(stage, stage.down);
    assert.ok(!down.good && down.kind === "failed" && down.why !== "", JSON.stringify(down));
  });

  Deno.test(`checker ${kind}: whatever is wrong is a verdict in words`, async () => {
    await using stage = await scene();
    for (const probe of stage.odd) {
      const verdict = await look(stage, probe, AbortSignal.timeout(2000));
      assert.ok(!verdict.good && verdict.why !== "", JSON.stringify([probe, verdict]));
      assert.doesNotMatch(verdict.why, /\n|^[A-Z]+$|os error|^Error/, JSON.stringify(verdict));
    }
  });

  aloneTest(
    import.meta.url,
    `checker ${kind}: settles at once when aborted, with nothing left open`,
    async () => {
      await using stage = await scene();
      // What the first run loads and keeps is no leak.
      await look(stage, stage.up);
      const before = openDescriptors();
      if (stage.slow !== null) {
        const controller = new AbortController();
        const run = look(stage, stage.slow, controller.signal);
        const early = await Promise.race([
          run.then((verdict) => JSON.stringify(verdict)),
          new Promise((resolve) => setTimeout(resolve, 100, "waits")),
        ]);
        assert.equal(early, "waits");
        const abortedMs = performance.now();
        controller.abort();
        await run;
        assert.ok(performance.now() - abortedMs < AT_ONCE_MS);
      }
      const lateMs = performance.now();
      await look(stage, stage.slow ?? stage.up, AbortSignal.abort());
      assert.ok(performance.now() - lateMs < AT_ONCE_MS);
      await noMoreDescriptorsThan(before);
    },
  );

  aloneTest(
    import.meta.url,
    `checker ${kind}: aborted at any moment, it leaves nothing open`,
    async () => {
      await using stage = await scene();
      await look(stage, stage.up);
      await look(stage, stage.slow ?? stage.up, AbortSignal.timeout(50));
      const before = openDescriptors();
      const [rounds, atOnce] = kind === "script" ? [5, 10] : [20, 50];
      for (let round = 0; round < rounds; round++) {
        const runs = Array.from({ length: atOnce }, () => {
          const controller = new AbortController();
          // Some are aborted before they connect, some in that moment, some while they wait.
          setTimeout(() => controller.abort(), round % 5);
          return look(stage, stage.slow ?? stage.up, controller.signal);
        });
        await Promise.all(runs);
      }
      await noMoreDescriptorsThan(before);
    },
  );

  aloneTest(
    import.meta.url,
    `checker ${kind}: many at once and again leave nothing open`,
    async () => {
      await using stage = await scene();
      await look(stage, stage.up);
      await look(stage, stage.down);
      const before = openDescriptors();
      const rounds = kind === "script" ? 3 : 25;
      for (let round = 0; round < rounds; round++) {
        const probes = Array.from({ length: 20 }, (_, index) => index % 2 ? stage.up : stage.down);
        const verdicts = await Promise.all(probes.map((probe) => look(stage, probe)));
        assert.deepEqual(
          verdicts.map(({ good }) => good),
          probes.map((probe) => probe === stage.up),
        );
      }
      await noMoreDescriptorsThan(before);
    },
  );
}
