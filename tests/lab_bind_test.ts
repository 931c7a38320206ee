/** The DNS check against a real BIND: up, down, slow, wrong. */

import assert from "node:assert/strict";
import { ip } from "../lib/core/address.ts";
import type { DnsProbe } from "../lib/core/probe_spec.ts";
import { couldNotRun, failed, GOOD } from "../lib/track/checker.ts";
import { BIND, startBind } from "./lab/bind.ts";
import { type Lab, peerTest } from "./lab/lab.ts";
import { answered, Pings } from "./lab/pings.ts";
import { probeFrom } from "./lab/probe.ts";

const PROBE: DnsProbe = {
  kind: "dns",
  server: ip("192.0.2.1"),
  port: 53,
  name: "www.example.org",
  type: "A",
  answer: null,
  tcp: false,
  sourceAddress: null,
  device: null,
};

/** A server, a client, and a way to ask. */
async function serverAndClient(lab: Lab) {
  const server = lab.host("server"), client = lab.host("client");
  const named = lab.keep(startBind(server));
  await named.saw(/ running$/);
  using pings = new Pings(client);
  for (const destination of ["192.0.2.1", "2001:db8::1"]) answered(pings, destination);
  const ask = (change: Partial<DnsProbe>, timeoutMs?: number) =>
    probeFrom(client, { ...PROBE, ...change }, timeoutMs);
  return { named, client, ask };
}

peerTest(BIND, "the DNS check believes BIND, over both families, UDP and TCP", async (lab) => {
  const { client, ask } = await serverAndClient(lab);
  const good: Partial<DnsProbe>[] = [
    {},
    { answer: "192.0.2.81" },
    { tcp: true, answer: "192.0.2.80" },
    { server: ip("2001:db8::1"), type: "AAAA", answer: "2001:db8:0:0::80" },
    { server: ip("2001:db8::1"), tcp: true, sourceAddress: ip("2001:db8::2") },
    { name: "WWW.Example.ORG.", device: client.device },
    { name: "alias.example.org", answer: "192.0.2.80" },
    { name: "alias.example.org", type: "CNAME", answer: "www.example.org" },
    { name: "many.example.org", answer: "198.51.100.60" },
    { name: "example.org", type: "MX", answer: "10 Mail.example.org." },
    { name: "example.org", type: "NS", answer: "ns1.example.org" },
    { name: "example.org", type: "SOA", answer: "ns1.example.org hostmaster.example.org" },
    { name: "reverse.example.org", type: "PTR", answer: "www.example.org" },
    { name: "_ldap._tcp.example.org", type: "SRV", answer: "5 10 389 mail.example.org" },
    { name: "text.example.org", type: "TXT", answer: "v=spf1 -all; Quoted" },
  ];
  for (const change of good) assert.deepEqual(await ask(change), GOOD, JSON.stringify(change));
});

peerTest(BIND, "the DNS check says what is wrong with BIND's answer", async (lab) => {
  const { ask } = await serverAndClient(lab);
  const bad: [Partial<DnsProbe>, string][] = [
    [{ answer: "192.0.2.1" }, "answer is 192.0.2.80, 192.0.2.81, not 192.0.2.1"],
    [{ name: "nobody.example.org" }, "NXDOMAIN"],
    [{ name: "text.example.org" }, "no answer of type A"],
    [{ name: "www.elsewhere.example" }, "REFUSED"],
    [{ name: "www.broken.example" }, "SERVFAIL"],
  ];
  for (const [change, why] of bad) assert.deepEqual(await ask(change), failed(why));
  assert.deepEqual(
    await ask({ device: "no-such-if" }),
    couldNotRun("no-such-if has no IPv4 address"),
  );
});

peerTest(BIND, "the DNS check gives up on a BIND that is stopped or gone", async (lab) => {
  const { named, ask } = await serverAndClient(lab);
  named.signal("SIGSTOP");
  assert.deepEqual(await ask({}, 500), failed("aborted"));
  assert.deepEqual(await ask({ tcp: true }, 500), failed("aborted"));
  named.signal("SIGCONT");
  assert.deepEqual(await ask({}), GOOD);
  await named.crash();
  assert.deepEqual(await ask({}, 500), failed("aborted"));
  assert.deepEqual(await ask({ tcp: true }), failed("connection refused"));
});
