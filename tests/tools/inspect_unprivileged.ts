/** Gives up root, then asks about a script, a key and a FIFO; answers in JSON. */

import { createInspector } from "../../lib/daemon/inspect.ts";

const NOBODY = 65534;
const [script, key, fifo] = Deno.args as [string, string, string];
const inspector = await createInspector({ regex: false });

// The C library does it for all threads; a Deno in root's folder could not be started as another user.
const libc = Deno.dlopen("libc.so.6", {
  setgid: { parameters: ["u32"], result: "i32" },
  setuid: { parameters: ["u32"], result: "i32" },
});
if (libc.symbols.setgid(NOBODY) !== 0 || libc.symbols.setuid(NOBODY) !== 0) Deno.exit(1);

console.log(JSON.stringify({
  uid: Deno.uid(),
  script: inspector.script([script], { user: "root", group: null }, true),
  pem: inspector.pem(key, "key"),
  folderOf: inspector.folderOf(fifo),
  fifo: inspector.fifo(fifo),
}));
