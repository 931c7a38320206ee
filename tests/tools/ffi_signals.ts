/** Prints as JSON what catching signals does; a process of its own, for signals reach all of it. */

import { SysError } from "../../ffi/errno.ts";
import { isOpen } from "../../ffi/fd.ts";
import { POLL, PollSet } from "../../ffi/poll.ts";
import { clearEvent, getPid, kill } from "../../ffi/process.ts";
import { catchSignal, releaseSignal, SIGNALS } from "../../ffi/signal.ts";

const signo = SIGNALS.SIGRTMIN + 2;
const fd = catchSignal(signo), set = new PollSet();
set.add(fd, POLL.IN);

/** The signal may reach another thread first: what counts is the descriptor. */
function waitReady(): number {
  for (;;) {
    const ready = set.wait(60_000_000);
    if (ready !== "interrupted") return ready;
  }
}

function failure(attempt: () => void): string {
  try {
    attempt();
    return "none";
  } catch (error) {
    return error instanceof SysError ? error.code : String(error);
  }
}

const before = set.wait(0);
kill(getPid(), signo);
const after = waitReady();
clearEvent(fd);
const again = set.wait(0);
for (let count = 0; count < 1000; count++) kill(getPid(), signo);
waitReady();
const merged = clearEvent(fd);
const twice = failure(() => catchSignal(signo));
const uncatchable = failure(() => catchSignal(SIGNALS.SIGKILL));
set.remove(fd);
releaseSignal(signo);
const released = !isOpen(fd);

const user = catchSignal(SIGNALS.SIGUSR1);
set.add(user, POLL.IN);
// Longer than Deno waits before it would listen to the signal itself.
await new Promise((resolve) => setTimeout(resolve, 900));
kill(getPid(), SIGNALS.SIGUSR1);
const usr1 = waitReady();
// Long enough for a debugger to say that it listens, which the test would find on standard error.
await new Promise((resolve) => setTimeout(resolve, 300));
const realTime = { before, after, again };
console.log(JSON.stringify({ realTime, merged, twice, uncatchable, released, usr1 }));
Deno.exit(0);
