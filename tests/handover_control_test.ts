/** Requests to the daemon: who is heard, and that nobody holds up the others. */

import assert from "node:assert/strict";
import { closeFd } from "../ffi/fd.ts";
import { claimName } from "../ffi/local_name.ts";
import type { LogEvent } from "../lib/core/log.ts";
import { type ControlFailure, ControlServer } from "../lib/daemon/control.ts";
import { controlKey } from "../lib/net/control_key.ts";
import { connectToDaemon, isTrustedPeer } from "../lib/net/control_socket.ts";
import { DAEMON_NAME } from "../lib/net/host.ts";
import { labTest } from "./lab/lab.ts";
import { until } from "./lab/until.ts";

labTest("requests are answered each on its own, whatever the other clients do", async (lab) => {
  const { namespace } = lab.host("a");
  assert.equal(namespace.run(() => connectToDaemon()), null, "nobody is there yet");
  const claim = namespace.run(() => claimName(DAEMON_NAME)) as number;
  const logs: LogEvent[] = [], gate = Promise.withResolvers<void>();
  const server = new ControlServer({
    slow: async (_request, connection) => {
      await gate.promise;
      connection.send({ slow: true });
    },
    echo: (request, connection) => void connection.send({ said: request }),
    broken: () => {
      throw new Error("on purpose");
    },
  }, (event) => logs.push(event));
  const served = server.serve(claim);
  const connect = () => namespace.run(() => connectToDaemon())!;
  const key = controlKey(), failed = { ok: false, pid: Deno.pid, isRefused: false };
  const ask = async (message: Record<string, unknown>) => {
    const connection = connect();
    connection.send({ key, ...message });
    const answer = await connection.receive(5000);
    connection.close();
    return answer;
  };
  const silent = connect(), slow = connect();
  assert.equal(silent.peer.pid, Deno.pid);
  slow.send({ do: "slow", key });
  assert.deepEqual(await ask({ do: "echo", more: 1 }), { said: { do: "echo", more: 1 } });
  for (const name of ["no such", "toString"]) {
    assert.deepEqual(await ask({ do: name }), { ...failed, text: `Unknown request "${name}"` });
  }
  assert.deepEqual(await ask({ do: "broken" }), { ...failed, text: "on purpose" });
  for (const wrong of [null, undefined, 1, "", key.slice(1), `0${key}`, key.replace(/./, "x")]) {
    const { isRefused, text } = await ask({ do: "echo", key: wrong }) as ControlFailure;
    assert.ok(isRefused && text.includes("all capabilities"), `${wrong}`);
  }
  gate.resolve();
  assert.deepEqual(await slow.receive(5000), { slow: true });
  assert.equal(await slow.receive(5000), null, "closed");
  silent.close();
  slow.close();
  assert.equal(logs.length, 0);
  // A connection wakes the server, which finds its socket gone.
  const last = connect();
  closeFd(claim);
  await served;
  last.close();
  assert.match(logs.map(({ text }) => text).join(), /not served any more/);
});

labTest("a crowd that says nothing stalls neither requests nor what reads files", async (lab) => {
  const { namespace } = lab.host("a");
  const claim = namespace.run(() => claimName(DAEMON_NAME)) as number;
  const server = new ControlServer({
    echo: (_request, connection) => void connection.send("here"),
  }, () => {});
  const served = server.serve(claim), connect = () => namespace.run(() => connectToDaemon())!;
  const crowd = Array.from({ length: 200 }, connect), begun = performance.now();
  try {
    // What waits for clients must not be what reads files (tokio's blocking threads, 32 in Deno).
    await Promise.all(crowd.map(() => Deno.readTextFile("/proc/self/stat")));
    // Clients of this process wait in the same threads: few enough of them.
    const asks = Array.from({ length: 8 }, async () => {
      const connection = connect();
      connection.send({ do: "echo", key: controlKey() });
      const answer = await connection.receive(10_000);
      connection.close();
      return answer;
    });
    assert.deepEqual(await Promise.all(asks), asks.map(() => "here"));
    // A client that is waited for has 5 s.
    assert.ok(performance.now() - begun < 4500, `${performance.now() - begun} ms`);
    await until(() => crowd.filter((one) => one.read() === undefined).length <= 16, "the rest");
    await until(() => crowd.every((one) => one.read() !== undefined), "all to be sent away");
  } finally {
    for (const one of crowd) one.close();
    const last = connect();
    closeFd(claim);
    await served;
    last.close();
  }
});

labTest("only who has this host's files is trusted, be it called root", async () => {
  const uid = Deno.uid()!;
  assert.equal(isTrustedPeer({ pid: Deno.pid, uid }), true);
  assert.equal(isTrustedPeer({ pid: Deno.pid, uid: 12_345 }), false);
  assert.equal(isTrustedPeer({ pid: 0, uid }), false, "of a process namespace that is not seen");
  const root = new Deno.Command("unshare", {
    args: ["--user", "--map-root-user", "sleep", "60"],
  }).spawn();
  const own = Deno.readLinkSync("/proc/self/ns/user");
  const theirs = () => Deno.readLinkSync(`/proc/${root.pid}/ns/user`);
  await until(() => theirs() !== own, "a user namespace");
  assert.equal(isTrustedPeer({ pid: root.pid, uid: 0 }), false);
  root.kill("SIGKILL");
  await root.status;
});
