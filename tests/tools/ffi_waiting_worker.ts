/** A worker that says "waiting", waits for the eventfd it is given, and says "woken". */

import { POLL, PollSet } from "../../ffi/poll.ts";

const scope = self as unknown as Worker; // the worker scope has no type of its own here
scope.addEventListener("message", (event) => {
  const set = new PollSet();
  set.add((event as MessageEvent<number>).data, POLL.IN);
  scope.postMessage("waiting");
  set.wait(null);
  scope.postMessage("woken");
});
