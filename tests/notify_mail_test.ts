import assert from "node:assert/strict";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { seconds } from "../lib/core/time.ts";
import type { Announcement } from "../lib/daemon/notify/announcement.ts";
import { DeliveryError } from "../lib/daemon/notify/delivery.ts";
import { MAILS_A_MINUTE, MailTarget } from "../lib/daemon/notify/mail_target.ts";
import { digestMail, type MailText, singleMail } from "../lib/daemon/notify/mail_text.ts";
import { smtpSender } from "../lib/daemon/notify/smtp.ts";
import { Authority } from "./tools/certificates.ts";
import { announcement, FakeClock, logbook, mailDefs, settle, TestFolder } from "./tools/notify.ts";

const ORIGIN = { host: "h1", routerId: "R1" };
const HELLO: MailText = { subject: "[R1] VRRP", text: "line\n.dot\n" };

/** A target that sends nowhere, in made-up time. */
function staged(send: (mail: MailText, tries: number) => Promise<string>) {
  const tried: MailText[] = [], clock = new FakeClock(), book = logbook();
  const target = new MailTarget({
    server: "mail.example:25",
    origin: ORIGIN,
    noFaults: false,
    send: (mail) => send(mail, tried.push(mail)),
    clock,
    log: book.log,
  });
  return { target, tried, clock, ...book };
}

const OK = () => Promise.resolve("250 OK");

/** Announcements of one instance, flapping. */
function flaps(count: number, name = "VI_1"): Announcement[] {
  return Array.from(
    { length: count },
    (_, n) => announcement({ name, state: n % 2 === 0 ? "MASTER" : "BACKUP" }),
  );
}

Deno.test("singleMail() has keepalived's subject and says why", () => {
  const mail = singleMail(announcement(), ORIGIN);
  assert.equal(mail.subject, "[R1] VRRP Instance VI_1 - Entering MASTER state");
  assert.equal(
    mail.text,
    "VRRP Instance VI_1 is MASTER now, it was BACKUP.\n\nCause: no master\n" +
      "Time: 2026-01-02T03:04:05.000Z\nPriority: 100\nHost: h1\n",
  );
  const group = announcement({ type: "group", name: "G1", state: "FAULT", priority: 0 });
  const { subject, text } = singleMail(group, { host: "h1", routerId: null });
  assert.equal(subject, "[h1] VRRP Group G1 - Entering FAULT state");
  assert.doesNotMatch(text, /Priority/);
});

Deno.test("digestMail() counts the changes of each and tells the newest state", () => {
  const entries = [
    { last: announcement({ state: "BACKUP" }), count: 12 },
    { last: announcement({ type: "group", name: "G1", state: "FAULT" }), count: 1 },
  ];
  const { subject, text } = digestMail(entries, ORIGIN);
  assert.equal(subject, "[R1] VRRP - 13 changes of state");
  assert.match(text, /^VRRP Instance VI_1: 12 changes, BACKUP since 2026.* \(no master\)$/m);
  assert.match(text, /^VRRP Group G1: one change, FAULT since/m);
});

Deno.test("1,000 flaps in ten seconds are five mails, and the last tells the final state", async () => {
  const { target, tried, clock, lines } = staged(OK);
  for (const [at, flap] of flaps(1000).entries()) {
    target.announce(flap);
    if (at % 10 === 0) await clock.advance(100);
  }
  assert.equal(tried.length, MAILS_A_MINUTE);
  await clock.advance(300_000);
  assert.equal(tried.length, 5);
  assert.equal(tried[0]!.subject, "[R1] VRRP Instance VI_1 - Entering MASTER state");
  const digest = tried.at(-1)!;
  assert.equal(digest.subject, "[R1] VRRP - 996 changes of state");
  assert.match(digest.text, /VI_1: 996 changes, BACKUP/);
  assert.deepEqual([target.status().delivered, target.status().leftOut], [5, 996]);
  assert.deepEqual([target.status().waiting, lines], [0, []]);
});

Deno.test("1,000 changes at once are at most five mails too", async () => {
  const { target, tried, clock } = staged(OK);
  for (let n = 0; n < 1000; n++) target.announce(announcement({ name: `VI_${n}` }));
  await clock.advance(300_000);
  assert.equal(tried.length, 5);
  assert.match(tried.at(-1)!.text, /VI_999: one change, MASTER/);
});

Deno.test("a change that waited alone for the minute's end is an ordinary mail", async () => {
  const { target, tried, clock } = staged(OK);
  for (const flap of flaps(MAILS_A_MINUTE + 1)) {
    target.announce(flap);
    await clock.advance(100);
  }
  await clock.advance(60_000);
  assert.equal(tried.length, 5);
  assert.match(tried.at(-1)!.subject, /Entering MASTER state$/);
  for (const flap of flaps(2)) target.announce(flap);
  await settle();
  assert.equal(tried.length, 7, "the next ones are not summed up");
});

Deno.test("mail flows again when the minute is over", async () => {
  const { target, tried, clock } = staged(OK);
  for (let minute = 0; minute < 3; minute++) {
    for (const flap of flaps(MAILS_A_MINUTE)) {
      target.announce(flap);
      await clock.advance(100);
    }
    assert.equal(tried.length, (minute + 1) * MAILS_A_MINUTE);
    await clock.advance(60_000);
  }
  assert.ok(tried.every(({ subject }) => subject.includes("Entering")));
});

Deno.test("a mail that fails is tried again, then given up with a line in the log", async () => {
  const { target, tried, clock, lines } = staged(() => Promise.reject(new Error("refused")));
  target.announce(announcement());
  await settle();
  assert.deepEqual([tried.length, clock.nextMs, target.status().waiting], [1, 1000, 1]);
  await clock.advance(60_000);
  assert.equal(tried.length, 4);
  assert.deepEqual(lines, [
    'warning: Cannot send the mail "[R1] VRRP Instance VI_1 - Entering MASTER state" by ' +
    "mail.example:25 after 4 tries: refused",
  ]);
  assert.deepEqual([target.status().failed, target.status().waiting], [1, 0]);
});

Deno.test("a mail that would be refused again is not tried again", async () => {
  const { target, tried, clock, lines } = staged(() =>
    Promise.reject(new DeliveryError("550 no such user", true))
  );
  target.announce(announcement());
  await clock.advance(60_000);
  assert.equal(tried.length, 1);
  assert.match(lines[0]!, /by mail\.example:25: 550 no such user$/);
});

Deno.test("what waits for a server that is slow is counted, not kept", async () => {
  const gate = Promise.withResolvers<string>();
  const { target, tried, clock } = staged(() => gate.promise);
  for (const flap of flaps(100_000)) target.announce(flap);
  await settle();
  for (const flap of flaps(100_000)) target.announce(flap);
  gate.resolve("250 OK");
  await clock.advance(300_000);
  assert.ok(tried.length <= 3);
  assert.equal(target.status().waiting, 0);
});

Deno.test("hurry() sends at once what waits for the minute's end", async () => {
  const { target, tried, clock } = staged(OK);
  for (const flap of flaps(20)) {
    target.announce(flap);
    await clock.advance(10);
  }
  assert.equal(tried.length, MAILS_A_MINUTE);
  target.hurry();
  await target.idle();
  assert.equal(tried.length, 5);
});

/** A message as a server has got it. */
interface Received {
  readonly from: string;
  readonly to: string[];
  readonly user: string | undefined;
  readonly secure: boolean;
  readonly helo: string;
  readonly data: string;
}

/** A server on a port of its own. */
async function smtpServer(options: SMTPServerOptions) {
  const received: Received[] = [];
  const server = new SMTPServer({
    disabledCommands: options.onAuth === undefined ? ["AUTH"] : [],
    disableReverseLookup: true,
    logger: false,
    ...options,
    onData(stream, session, callback) {
      const chunks: Uint8Array[] = [];
      stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        received.push({
          from: mailFrom === false ? "" : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          user: session.user as string | undefined,
          secure: session.secure,
          helo: String(session.hostNameAppearsAs),
          data: new TextDecoder().decode(Uint8Array.from(chunks.flatMap((chunk) => [...chunk]))),
        });
        callback(null);
      });
    },
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.server.address() as { port: number };
  return {
    received,
    server: { host: "127.0.0.1", port },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** Lets one user in. */
const onAuth: SMTPServerOptions["onAuth"] = (auth, _session, callback) => {
  if (auth.username === "vigie" && auth.password === "s3cret") callback(null, { user: "vigie" });
  else callback(new Error("Invalid username or password"));
};

function send(
  changes: Parameters<typeof mailDefs>[0],
  authorities?: string[],
  signal?: AbortSignal,
) {
  const defs = mailDefs(changes);
  const mail = { ...defs, server: defs.server! };
  return smtpSender({ mail, host: "h1.example", authorities })(
    HELLO,
    signal ?? new AbortController().signal,
  );
}

async function failure(sent: Promise<string>): Promise<DeliveryError> {
  try {
    await sent;
  } catch (error) {
    return error as DeliveryError;
  }
  throw new Error("It was sent");
}

Deno.test("a mail reaches a plain server with every recipient and its text", async () => {
  await using smtp = await smtpServer({ hideSTARTTLS: true });
  const recipients = ["a@example.org", "B <b@example.org>"];
  const answer = await send({ server: smtp.server, recipients, heloName: "me.example" });
  assert.match(answer, /^250/);
  const [{ from, to, secure, helo, data }] = smtp.received as [Received];
  assert.deepEqual([from, to, secure, helo], [
    "vigie@example.org",
    ["a@example.org", "b@example.org"],
    false,
    "me.example",
  ]);
  assert.match(data, /^Subject: \[R1\] VRRP\r$/m);
  assert.match(data, /\r\n\r\nline\r\n\.dot\r\n$/);
});

Deno.test("a mail without a sender is from the daemon's user at this host", async () => {
  await using smtp = await smtpServer({ hideSTARTTLS: true });
  await send({ server: smtp.server, from: null, connectTimeoutUs: seconds(0) });
  assert.match(smtp.received[0]!.from, /^[^@]+@h1\.example$/);
  assert.equal(smtp.received[0]!.helo, "h1.example");
});

Deno.test("a mail is sent after STARTTLS and a login whose password is in a file", async () => {
  using folder = new TestFolder();
  const authority = await Authority.create();
  Deno.writeTextFileSync(folder.file("ca.pem"), authority.cert);
  Deno.writeTextFileSync(folder.file("password"), "s3cret\n");
  const identity = await authority.issue({ names: [Uint8Array.of(127, 0, 0, 1)] });
  await using smtp = await smtpServer({ ...identity, onAuth });
  const login = { user: "vigie", password: `file:${folder.file("password")}` };
  await send({ server: smtp.server, tls: "starttls", login }, [folder.file("ca.pem")]);
  assert.deepEqual([smtp.received[0]!.user, smtp.received[0]!.secure], ["vigie", true]);
});

Deno.test("a mail is sent by TLS from the first byte", async () => {
  using folder = new TestFolder();
  const authority = await Authority.create();
  Deno.writeTextFileSync(folder.file("ca.pem"), authority.cert);
  const identity = await authority.issue({ names: [Uint8Array.of(127, 0, 0, 1)] });
  await using smtp = await smtpServer({ ...identity, secure: true });
  await send({ server: smtp.server, tls: "tls" }, [folder.file("ca.pem")]);
  assert.equal(smtp.received[0]!.secure, true);
});

Deno.test("a certificate of an unknown authority is refused where encryption is asked for", async () => {
  using folder = new TestFolder();
  const [ours, theirs] = [await Authority.create("ours"), await Authority.create("theirs")];
  Deno.writeTextFileSync(folder.file("ca.pem"), ours.cert);
  const identity = await theirs.issue({ names: [Uint8Array.of(127, 0, 0, 1)] });
  await using plain = await smtpServer(identity);
  await using secure = await smtpServer({ ...identity, secure: true });
  const ca = [folder.file("ca.pem")];
  const errors = [
    await failure(send({ server: plain.server, tls: "starttls" }, ca)),
    await failure(send({ server: secure.server, tls: "tls" }, ca)),
  ];
  for (const { message } of errors) assert.match(message, /certificate|issuer|authority/i);
  assert.deepEqual([plain.received, secure.received], [[], []]);
});

Deno.test("starttls insists on it, opportunistic takes it or does without, none never asks", async () => {
  const authority = await Authority.create();
  const identity = await authority.issue({ names: ["elsewhere.example"] });
  await using offers = await smtpServer(identity);
  await using plain = await smtpServer({
    hideSTARTTLS: true,
    disabledCommands: ["STARTTLS", "AUTH"],
  });
  await failure(send({ server: plain.server, tls: "starttls" }));
  assert.equal(plain.received.length, 0);
  await send({ server: plain.server, tls: "opportunistic" });
  await send({ server: offers.server, tls: "opportunistic" });
  await send({ server: offers.server, tls: "none" });
  assert.deepEqual(plain.received.map(({ secure }) => secure), [false]);
  assert.deepEqual(offers.received.map(({ secure }) => secure), [true, false]);
});

Deno.test("a login that is refused and a server that wants one are final failures, in words", async () => {
  await using smtp = await smtpServer({ hideSTARTTLS: true, onAuth, allowInsecureAuth: true });
  const wrong = { user: "vigie", password: "wrong" };
  const refused = await failure(send({ server: smtp.server, login: wrong }));
  assert.match(refused.message, /Invalid.*535/);
  assert.equal(refused.isFinal, true);
  const without = await failure(send({ server: smtp.server }));
  assert.match(without.message, /53\d|authentication/i);
  assert.equal(without.isFinal, true);
  assert.deepEqual(smtp.received, []);
});

Deno.test("a recipient that is refused for now is not a final failure", async () => {
  await using smtp = await smtpServer({
    hideSTARTTLS: true,
    onRcptTo: (_to, _session, callback) =>
      callback(Object.assign(new Error("come back later"), { responseCode: 450 })),
  });
  const { message, isFinal } = await failure(send({ server: smtp.server }));
  assert.match(message, /come back later/);
  assert.equal(isFinal, false);
});

Deno.test("a port that nobody listens on is said at once", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const { message, isFinal } = await failure(send({ server: { host: "127.0.0.1", port } }));
  assert.match(message, /ECONNREFUSED/);
  assert.notEqual(isFinal, true);
});

Deno.test("a server that never greets costs one timeout", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const { port } = listener.addr as Deno.NetAddr, server = { host: "127.0.0.1", port };
  const { message } = await failure(send({ server, connectTimeoutUs: seconds(3) }));
  assert.match(message, /greeting/i);
  (await accepted).close();
});

Deno.test("a server that falls silent can be given up at once", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr, server = { host: "127.0.0.1", port };
  const abort = new AbortController();
  const sent = failure(send({ server }, undefined, abort.signal));
  using connection = await listener.accept();
  await connection.write(new TextEncoder().encode("220 hello\r\n"));
  const length = await connection.read(new Uint8Array(100));
  assert.ok(length !== null && length > 0, "it has said EHLO");
  abort.abort();
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(resolve, 60_000, "late");
  assert.notEqual(await Promise.race([sent, late]), "late");
  clearTimeout(timer);
});
