/**
 * A client of the control socket, in the network namespace that it was started in. `ask` asks who the
 * daemon is, proving itself as well as it can, and prints the answer; the checks that vigie's own
 * clients do first are left out. `idle N` connects N times and says nothing; it prints that all
 * are connected, then how many of them have ended, and when, as often as that changes.
 */

import { readControlKey } from "../../lib/net/control_key.ts";
import { connectToDaemon, type ControlConnection } from "../../lib/net/control_socket.ts";

const PATIENCE_MS = 15_000;

const [what, count] = Deno.args;
if (what === "ask") {
  const connection = connectToDaemon()!;
  connection.send({ do: "about", key: readControlKey(connection.peer.pid) });
  console.log(JSON.stringify(await connection.receive(PATIENCE_MS)));
} else {
  let open: ControlConnection[] = [], told = 0;
  const begun = performance.now();
  while (open.length < Number(count)) open.push(connectToDaemon()!);
  console.log("connected");
  setInterval(() => {
    open = open.filter((connection) => {
      const hasEnded = connection.read() !== undefined;
      if (hasEnded) connection.close();
      return !hasEnded;
    });
    const ended = Number(count) - open.length;
    if (ended === told) return;
    console.log(`${told = ended} ended after ${performance.now() - begun} ms`);
  }, 10);
}
