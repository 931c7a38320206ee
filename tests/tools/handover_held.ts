/**
 * Holds its signals back, becomes itself again, and says what the image before left: a file, a
 * descriptor that was not passed on, and a SIGTERM that came when nobody could take it.
 */

import { kill } from "../../ffi/process.ts";
import { SIGNALS } from "../../ffi/signal.ts";
import { isOpen } from "../../ffi/fd.ts";
import {
  becomeImage,
  currentImage,
  letSignalsThrough,
  makeStateFile,
  readState,
  takeStateDescriptor,
} from "../../lib/engine/handover_exec.ts";
import { type HandoverState, STATE_FORMAT } from "../../lib/engine/handover_state.ts";
import { writeState } from "../../lib/engine/handover_exec.ts";

const fd = takeStateDescriptor();
if (fd === null) {
  const state = makeStateFile(), other = makeStateFile();
  const handed = {
    format: STATE_FORMAT,
    pid: Deno.pid,
    other,
    descriptors: { state, claim: null },
    engine: { sockets: [], signals: [] },
  } as unknown as HandoverState;
  writeState(state, handed);
  becomeImage(currentImage("1"), handed);
}
const { pid, other } = JSON.parse(readState(fd)) as { pid: number; other: number };
kill(Deno.pid, SIGNALS.SIGTERM);
const facts = {
  samePid: pid === Deno.pid,
  otherOpen: isOpen(other),
  variable: Deno.env.get("VIGIE_HANDOVER") ?? null,
  args: Deno.args,
};
await new Promise((resolve) => setTimeout(resolve, 100));
Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(facts)}\n`));
letSignalsThrough();
// SIGTERM ends this process here, at the latest when the runtime looks.
setInterval(() => {}, 1000);
