/** The HTTP check against servers that are well, ill, slow, strange and gone. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { BodyTest, HttpProbe } from "../lib/core/probe_spec.ts";
import { ip } from "../lib/core/address.ts";
import { AnswerReader, NotHttp } from "../lib/track/http_answer.ts";
import { bodyReader } from "../lib/track/http_body.ts";
import { checkHttp } from "../lib/track/http.ts";
import { until } from "./lab/until.ts";
import { aloneTest } from "./tools/alone.ts";
import {
  answering,
  contextOf,
  hangUp,
  httpProbe,
  RawServer,
  verdictOf,
  write,
} from "./tools/http_lab.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nall wel";

function contains(text: string): BodyTest {
  return { kind: "contains", text };
}

/** The verdict of a probe of a server that answers with this text. */
async function verdictFor(answer: string, over: Partial<HttpProbe> = {}): Promise<string> {
  using server = answering(answer);
  return await verdictOf(httpProbe(server.url, over));
}

Deno.test("checkHttp() is good when the status is in one of the ranges", async () => {
  const status = [{ low: 200, high: 200 }, { low: 401, high: 403 }];
  const answer = (code: number) => `HTTP/1.1 ${code} Whatever\r\nContent-Length: 0\r\n\r\n`;
  for (const code of [200, 401, 403]) {
    assert.equal(await verdictFor(answer(code), { status }), "good");
  }
  for (const code of [201, 204, 301, 400, 404, 503]) {
    assert.equal(await verdictFor(answer(code), { status }), `failed: HTTP ${code}`);
  }
});

Deno.test("checkHttp() sends what the probe says, and its own headers only where there are none", async () => {
  using server = answering(OK);
  const probe = httpProbe(`${server.url}a%20b?c=d#e`, {
    method: "POST",
    host: "www.example",
    headers: [["X-One", "1"], ["user-agent", "probe"], ["X-One", "2"]],
  });
  assert.equal(await verdictOf(probe), "good");
  assert.deepEqual(server.requests[0]!.split("\r\n"), [
    "POST /a%20b?c=d HTTP/1.1",
    "Host: www.example",
    "Accept: */*",
    "Accept-Encoding: identity",
    "Connection: close",
    "Content-Length: 0",
    "X-One: 1",
    "user-agent: probe",
    "X-One: 2",
    "",
    "",
  ]);
});

Deno.test("checkHttp() sends the URL's host and credentials", async () => {
  using server = answering(OK);
  const { host } = new URL(server.url);
  assert.equal(await verdictOf(httpProbe(`http://me:p%C3%A4ss@${host}/`)), "good");
  const [request] = server.requests;
  assert.match(request!, new RegExp(`^Host: ${host}\\r$`, "m"));
  assert.match(request!, /^Authorization: Basic bWU6cMOkc3M=\r$/m);
});

Deno.test("checkHttp() refuses to send what would be more than one header", async () => {
  using server = answering(OK);
  for (
    const over of [{ headers: [["A", "b\r\nC: d"]] as const }, { host: "a\nb" }, {
      headers: [["A b", "c"]] as const,
    }, { method: "GET /" }]
  ) {
    assert.match(await verdictOf(httpProbe(server.url, over)), /^could not run: /);
  }
  assert.match(await verdictOf(httpProbe("ftp://192.0.2.1/")), /^could not run: not an http/);
  assert.equal(server.accepted, 0);
});

Deno.test("checkHttp() compares the body, however it is framed", async () => {
  const framings = [
    "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nstatus: oké",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nstatu\r\n6;a=b\r\ns: oké\r\n0\r\nX: y\r\n\r\n",
    "HTTP/1.0 200 OK\r\n\r\nstatus: oké",
    "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\nContent-Length: 11\n\nstatus: oké",
  ];
  // é is one byte here, for it is Latin-1 on the wire.
  const digest = "0a0ae7d4b3c4a51ee5a9e8d9d2a7b7c0".padEnd(64, "0");
  for (const framing of framings) {
    assert.equal(await verdictFor(framing, { body: contains("s: ok") }), "good");
    assert.equal(
      await verdictFor(framing, { body: contains("s: no") }),
      'failed: body does not contain "s: no"',
    );
    assert.equal(await verdictFor(framing, { body: { kind: "regex", pattern: "^s.*k" } }), "good");
    assert.match(
      await verdictFor(framing, { body: { kind: "regex", pattern: "^k" } }),
      /failed: body does not match/,
    );
    const said = await verdictFor(framing, { body: { kind: "sha256", digest } });
    const own = /^failed: body has another SHA-256: ([0-9a-f]{64})$/.exec(said)?.[1];
    const bytes = Uint8Array.from("status: oké", (character) => character.charCodeAt(0));
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    assert.equal(own, hash.toHex());
    assert.equal(await verdictFor(framing, { body: { kind: "sha256", digest: own! } }), "good");
  }
});

Deno.test("checkHttp() does not wait for a body that decides nothing", async () => {
  using server = new RawServer(async (connection) => {
    await write(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nthe beginning");
    await hangUp(connection);
  });
  assert.equal(await verdictOf(httpProbe(server.url)), "good");
  assert.equal(await verdictOf(httpProbe(server.url, { body: contains("begin") })), "good");
  const status = [{ low: 204, high: 204 }];
  const unexpected = httpProbe(server.url, { status, body: contains("absent") });
  assert.equal(await verdictOf(unexpected), "failed: HTTP 200");
});

Deno.test("checkHttp() finds a text across the borders of parts, and looks at the first MiB only", async () => {
  const parts = ["x".repeat(1000) + "nee", "d", "le" + "x".repeat(1000)];
  using server = new RawServer(async (connection, request) => {
    await write(connection, "HTTP/1.1 200 OK\r\n\r\n");
    if (request.startsWith("GET /endless")) {
      for (;;) await write(connection, "y".repeat(65_536));
    }
    for (const part of parts) {
      await write(connection, part);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // Found is found: nobody may wait for the end.
    await hangUp(connection);
  });
  const body = contains("needle");
  assert.equal(await verdictOf(httpProbe(server.url, { body })), "good");
  assert.equal(
    await verdictOf(httpProbe(`${server.url}endless`, { body })),
    'failed: body does not contain "needle" in its first MiB',
  );
  const digest = "0".repeat(64);
  assert.equal(
    await verdictOf(httpProbe(`${server.url}endless`, { body: { kind: "sha256", digest } })),
    "failed: body is longer than 16 MiB",
  );
});

Deno.test("checkHttp() says how an answer ended too early", async () => {
  const cases: [string, string][] = [
    ["", "connection closed before the answer"],
    ["HTTP/1.1 200 OK\r\nA: b\r\n", "connection closed in the middle of the answer's header"],
    [
      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nwell",
      "connection closed in the middle of the body",
    ],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwell\r\n",
      "connection closed in the middle of the body",
    ],
  ];
  for (const [answer, why] of cases) {
    assert.equal(await verdictFor(answer, { body: contains("absent") }), `failed: ${why}`);
  }
});

Deno.test("checkHttp() recognises what is no HTTP, without waiting for more of it", async () => {
  const answers = [
    "SSH-2.0-OpenSSH_9.2\r\n",
    "220 smtp",
    "\x15\x03\x03\x00\x02\x02\x46",
    "HTTP/2 200\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 0200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
  ];
  for (const answer of answers) {
    using server = new RawServer(async (connection) => {
      await write(connection, answer);
      await hangUp(connection);
    });
    const verdict = await verdictOf(httpProbe(server.url, { body: contains("absent") }));
    assert.match(verdict, /^failed: not an HTTP answer/, answer);
  }
});

Deno.test("checkHttp() does not read an endless header", async () => {
  using server = new RawServer(async (connection) => {
    await write(connection, "HTTP/1.1 200 OK\r\n");
    for (;;) await write(connection, `X: ${"y".repeat(1000)}\r\n`);
  });
  assert.equal(
    await verdictOf(httpProbe(server.url)),
    "failed: not an HTTP answer: header beyond 64 KiB",
  );
});

Deno.test("checkHttp() takes a redirection for the answer unless told to follow it", async () => {
  using server = new RawServer((connection, request) => {
    const n = Number(/^\w+ \/(\d*)/.exec(request)?.[1]);
    const head = n > 0 ? `302 Found\r\nLocation: /${n - 1}` : "200 OK";
    return write(connection, `HTTP/1.1 ${head}\r\nContent-Length: 0\r\n\r\n`);
  });
  const at = (n: number, redirects: number) =>
    verdictOf(httpProbe(`${server.url}${n}`, { redirects, host: "www.example" }));
  assert.equal(await at(1, 0), "failed: HTTP 302");
  assert.equal(await at(1, 1), "good");
  assert.equal(await at(3, 3), "good");
  assert.equal(await at(2, 1), "failed: more than 1 redirection");
  assert.equal(await at(9, 3), "failed: more than 3 redirections");
  assert.ok(server.requests.every((request) => request.includes("Host: www.example\r\n")));
});

Deno.test("checkHttp() gives no secret and no Host header to another origin", async () => {
  using other = answering(OK);
  using server = answering(
    `HTTP/1.1 303 See Other\r\nLocation: ${other.url}x\r\nContent-Length: 0\r\n\r\n`,
  );
  const probe = httpProbe(server.url, {
    method: "POST",
    redirects: 2,
    host: "www.example",
    headers: [["Authorization", "Bearer secret"], ["X-Kept", "1"]],
  });
  assert.equal(await verdictOf(probe), "good");
  assert.match(server.requests[0]!, /Bearer secret/);
  const [request] = other.requests;
  assert.match(request!, /^GET \/x HTTP/);
  assert.match(request!, /X-Kept: 1/);
  assert.doesNotMatch(request!, /secret|www\.example|Content-Length/);
});

Deno.test("checkHttp() follows no redirection to another scheme", async () => {
  const answer = "HTTP/1.1 301 Moved\r\nLocation: ftp://192.0.2.1/\r\nContent-Length: 0\r\n\r\n";
  assert.equal(
    await verdictFor(answer, { redirects: 3 }),
    "failed: redirected to ftp://192.0.2.1/",
  );
});

Deno.test("checkHttp() says in words that nobody listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const verdict = await verdictOf(httpProbe(`http://127.0.0.1:${port}/`));
  assert.equal(verdict, "failed: connection refused");
  const named = await verdictOf(httpProbe("http://no.such.host.invalid/"));
  assert.match(named, /^failed: (host name not found|the name server did not answer)/);
});

Deno.test("checkHttp() speaks through a unix socket", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const unixSocket = `${folder}/web.sock`;
    const probe = httpProbe("http://app.example/health", { unixSocket });
    assert.equal(await verdictOf(probe), "failed: no such file or directory");
    using server = new RawServer(
      (connection) => write(connection, OK),
      Deno.listen({ transport: "unix", path: unixSocket }) as unknown as Deno.Listener,
    );
    assert.equal(await verdictOf(probe), "good");
    assert.match(server.requests[0]!, /^GET \/health HTTP\/1\.1\r\nHost: app\.example\r\n/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("checkHttp() leaves from the source address or from the device's", async () => {
  const from: string[] = [];
  using server = new RawServer((connection) => {
    from.push((connection.remoteAddr as Deno.NetAddr).hostname);
    return write(connection, OK);
  });
  assert.equal(await verdictOf(httpProbe(server.url, { sourceAddress: ip("127.0.0.7") })), "good");
  assert.equal(await verdictOf(httpProbe(server.url, { device: "lo" })), "good");
  assert.deepEqual(from, ["127.0.0.7", "127.0.0.1"]);
  assert.equal(
    await verdictOf(httpProbe(server.url, { sourceAddress: ip("192.0.2.77") })),
    "could not run: the source address is not on this host",
  );
  assert.match(
    await verdictOf(httpProbe(server.url, { device: "nic9" })),
    /^could not run: nic9 has no IPv4 address/,
  );
});

Deno.test("checkHttp() reaches an IPv6 literal", async () => {
  const listener = Deno.listen({ hostname: "::1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  using server = new RawServer((connection) => write(connection, OK), listener);
  assert.equal(await verdictOf(httpProbe(`http://[::1]:${port}/`)), "good");
  assert.match(server.requests[0]!, new RegExp(`\r\nHost: \\[::1\\]:${port}\r\n`));
});

Deno.test("checkHttp() settles at once when it is aborted, and closes its connection", async () => {
  using server = new RawServer(hangUp);
  const controller = new AbortController();
  const verdict = checkHttp(httpProbe(server.url), contextOf(controller.signal));
  await until(() => server.requests.length === 1, "the request");
  controller.abort();
  assert.deepEqual(await verdict, { good: false, kind: "failed", why: "aborted" });
  await until(() => server.open === 0, "the end of the connection");
  const late = await checkHttp(httpProbe(server.url), contextOf(controller.signal));
  assert.equal(late.good, false);
  assert.equal(server.accepted, 1);
});

function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].filter(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith("socket:");
    } catch {
      return false;
    }
  }).length;
}

aloneTest(
  import.meta.url,
  "checkHttp() leaves no descriptor behind a thousand servers that never answer",
  async () => {
    using server = new RawServer(hangUp);
    const before = descriptors();
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 100 }, async (_, n) => {
        // Some are aborted while they connect, some while they wait.
        const signal = AbortSignal.timeout(n % 5 === 0 ? 0 : 50);
        const verdict = await checkHttp(httpProbe(server.url), contextOf(signal));
        assert.equal(verdict.good, false);
      }));
    }
    await until(() => server.open === 0 && descriptors() <= before, "all sockets to be closed");
  },
);

aloneTest(
  import.meta.url,
  "checkHttp() leaves no descriptor and no memory behind thousands of good probes",
  async () => {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () => new Response("all well"),
    );
    const probe = httpProbe(`http://127.0.0.1:${server.addr.port}/`, { body: contains("well") });
    const signal = new AbortController().signal;
    const round = async (probes: number) => {
      for (let n = 0; n < probes; n++) {
        assert.equal((await checkHttp(probe, contextOf(signal))).good, true);
      }
    };
    await round(1000);
    const sockets = descriptors();
    const before = Deno.memoryUsage().heapUsed;
    await round(3000);
    await until(() => descriptors() <= sockets, "all sockets to be closed");
    // 3000 leaked sockets would be some 30 MB.
    const grownBytes = Deno.memoryUsage().heapUsed - before;
    assert.ok(grownBytes < 15e6, `grown by ${grownBytes} bytes`);
  },
);

/** What a reader makes of an answer that arrives in these parts. */
function read(parts: readonly Uint8Array[], method = "GET"): unknown {
  let body = "";
  const reader = new AnswerReader(method, (part) => body += new TextDecoder("latin1").decode(part));
  try {
    for (const part of parts) reader.push(part);
  } catch (error) {
    if (!(error instanceof NotHttp)) throw error;
    return error.message;
  }
  return { head: reader.head, body, end: reader.end(), done: reader.done };
}

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length];
  at.sort((a, b) => a - b);
  return at.slice(1).map((end, n) => bytes.subarray(at[n], end));
}

const ANSWERS = [
  OK,
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\n 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\nbehind",
  "HTTP/1.0 404\r\n\r\nuntil the end",
  "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nabcdefg",
];

Deno.test("AnswerReader reads the same however an answer is cut", () => {
  const anyAnswer = fc.constantFrom(...ANSWERS).map((text) => new TextEncoder().encode(text));
  fc.assert(fc.property(anyAnswer, fc.array(fc.nat(200)), (bytes, places) => {
    assert.deepEqual(read(cut(bytes, places)), read([bytes]));
  }));
});

Deno.test("AnswerReader never throws anything but NotHttp", () => {
  const noise = fc.tuple(
    fc.constantFrom("", "HTTP/1.1 200 OK\r\n", ...ANSWERS),
    fc.string({ unit: "binary-ascii" }),
  ).map(([start, rest]) => new TextEncoder().encode(start + rest));
  fc.assert(fc.property(noise, fc.array(fc.nat(200)), (bytes, places) => {
    read(cut(bytes, places));
  }));
});

Deno.test("AnswerReader joins headers, skips interim answers, and stops at the end", () => {
  const answer = read([new TextEncoder().encode(ANSWERS[1])]) as Record<string, unknown>;
  assert.deepEqual(answer, {
    head: { status: 200, headers: new Map([["a", "1, 2 3"], ["transfer-encoding", "chunked"]]) },
    body: "abcd",
    end: null,
    done: true,
  });
});

Deno.test("AnswerReader expects no body where none can be", () => {
  const bytes = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  assert.equal((read([bytes], "HEAD") as { done: boolean }).done, true);
  assert.equal((read([bytes], "GET") as { done: boolean }).done, false);
  const none = new TextEncoder().encode(ANSWERS[3]);
  assert.equal((read([none]) as { done: boolean }).done, true);
});

Deno.test("AnswerReader bears with sloppy lines, and takes nothing from them but what is plain", () => {
  const lines = [
    "X-Foo : bar",
    ": x",
    "no colon",
    " goes on",
    "a b: c",
    "X-Long-\u00e4: d",
    "E:\tf \t",
  ];
  const text = `HTTP/1.1 200 OK\r\n${lines.join("\r\n")}\r\nContent-Length: 4\r\n\r\nwell`;
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  assert.deepEqual(read([bytes]), {
    head: {
      status: 200,
      headers: new Map([["x-foo", "bar"], ["e", "f"], ["content-length", "4"]]),
    },
    body: "well",
    end: null,
    done: true,
  });
});

Deno.test("AnswerReader takes no time that grows faster than a header does", () => {
  const value = `x${" ".repeat(60_000)}y`;
  const bytes = new TextEncoder().encode(`HTTP/1.1 200 OK\r\nX: ${value}\r\n\r\n`);
  const began = performance.now();
  for (let n = 0; n < 20; n++) {
    const { head } = read([bytes]) as { head: { headers: Map<string, string> } };
    assert.equal(head.headers.get("x"), value);
  }
  // A millisecond each; with steps that grow with the square it was 1.5 s each.
  assert.ok(performance.now() - began < 15_000);
});

Deno.test("bodyReader() finds a text in parts of a byte, and what is not in it", async () => {
  const bytes = new TextEncoder().encode("status: größe ok");
  for (
    const [test, why] of [
      [contains("größe"), null],
      [contains("k"), null],
      [contains(""), null],
      [contains("größer"), 'body does not contain "größer"'],
      [{ kind: "regex", pattern: "^s.*größe ok$" }, null],
      [{ kind: "regex", pattern: "x" }, 'body does not match "x"'],
    ] as const
  ) {
    const reader = await bodyReader(test);
    for (const byte of bytes) if (reader.push(Uint8Array.of(byte))) break;
    assert.equal(await reader.verdict(), why);
  }
  assert.equal(await (await bodyReader(contains(""))).verdict(), null);
});

aloneTest(
  import.meta.url,
  "bodyReader() needs no more room for a body that comes in parts of a byte",
  async () => {
    const mebi = 1_048_576;
    for (const test of [contains("absent"), { kind: "regex", pattern: "absent" } as const]) {
      const reader = await bodyReader(test);
      const used = () => {
        const { heapUsed, external } = Deno.memoryUsage();
        return heapUsed + external;
      };
      const before = used();
      for (let n = 1; n <= mebi; n++) {
        assert.equal(reader.push(Uint8Array.of(n % 251)), n === mebi);
      }
      // Each part kept by itself came to 0.7 GB; what is not collected yet counts here, too.
      const grown = used() - before;
      assert.ok(grown < 100 * mebi, `${grown} bytes`);
      assert.match((await reader.verdict())!, /in its first MiB$/);
    }
  },
);
