import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readSecret } from "../lib/daemon/notify/secret.ts";
import {
  judgeStatus,
  post,
  poster,
  webhookBody,
  type WebhookRequest,
  whyNoAnswer,
} from "../lib/daemon/notify/webhook.ts";
import { WebhookTarget } from "../lib/daemon/notify/webhook_target.ts";
import { Authority } from "./tools/certificates.ts";
import { announcement, FakeClock, logbook, TestFolder, webhook } from "./tools/notify.ts";

const ORIGIN = { host: "h1", routerId: "R1" };

/** What a server got. */
interface Got {
  readonly headers: Headers;
  readonly body: string;
  readonly method: string;
}

/** A server that answers with these statuses, the last one again and again. */
function receiver(...statuses: number[]) {
  const got: Got[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    got.push({ headers: request.headers, body: await request.text(), method: request.method });
    const status = statuses[Math.min(got.length, statuses.length) - 1]!;
    return new Response(null, { status, headers: { location: "http://127.0.0.1:1/" } });
  });
  const url = `http://127.0.0.1:${server.addr.port}/hook?token=hidden`;
  return { got, url, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** A target whose posts are answered by the test, in made-up time. */
function staged(answer: (request: WebhookRequest, tries: number) => number | Error) {
  const posted: WebhookRequest[] = [], clock = new FakeClock(), book = logbook();
  const target = new WebhookTarget({
    webhook: webhook("http://h.example/secret", "key"),
    origin: ORIGIN,
    log: book.log,
    clock,
    poster: (request) => {
      posted.push(request);
      const status = answer(request, posted.length);
      return status instanceof Error ? Promise.reject(status) : Promise.resolve(status);
    },
  });
  // Signing takes real time; after it the target is done or waits for the next try.
  clock.isBusy = () => target.queue.isRunning && clock.nextMs === null;
  return { target, posted, clock, ...book };
}

const states = (requests: readonly WebhookRequest[]) =>
  requests.map(({ body }) => JSON.parse(body).state);

Deno.test("a webhook gets signed JSON by POST", async () => {
  using folder = new TestFolder();
  Deno.writeTextFileSync(folder.file("secret"), "  s3cret\n");
  await using server = receiver(204);
  const { log, lines } = logbook();
  const hook = webhook(server.url, `file:${folder.file("secret")}`);
  const target = new WebhookTarget({ webhook: hook, origin: ORIGIN, log });
  target.queue.add(announcement());
  await target.queue.idle();
  assert.deepEqual(lines, []);
  assert.equal(server.got.length, 1);
  const { headers, body, method } = server.got[0]!;
  assert.deepEqual([method, headers.get("content-type")], ["POST", "application/json"]);
  assert.equal(
    body,
    '{"type":"instance","name":"VI_1","state":"MASTER","previous":"BACKUP","priority":100,' +
      '"cause":"no master","host":"h1","router_id":"R1","time":"2026-01-02T03:04:05.000Z"}',
  );
  const timestamp = headers.get("x-vigie-timestamp")!;
  assert.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 60);
  const expected = createHmac("sha256", "s3cret").update(`${timestamp}.${body}`).digest("hex");
  assert.equal(headers.get("x-vigie-signature"), `sha256=${expected}`);
  assert.match(headers.get("x-vigie-delivery")!, /^[0-9a-f-]{36}$/);
  assert.equal(target.status().last, "HTTP 204");
});

Deno.test("a webhook without a secret is not signed", async () => {
  await using server = receiver(200);
  const target = new WebhookTarget({ webhook: webhook(server.url), origin: ORIGIN, log: () => {} });
  target.queue.add(announcement());
  await target.queue.idle();
  assert.equal(server.got[0]!.headers.get("x-vigie-signature"), null);
});

Deno.test("a webhook is tried again with the same delivery id until it works", async () => {
  const { target, posted, clock, lines } = staged((_, tries) =>
    tries < 3 ? [503, new Error("connection refused")][tries - 1]! : 200
  );
  target.queue.add(announcement());
  await clock.settle();
  assert.deepEqual([posted.length, clock.nextMs], [1, 500]);
  await clock.advance(500);
  assert.deepEqual([posted.length, clock.nextMs], [2, 1000]);
  await clock.advance(1000);
  assert.deepEqual([posted.length, clock.nextMs], [3, null]);
  assert.equal(new Set(posted.map(({ headers }) => headers["X-Vigie-Delivery"])).size, 1);
  const signatures = posted.map(({ headers }) => headers["X-Vigie-Signature"]);
  assert.notEqual(signatures[0], signatures[2], "the timestamp is a new one, and it is signed");
  assert.deepEqual(lines, []);
  assert.deepEqual([target.status().delivered, target.status().failed], [1, 0]);
});

Deno.test("a webhook is given up after five tries, and the next announcement is delivered", async () => {
  let isUp = false;
  const { target, posted, clock, lines } = staged(() => isUp ? 200 : 500);
  target.queue.add(announcement());
  await clock.advance(60_000);
  assert.equal(posted.length, 5);
  assert.deepEqual(lines, [
    "warning: Cannot tell the webhook http://h.example (test.conf:7) that VRRP Instance VI_1 is " +
    "MASTER after 5 tries: HTTP 500",
  ]);
  isUp = true;
  target.queue.add(announcement({ state: "BACKUP" }));
  await clock.settle();
  assert.deepEqual(states(posted).at(-1), "BACKUP");
  assert.deepEqual([target.status().delivered, target.status().failed], [1, 1]);
});

Deno.test("a refusal that would be repeated is not tried again", async () => {
  const { target, posted, clock, lines } = staged(() => 404);
  target.queue.add(announcement());
  await clock.advance(60_000);
  assert.equal(posted.length, 1);
  assert.match(lines[0]!, /is MASTER: HTTP 404$/);
});

Deno.test("the newest state of a subject wins while a webhook is tried again", async () => {
  const { target, posted, clock } = staged((_, tries) => tries < 3 ? 503 : 200);
  target.queue.add(announcement({ state: "MASTER" }));
  await clock.settle();
  target.queue.add(announcement({ name: "VI_2", state: "FAULT" }));
  target.queue.add(announcement({ state: "BACKUP" }));
  await clock.advance(60_000);
  assert.deepEqual(states(posted), ["MASTER", "FAULT", "FAULT", "BACKUP"]);
  assert.deepEqual([target.status().delivered, target.status().leftOut], [2, 1]);
});

Deno.test("a receiver that does not answer costs one timeout", async () => {
  const gate = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async () => {
    await gate.promise;
    return new Response();
  });
  const { log, lines } = logbook(), clock = new FakeClock();
  const hook = webhook(`http://127.0.0.1:${server.addr.port}/`);
  const target = new WebhookTarget({ webhook: hook, origin: ORIGIN, log, clock, timeoutMs: 50 });
  target.queue.add(announcement());
  while (target.queue.isRunning) await clock.advance(1000);
  assert.match(lines[0]!, /after 5 tries: no answer in 0\.05 s$/);
  gate.resolve();
  await server.shutdown();
});

Deno.test("a webhook that nobody listens for is named without its path", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const { log, lines } = logbook(), clock = new FakeClock();
  const hook = webhook(`http://127.0.0.1:${port}/services/T000/token`);
  const target = new WebhookTarget({ webhook: hook, origin: ORIGIN, log, clock });
  target.queue.add(announcement());
  while (target.queue.isRunning) await clock.advance(1000);
  assert.equal(lines.length, 1);
  assert.ok(!lines[0]!.includes("token") && !JSON.stringify(target.status()).includes("token"));
});

Deno.test("a redirection is not followed", async () => {
  await using server = receiver(302);
  const { log, lines } = logbook();
  const target = new WebhookTarget({ webhook: webhook(server.url), origin: ORIGIN, log });
  target.queue.add(announcement());
  await target.queue.idle();
  assert.match(lines[0]!, /HTTP 302$/);
});

Deno.test("a secret that cannot be read is said, and nothing is sent unsigned", async () => {
  using folder = new TestFolder();
  await using server = receiver(200);
  const { log, lines } = logbook(), clock = new FakeClock();
  const hook = webhook(server.url, `file:${folder.file("absent")}`);
  const target = new WebhookTarget({ webhook: hook, origin: ORIGIN, log, clock });
  target.queue.add(announcement());
  while (target.queue.isRunning) await clock.advance(1000);
  assert.equal(server.got.length, 0);
  assert.match(lines[0]!, /Cannot read the secret in ".*absent"/);
});

Deno.test("readSecret() takes text as it is, trims files, refuses an empty one", async () => {
  using folder = new TestFolder();
  Deno.writeTextFileSync(folder.file("full"), "\tpass word \n\n");
  Deno.writeTextFileSync(folder.file("empty"), "\n");
  assert.equal(await readSecret(" given "), " given ");
  assert.equal(await readSecret(`file:${folder.file("full")}`), "pass word");
  await assert.rejects(readSecret(`file:${folder.file("empty")}`), /the file is empty/);
});

Deno.test("judgeStatus() tells answers that may change from those that will not", () => {
  assert.equal(judgeStatus(204), "HTTP 204");
  const isFinal = (status: number) => {
    try {
      judgeStatus(status);
    } catch (error) {
      return (error as { isFinal: boolean }).isFinal;
    }
  };
  assert.deepEqual([301, 400, 401, 408, 429, 500, 503].map(isFinal), [
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

Deno.test("webhookBody() says null for a router_id that is not given", () => {
  const body = JSON.parse(webhookBody(announcement({ cause: 'a "quoted"\ncause' }), {
    host: "h1",
    routerId: null,
  }));
  assert.deepEqual([body.router_id, body.cause], [null, 'a "quoted"\ncause']);
});

Deno.test("a webhook trusts the system's authorities, and those that have come since", async () => {
  using folder = new TestFolder();
  const local = Uint8Array.of(127, 0, 0, 1);
  const [first, second] = [await Authority.create("First"), await Authority.create("Second")];
  const serve = async (authority: Authority) =>
    Deno.serve(
      {
        hostname: "127.0.0.1",
        port: 0,
        onListen() {},
        ...await authority.issue({ names: [local] }),
      },
      () => new Response(null, { status: 204 }),
    );
  await using one = await serve(first);
  await using two = await serve(second);
  const authorities = folder.file("ca.pem");
  Deno.writeTextFileSync(authorities, second.cert + first.cert);
  const send = poster([folder.file("none.pem"), authorities]);
  const ask = ({ addr: { port } }: typeof one, by = send) => {
    const url = `https://127.0.0.1:${port}/secret-path?token=x`;
    return by({ url, headers: {}, body: "{}" }, new AbortController().signal);
  };
  assert.deepEqual([await ask(one), await ask(two)], [204, 204]);
  Deno.writeTextFileSync(authorities, `${first.cert}\n# the second is gone\n`);
  assert.equal(await ask(one), 204);
  await assert.rejects(ask(two), /^Error: invalid peer certificate: UnknownIssuer$/);
  Deno.writeTextFileSync(authorities, `${second.cert}\n`);
  assert.equal(await ask(two), 204);
  // Without a file of the system's, Deno's own authorities are there.
  await assert.rejects(ask(one, poster([folder.file("none.pem")])), /UnknownIssuer/);
});

Deno.test("a webhook takes the authorities of this system, whatever they are", async () => {
  await using server = receiver(204);
  const url = server.url.replace("http:", "https:");
  const asked = poster()({ url, headers: {}, body: "{}" }, new AbortController().signal);
  // The server does not speak TLS: that is found out after the client has been made.
  await assert.rejects(asked, (error: Error) => {
    assert.doesNotMatch(error.message, /hook|token|fetch failed|url/);
    return true;
  });
});

Deno.test("whyNoAnswer() names the cause, and never the path of the URL", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const request = (url: string) =>
    post({ url, headers: {}, body: "{}" }, new AbortController().signal);
  await assert.rejects(
    request(`http://127.0.0.1:${port}/secret(a): b`),
    /^Error: tcp connect error: Connection refused$/,
  );
  await assert.rejects(request("http://none.invalid/secret"), /^Error: dns error: /);
  const fetchFailed = (why: string) => new TypeError("fetch failed", { cause: new Error(why) });
  const url = "http://h.example/a/b?c";
  assert.equal(
    whyNoAnswer(fetchFailed(`error sending request for url (${url})`), url),
    "no connection",
  );
  assert.equal(whyNoAnswer(fetchFailed("nobody at /a/b"), url), "no connection");
  assert.equal(whyNoAnswer(new TypeError("odd"), url), "odd");
});
