/** Says which supplementary groups this process has, and which a program that runs as another user. */

import { millis } from "../../lib/core/time.ts";
import { runProgram } from "../../lib/track/program.ts";

const folder = Deno.makeTempDirSync();
const out = `${folder}/status`, script = `${folder}/script`;
try {
  Deno.chmodSync(folder, 0o755);
  Deno.writeTextFileSync(out, "");
  Deno.chmodSync(out, 0o666);
  Deno.writeTextFileSync(script, `#!/bin/sh\ncat /proc/$$/status > ${out}\n`);
  Deno.chmodSync(script, 0o755);
  const user = { user: "54321", group: "54322" };
  const outcome = await runProgram({ words: [script], user, timeoutUs: millis(20_000) });
  if (outcome.kind !== "exited") throw new Error(JSON.stringify(outcome));
  console.log(`own ${groups("/proc/self/status")}, user ${groups(out)}`);
} finally {
  Deno.removeSync(folder, { recursive: true });
}

function groups(path: string): string {
  return /^Groups:[ \t]*(.*?)\s*$/m.exec(Deno.readTextFileSync(path))![1] || "none";
}
