/**
 * What a client meets that asks while a daemon changes its image, twice: the first request is lost,
 * the second comes with a key of before. The third is answered with whether its key is right.
 */

import { makeMemoryFile } from "../../ffi/exec.ts";
import { closeFd, writeFd } from "../../ffi/fd.ts";
import {
  type ControlConnection,
  waitingConnections,
  whenAnySpeaks,
} from "../../lib/net/control_socket.ts";
import { claimNamespace, namespaceClaim } from "../../lib/net/host.ts";

claimNamespace();
const claim = namespaceClaim()!;
let image = 0, keyFile = makeKey();
const answers: ((key: unknown) => unknown)[] = [
  () => (change(), null),
  () => (change(), { ok: false, text: "of before", pid: Deno.pid, isRefused: true }),
  (key) => ({ ok: key === `${image}`, text: "the third is heard", pid: Deno.pid, version: "" }),
];
console.log("serving");
for (const answer of answers) {
  const connection = await next(), request = await connection.receive(15_000);
  const text = answer((request as { key: unknown }).key);
  if (text !== null) connection.send(text);
  connection.close();
}

async function next(): Promise<ControlConnection> {
  await whenAnySpeaks(claim, [], null);
  return waitingConnections(claim, 1)![0]!;
}

function makeKey(): number {
  const fd = makeMemoryFile("vigie-control-key");
  writeFd(fd, new TextEncoder().encode(`${image}`));
  return fd;
}

function change(): void {
  closeFd(keyFile);
  image++;
  keyFile = makeKey();
}
