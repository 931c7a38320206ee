/** Configurations with something that is tracked. */

import { virtualAddress } from "./contender.ts";
import { SERVICE_PORT } from "./local_service.ts";

/** Something tracked: its own block, and the line in the instance's list of its kind. */
export interface Tracked {
  readonly list: "track_process" | "track_script" | "track_check";
  readonly name: string;
  readonly block: string;
}

/** One router of version 3 that tracks. */
export function trackingText(
  priority: number,
  intervalMs: number,
  tracked: readonly Tracked[],
): string {
  const blocks = tracked.map(({ block }) => block);
  const lists = [...Map.groupBy(tracked, ({ list }) => list)].map(([list, all]) =>
    `  ${list} {\n${all.map(({ name }) => `    ${name}\n`).join("")}  }\n`
  );
  return `global_defs {
  router_id bench
  vrrp_version 3
  script_user root
}
${blocks.join("")}vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 1
  priority ${priority}
  advert_int ${intervalMs / 1000}
  virtual_ipaddress {
    ${virtualAddress(1)}
  }
${lists.join("")}}
`;
}

/** A process by its name. */
export function trackedProcess(process: string, weight: number): Tracked {
  const block = `vrrp_track_process victim {\n  process ${process}\n  weight ${weight}\n}\n`;
  return { list: "track_process", name: "victim", block };
}

/** A command every second, which is the default. */
export function trackedScript(name: string, command: string, weight: number): Tracked {
  const block =
    `vrrp_script ${name} {\n  script "${command}"\n  interval 1\n  weight ${weight}\n}\n`;
  return { list: "track_script", name, block };
}

/** The address of the loopback that a check with this number is about: all are different ones. */
function addressOf(number: number): string {
  return `127.1.${number >> 8}.${number & 0xff}`;
}

/** Where the page with this number is. */
export function pageUrl(number: number): string {
  return `http://${addressOf(number)}:${SERVICE_PORT}/${number}`;
}

/** A built-in check that asks for the page with this number. */
export function httpCheck(number: number, intervalMs: number): Tracked {
  return builtIn(`page_${number}`, `http {\n    url ${pageUrl(number)}\n  }`, intervalMs);
}

/** A built-in check that connects to the address with this number. */
export function tcpCheck(number: number, intervalMs: number): Tracked {
  const probe = `tcp {\n    connect ${addressOf(number)} ${SERVICE_PORT}\n  }`;
  return builtIn(`port_${number}`, probe, intervalMs);
}

function builtIn(name: string, probe: string, intervalMs: number): Tracked {
  const block = `vrrp_check ${name} {\n  ${probe}\n  interval ${intervalMs / 1000}\n}\n`;
  return { list: "track_check", name, block };
}
