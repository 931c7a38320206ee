/**
 * Prints what PollSet.wait() says when signals reach the waiting thread. A child process sends them
 * to this thread alone (kill -s to a thread id) until it dies with us.
 */

import { POLL, PollSet } from "../../ffi/poll.ts";
import { eventfd, getTid } from "../../ffi/process.ts";
import { catchSignal, SIGNALS } from "../../ffi/signal.ts";

const signo = SIGNALS.SIGRTMIN + 3;
catchSignal(signo);

const set = new PollSet();
set.add(eventfd(), POLL.IN);
// kill(2) of the main thread's id means the process, and Linux prefers the main thread for that.
const script = `while sleep 0.05; do kill -${signo} ${getTid()} || exit 0; done`;
const child = new Deno.Command("sh", { args: ["-c", script] }).spawn();
const answer = set.wait(10_000_000);
child.kill("SIGKILL");
console.log(JSON.stringify(answer), JSON.stringify(set.ready()));
Deno.exit(0);
