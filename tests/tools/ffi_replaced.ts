/** Becomes a shell that says its pid, its arguments, its environment and what a descriptor is that we left it. */

import { setCloseOnExec } from "../../ffi/fd.ts";
import { replaceProcess } from "../../ffi/process.ts";
import { socketPair } from "../../ffi/socket.ts";

const [, right] = socketPair();
setCloseOnExec(right, false);
const script =
  `printf 'pid %s ' $$; readlink /proc/self/fd/${right} | head -c 7; echo " $1 only=$ONLY"; exit 7`;
replaceProcess("/bin/sh", ["sh", "-c", script, "sh", "two words"], { ONLY: "1" });
