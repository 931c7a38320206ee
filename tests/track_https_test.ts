/** The HTTPS check against certificates of every kind, made here. */

import assert from "node:assert/strict";
import { join } from "node:path";
import type { HttpProbe, TlsSpec } from "../lib/core/probe_spec.ts";
import { type Certificate, endsSoon, whyRefused } from "../lib/track/certificate.ts";
import { certificatesIn, type PemSystem, tlsFiles } from "../lib/track/tls_files.ts";
import { enoughFor } from "../lib/track/tls_trust.ts";
import { checkHttp } from "../lib/track/http.ts";
import { until } from "./lab/until.ts";
import { Authority, type Identity } from "./tools/certificates.ts";
import {
  answering,
  contextOf,
  hangUp,
  httpProbe,
  PLAIN_TLS,
  RawServer,
  verdictOf,
  write,
} from "./tools/http_lab.ts";

const LOCAL = Uint8Array.of(127, 0, 0, 1);
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nall well";

/** A folder with the authority's certificate in ca.pem. */
class Folder implements AsyncDisposable {
  private constructor(readonly authority: Authority, readonly path: string) {}

  static async create(): Promise<Folder> {
    const folder = new Folder(await Authority.create("Test authority"), await Deno.makeTempDir());
    await folder.write("ca.pem", folder.authority.cert);
    return folder;
  }

  get ca(): string {
    return join(this.path, "ca.pem");
  }

  async write(name: string, text: string): Promise<string> {
    const path = join(this.path, name);
    await Deno.writeTextFile(path, text);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** A server with a certificate that answers with OK. */
function serving(identity: Identity, answer = OK): RawServer {
  return new RawServer(
    (connection) => write(connection, answer),
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...identity }),
  );
}

function probeOf(
  server: RawServer,
  tls: Partial<TlsSpec>,
  over: Partial<HttpProbe> = {},
): HttpProbe {
  return httpProbe(server.url.replace("http:", "https:"), {
    tls: { ...PLAIN_TLS, ...tls },
    ...over,
  });
}

/** The verdict about a certificate for a.example when the folder's authority is trusted. */
async function verdictFor(identity: Identity, folder: Folder, tls: Partial<TlsSpec> = {}) {
  using server = serving(identity);
  return await verdictOf(
    probeOf(server, { serverName: "a.example", caFile: folder.ca, ...tls }),
  );
}

Deno.test("checkHttp() verifies chain, name and validity, and says what is wrong", async () => {
  await using folder = await Folder.create();
  const { authority } = folder;
  const other = await Authority.create("Another authority");
  const namesake = await Authority.create("Test authority");
  const intermediate = await authority.intermediate("Branch");
  const ended = await authority.intermediate("Old branch", { toDays: -3.5 });
  const names = ["a.example", "www.a.example"];
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const cases: [Identity, string][] = [
    [await authority.issue({ names }), "good"],
    [await intermediate.issue({ names }), "good"],
    [await authority.issue({ names, toDays: -2.5 }), "failed: certificate expired 2 days ago"],
    [await authority.issue({ names, toDays: -0.1 }), "failed: certificate expired 2 hours ago"],
    [
      await authority.issue({ names, fromDays: 1 }),
      `failed: certificate not valid before ${tomorrow}`,
    ],
    [
      await authority.issue({ names: ["b.example", "c.example"] }),
      "failed: certificate is for b.example, c.example, not a.example",
    ],
    [await other.issue({ names }), "failed: certificate is signed by an unknown authority"],
    [await namesake.issue({ names }), "failed: certificate is signed by an unknown authority"],
    [
      await ended.issue({ names }),
      "failed: certificate of the authority Old branch expired 3 days ago",
    ],
  ];
  for (const [identity, expected] of cases) {
    assert.equal(await verdictFor(identity, folder), expected);
    assert.equal(await verdictFor(identity, folder, { insecure: true }), "good");
  }
});

Deno.test("checkHttp() takes a wildcard for one label", async () => {
  await using folder = await Folder.create();
  const identity = await folder.authority.issue({ names: ["*.a.example"] });
  assert.equal(await verdictFor(identity, folder, { serverName: "www.a.example" }), "good");
  assert.equal(
    await verdictFor(identity, folder, { serverName: "b.www.a.example" }),
    "failed: certificate is for *.a.example, not b.www.a.example",
  );
});

Deno.test("checkHttp() sends nothing to a server whose certificate is not good", async () => {
  await using folder = await Folder.create();
  const other = await Authority.create("Another authority");
  using server = serving(await other.issue({ names: ["a.example"] }));
  const tls = { serverName: "a.example", caFile: folder.ca };
  const headers = [["Authorization", "secret"]] as const;
  assert.match(await verdictOf(probeOf(server, tls, { headers })), /unknown authority/);
  assert.deepEqual(server.requests, []);
});

Deno.test("checkHttp() verifies the URL's host unless a name is given, whatever the Host header", async () => {
  await using folder = await Folder.create();
  using byAddress = serving(await folder.authority.issue({ names: ["a.example", LOCAL] }));
  const caFile = folder.ca;
  const host = "elsewhere.example";
  assert.equal(await verdictOf(probeOf(byAddress, { caFile }, { host })), "good");
  assert.match(byAddress.requests[0]!, /^Host: elsewhere\.example\r$/m);
  assert.equal(await verdictOf(probeOf(byAddress, { caFile, serverName: "a.example" })), "good");
  using byName = serving(await folder.authority.issue({ names: ["a.example"] }));
  assert.equal(
    await verdictOf(probeOf(byName, { caFile })),
    "failed: certificate is for a.example, not 127.0.0.1",
  );
});

Deno.test("checkHttp() warns or fails before a certificate ends", async () => {
  await using folder = await Folder.create();
  const identity = await folder.authority.issue({ names: ["a.example"], toDays: 5.5 });
  const verdict = (failDays: number | null, warnDays: number | null, more = {}) =>
    verdictFor(identity, folder, { failDays, warnDays, ...more });
  assert.equal(await verdict(null, null), "good");
  assert.equal(await verdict(5, 5), "good");
  assert.equal(await verdict(5, 6), "good: certificate expires in 5 days");
  assert.equal(await verdict(6, 30), "failed: certificate expires in 5 days");
  assert.equal(
    await verdict(6, null, { insecure: true }),
    "failed: certificate expires in 5 days",
  );
});

Deno.test("checkHttp() keeps the verdict of the answer beside a warning", async () => {
  await using folder = await Folder.create();
  const identity = await folder.authority.issue({ names: ["a.example"], toDays: 5.5 });
  using server = serving(identity, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
  const tls = { serverName: "a.example", caFile: folder.ca, warnDays: 30 };
  assert.equal(await verdictOf(probeOf(server, tls)), "failed: HTTP 503");
});

Deno.test("checkHttp() shows a client certificate to who asks for one", async () => {
  await using folder = await Folder.create();
  const { authority } = folder;
  const own = await authority.issue({ names: ["a.example"] });
  const client = await authority.issue({ names: ["client.example"] });
  const clientCertificate = {
    certFile: await folder.write("client.pem", client.cert),
    keyFile: await folder.write("client.key", client.key),
  };
  await using server = await clientAsking(own, authority.cert);
  const tls = { ...PLAIN_TLS, caFile: folder.ca, serverName: "a.example" };
  const probe = httpProbe(`https://127.0.0.1:${server.port}/`, { tls });
  assert.match(await verdictOf(probe), /^failed: TLS handshake failed: .*[Cc]ertificate/);
  assert.equal(await verdictOf({ ...probe, tls: { ...tls, clientCertificate } }), "good");
  assert.deepEqual(server.clients, ["client.example"]);
});

/** A server that insists on a client certificate of an authority. */
async function clientAsking(identity: Identity, ca: string) {
  const { createServer } = await import("node:tls");
  const clients: unknown[] = [];
  const server = createServer(
    { ...identity, ca, requestCert: true, rejectUnauthorized: true },
    (socket) => {
      socket.on("error", () => {});
      clients.push(socket.getPeerCertificate().subject?.CN);
      socket.once("data", () => socket.end(OK));
    },
  );
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    clients,
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

Deno.test("checkHttp() says which file cannot be used", async () => {
  await using folder = await Folder.create();
  const { authority } = folder;
  using server = serving(await authority.issue({ names: [LOCAL] }));
  const [one, two] = [
    await authority.issue({ names: ["1"] }),
    await authority.issue({ names: ["2"] }),
  ];
  const certFile = await folder.write("one.pem", one.cert);
  const keyFile = await folder.write("two.key", two.key);
  const empty = await folder.write("empty.pem", "no certificate\n");
  const broken = await folder.write(
    "broken.pem",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  );
  const both = await folder.write("both.pem", one.cert + one.key);
  const clientCertificate = { certFile: both, keyFile: both };
  assert.equal(await verdictOf(probeOf(server, { caFile: folder.ca, clientCertificate })), "good");
  const accepted = server.accepted;
  const cases: [Partial<TlsSpec>, string][] = [
    [{ caFile: join(folder.path, "none.pem") }, "cannot read .*none.pem: no such file"],
    [{ caFile: empty }, "empty.pem has no certificate in it"],
    [{ caFile: broken }, "broken.pem has a certificate in it that cannot be read"],
    [{ clientCertificate: { certFile, keyFile: empty } }, "empty.pem has no private key in it"],
    [{ clientCertificate: { certFile, keyFile } }, "two.key is not the key of .*one.pem"],
  ];
  for (const [tls, why] of cases) {
    const verdict = await verdictOf(probeOf(server, { caFile: folder.ca, ...tls }));
    assert.match(verdict, new RegExp(`^could not run: .*${why}`));
  }
  assert.equal(server.accepted, accepted);
});

Deno.test("checkHttp() reads a file of authorities again when it has changed", async () => {
  await using folder = await Folder.create();
  const other = await Authority.create("The next authority");
  using server = serving(await other.issue({ names: [LOCAL] }));
  const probe = probeOf(server, { caFile: folder.ca });
  assert.match(await verdictOf(probe), /unknown authority/);
  await folder.write("ca.pem", `# longer than before\n${other.cert}`);
  assert.equal(await verdictOf(probe), "good");
});

Deno.test("checkHttp() says that a server does not speak TLS, or hangs up", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let reply = "HTTP/1.1 400 Bad Request\r\n\r\n";
  (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(4096));
      await write(connection, reply);
      connection.close();
    }
  })();
  const url = `https://127.0.0.1:${(listener.addr as Deno.NetAddr).port}/`;
  const probe = httpProbe(url, { tls: { ...PLAIN_TLS, insecure: true } });
  const verdict = await verdictOf(probe);
  assert.equal(verdict, "failed: TLS handshake failed: the server does not speak TLS");
  reply = "";
  assert.equal(await verdictOf(probe), "failed: TLS handshake failed: connection closed");
  listener.close();
  assert.equal(await verdictOf(probe), "failed: connection refused");
});

Deno.test("checkHttp() settles when it is aborted in the middle of a handshake", async () => {
  using server = new RawServer(hangUp);
  const url = server.url.replace("http:", "https:");
  const controller = new AbortController();
  const probe = httpProbe(url, { tls: { ...PLAIN_TLS, insecure: true } });
  const verdict = checkHttp(probe, contextOf(controller.signal));
  await until(() => server.open === 1, "the connection");
  controller.abort();
  assert.equal((await verdict).good, false);
  await until(() => server.open === 0, "the end of the connection");
});

Deno.test("checkHttp() verifies where a redirection leads to by its own name", async () => {
  await using folder = await Folder.create();
  using target = serving(await folder.authority.issue({ names: [LOCAL] }));
  const location = target.url.replace("http:", "https:");
  using plain = answering(
    `HTTP/1.1 301 Moved\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`,
  );
  const tls = { ...PLAIN_TLS, caFile: folder.ca };
  assert.equal(await verdictOf(httpProbe(plain.url, { redirects: 1, tls })), "good");
  // Without a TLS part the system's authorities count, and ours is none of them.
  assert.match(
    await verdictOf(httpProbe(plain.url, { redirects: 1 })),
    /^failed: certificate is signed by an unknown authority|^could not run: this system has no file/,
  );
});

Deno.test("tlsFiles() trusts the first of the system's files that exists", async () => {
  await using folder = await Folder.create();
  const other = await folder.write("other.pem", (await Authority.create("Other")).cert);
  const missing = join(folder.path, "missing.pem");
  const found = await tlsFiles(PLAIN_TLS, [missing, folder.ca, other]);
  assert.deepEqual(found, {
    ok: true,
    value: { authorities: folder.authority.cert.trim(), client: null },
  });
  assert.deepEqual(await tlsFiles(PLAIN_TLS, [missing]), {
    ok: false,
    error: "this system has no file of trusted authorities: install ca-certificates",
  });
});

Deno.test("tlsFiles() goes on with what it read last while the file system hangs, and asks once", async () => {
  await using folder = await Folder.create();
  let hang = Promise.withResolvers<void>(), stats = 0;
  const system: PemSystem = {
    async stat(path) {
      stats++;
      await hang.promise;
      return await Deno.stat(path);
    },
    read: (path) => Deno.readTextFile(path),
  };
  const look = () => tlsFiles({ ...PLAIN_TLS, caFile: folder.ca }, [], system);
  const [one, two] = await Promise.all([look(), look()]);
  const silent = `cannot read ${folder.ca}: no answer from the file system`;
  assert.deepEqual([one, two, stats], [
    { ok: false, error: silent },
    { ok: false, error: silent },
    1,
  ]);
  hang.resolve();
  const { authority } = folder;
  const good = { ok: true, value: { authorities: authority.cert.trim(), client: null } };
  assert.ok(await becomes(async () => (await look()).ok), "the file system answers");
  hang = Promise.withResolvers();
  stats = 0;
  const began = performance.now();
  // Half a second each would be 50 s.
  for (let n = 0; n < 100; n++) assert.deepEqual(await look(), good);
  assert.ok(performance.now() - began < 25_000, "only the first one waits");
  assert.equal(stats, 1);
  const other = await Authority.create("The next authority");
  await folder.write("ca.pem", `# longer\n${other.cert}`);
  hang.resolve();
  const isNext = async () =>
    JSON.stringify(await look()).includes(JSON.stringify(other.cert.trim()));
  assert.ok(await becomes(isNext), "what is in the file now");
});

/** Whether it is so soon. */
async function becomes(isSo: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + 60_000;
  while (!await isSo()) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}

Deno.test("checkHttp() remembers which of many authorities a server needs, and learns anew", async () => {
  await using folder = await Folder.create();
  const many = await Promise.all(
    Array.from({ length: 40 }, (_, n) => Authority.create(`Authority ${n}`)),
  );
  const all = many.map(({ cert }) => cert.trim()).join("\n");
  const caFile = await folder.write("many.pem", all);
  const names = ["a.example"];
  const branch = await many[7]!.intermediate("Branch");
  using before = serving(await branch.issue({ names }));
  using after = serving(await many[9]!.issue({ names }));
  using front = new Forwarder(before);
  const probe = httpProbe(`https://127.0.0.1:${front.port}/`, {
    tls: { ...PLAIN_TLS, caFile, serverName: "a.example" },
  });
  const remembered = () => certificatesIn(enoughFor(`127.0.0.1:${front.port} a.example`, all));
  assert.equal(await verdictOf(probe), "good");
  assert.deepEqual(remembered(), [many[7]!.cert.trim()]);
  assert.equal(await verdictOf(probe), "good");
  // The same server with a certificate of another authority: the remembered one does not do.
  front.to = after;
  assert.equal(await verdictOf(probe), "good");
  assert.equal(after.accepted, 2);
  assert.deepEqual(remembered(), [many[9]!.cert.trim()]);
  // An authority that is trusted no more is not remembered either.
  await folder.write("many.pem", many.slice(10).map(({ cert }) => cert).join(""));
  assert.match(await verdictOf(probe), /unknown authority/);
});

/** One port, behind it now this server and now that one. */
class Forwarder implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  to: RawServer;

  constructor(to: RawServer) {
    this.to = to;
    this.#serve();
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }

  async #serve(): Promise<void> {
    for await (const near of this.#listener) {
      const port = Number(new URL(this.to.url).port);
      const far = await Deno.connect({ hostname: "127.0.0.1", port });
      near.readable.pipeTo(far.writable).catch(() => {});
      far.readable.pipeTo(near.writable).catch(() => {});
    }
  }
}

const NOW_MS = Date.parse("2027-03-01T00:00:00Z");

function certificate(over: Partial<Certificate>): Certificate {
  return {
    valid_from: "Jan  1 00:00:00 2027 GMT",
    valid_to: "Apr  1 00:00:00 2027 GMT",
    subject: { CN: "a.example" },
    raw: new Uint8Array(1),
    ...over,
  };
}

Deno.test("endsSoon() counts whole days and hours", () => {
  const within = (validTo: string, days: number) =>
    endsSoon(certificate({ valid_to: validTo }), days, NOW_MS);
  assert.equal(within("Mar  2 00:00:00 2027 GMT", 1), null);
  assert.equal(within("Mar  2 23:59:59 2027 GMT", 2), "certificate expires in 1 day");
  assert.equal(within("Mar  1 23:59:59 2027 GMT", 1), "certificate expires in 23 hours");
  assert.equal(within("Mar  1 01:00:00 2027 GMT", 1), "certificate expires in 1 hour");
  assert.equal(within("Mar  1 00:10:00 2027 GMT", 1), "certificate expires in less than an hour");
  assert.equal(within("Feb 27 00:00:00 2027 GMT", 0), "certificate expired 2 days ago");
});

Deno.test("whyRefused() names no more than three names, and the purpose if that is what is wrong", () => {
  const subjectaltname = "DNS:a, DNS:b, IP Address:192.0.2.1, DNS:c, DNS:d";
  assert.equal(
    whyRefused(certificate({ subjectaltname }), "ERR_TLS_CERT_ALTNAME_INVALID", "x", NOW_MS),
    "certificate is for a, b, 192.0.2.1 and 2 more, not x",
  );
  const code = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
  // As OpenSSL writes clientAuth; clientAuth and serverAuth, critical; anyExtendedKeyUsage.
  const usages = (hex: string) => certificate({ raw: Uint8Array.fromHex(`30820100${hex}0500`) });
  const refused = (hex: string) => whyRefused(usages(hex), code, "x", NOW_MS);
  const clientAuth = "06082b06010505070302", serverAuth = "06082b06010505070301";
  const unknown = "certificate is signed by an unknown authority";
  assert.equal(
    refused(`0603551d25040c300a${clientAuth}${serverAuth}`),
    "certificate is not one of a server",
  );
  assert.equal(refused(`0603551d250101ff04163014${clientAuth}${serverAuth}`), unknown);
  assert.equal(refused("0603551d250408300606" + "04551d2500"), unknown);
  assert.equal(
    whyRefused(certificate({}), code, "x", NOW_MS),
    "certificate is signed by an unknown authority",
  );
});
