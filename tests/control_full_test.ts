/** Commands while no more connections fit into the queue of the daemon's control socket. */

import assert from "node:assert/strict";
import { listenAnew } from "../ffi/exec.ts";
import { closeFd } from "../ffi/fd.ts";
import { claimName } from "../ffi/local_name.ts";
import {
  connectToDaemon,
  type ControlConnection,
  waitingConnections,
} from "../lib/net/control_socket.ts";
import { DAEMON_NAME } from "../lib/net/host.ts";
import { type Lab, labTest } from "./lab/lab.ts";
import { sleep } from "./lab/until.ts";
import { runVigie } from "./lab/vigie.ts";

/** Takes the daemon's name in a host's namespace and lets others connect until no more can. */
function crowdedClaim(lab: Lab, { namespace }: ReturnType<Lab["host"]>): number {
  const claim = namespace.run(() => claimName(DAEMON_NAME)) as number;
  lab.use({ [Symbol.dispose]: () => closeFd(claim) });
  listenAnew(claim, 1);
  const crowd: ControlConnection[] = [];
  lab.use({ [Symbol.dispose]: () => crowd.forEach((one) => one.close()) });
  assert.throws(() => {
    while (crowd.length < 100) crowd.push(namespace.run(() => connectToDaemon())!);
  }, { code: "EAGAIN" });
  return claim;
}

labTest("commands say so when the daemon takes no more requests", async (lab) => {
  const host = lab.host("a");
  crowdedClaim(lab, host);
  const ends = await Promise.all(["healthcheck", "reload"].map((word) => runVigie(host, [word])));
  for (const { code, text } of ends) {
    assert.equal(code, 1, text);
    assert.match(text, /^vigie takes no more requests, as too many wait already.*\n?$/);
  }
});

labTest("a command is heard when there is room again", async (lab) => {
  const host = lab.host("a"), claim = crowdedClaim(lab, host);
  let isOver = false;
  const end = runVigie(host, ["healthcheck"]).finally(() => isOver = true);
  // Later than the command's first attempt, if this machine is not slow; else it proves less.
  await sleep(1500);
  while (!isOver) {
    for (const connection of waitingConnections(claim, 100) ?? []) {
      connection.send("here");
      connection.close();
    }
    await sleep(10);
  }
  assert.deepEqual(await end, { code: 0, text: "" });
});
