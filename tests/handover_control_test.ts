/** Requests to the daemon: who is heard, and that nobody holds up the others. */

import assert from "node:assert/strict";
import { closeFd } from "../ffi/fd.ts";
import { claimName } from "../ffi/local_name.ts";
import type { LogEvent } from "../lib/core/log.ts";
import { ControlServer } from "../lib/daemon/control.ts";
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
  const ask = async (message: unknown) => {
    const connection = connect();
    connection.send(message);
    const answer = await connection.receive(5000);
    connection.close();
    return answer;
  };
  const silent = connect(), slow = connect();
  assert.equal(silent.peer.pid, Deno.pid);
  slow.send({ do: "slow" });
  assert.deepEqual(await ask({ do: "echo", more: 1 }), { said: { do: "echo", more: 1 } });
  assert.deepEqual(await ask({ do: "no such" }), { ok: false, text: 'Unknown request "no such"' });
  assert.deepEqual(await ask({ do: "toString" }), {
    ok: false,
    text: 'Unknown request "toString"',
  });
  assert.deepEqual(await ask({ do: "broken" }), { ok: false, text: "on purpose" });
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
