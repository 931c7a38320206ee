/** What answers requests in a daemon, and nothing else of it; prints a line when it is there. */

import { claimNamespace, namespaceClaim } from "../../lib/net/host.ts";
import { ControlServer } from "../../lib/daemon/control.ts";

claimNamespace();
const server = new ControlServer({
  about: (_request, connection) => void connection.send({ ok: true, pid: Deno.pid }),
}, ({ text }) => console.log(text));
const served = server.serve(namespaceClaim()!);
console.log("serving");
await served;
