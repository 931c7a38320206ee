/** The entries of `interface_up_down_delays`. */

import { micros } from "../lib/core/time.ts";
import type { List, Reader, Table } from "./keyword.ts";
import type { LinkDelay } from "../lib/core/link_delay.ts";
import { duration, INTERFACE_NAME_MAX, isInterfaceName, LENIENT } from "./readers.ts";

/** Longest delay (keepalived.conf(5)). */
const DELAY_MAX_SECONDS = 255;

const seconds = duration(0, DELAY_MAX_SECONDS, { ...LENIENT, until: "the state counts at once" });

/** `IFNAME DOWN [UP]`. */
const entry: Reader<LinkDelay> = (args) => {
  const given = args.take()!;
  if (!isInterfaceName(given.text)) {
    const allowed = `the name of an interface, at most ${INTERFACE_NAME_MAX} characters`;
    return args.refuse(given, allowed, "the line is ignored");
  }
  const downUs = seconds(args);
  if (downUs === undefined) return undefined;
  // The manual says that UP is DOWN unless it is given; keepalived's code has 0, and so has vigie.
  const upUs = args.rest().length === 0 ? micros(0) : seconds(args);
  return upUs === undefined ? undefined : { interface: given.text, downUs, upUs };
};

/** Rows of the top level. */
export const ROOT_DELAYS = {
  interface_up_down_delays: {
    kind: "list",
    status: "works",
    usage: "{ IFNAME DOWN [UP] a line }",
    default: "no delay; UP: 0",
    doc:
      "An interface counts as down DOWN seconds after it went down, and as up UP seconds after " +
      "it came up. DOWN is at most (down_timer_adverts - 1) x advert_int of each instance that " +
      "uses the interface.",
    entry,
    named: true,
  } satisfies List<LinkDelay>,
} as const satisfies Table;
