/** The daemons that are compared: how each is started, and what it says when it has come so far. */

import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A daemon under test. */
export interface Contender {
  readonly name: "vigie" | "keepalived";
  /** What exactly is measured, for the report's head. */
  readonly description: string;
  /** Program and arguments. @param scratch A directory of this daemon's own. */
  command(config: string, scratch: string): readonly [string, ...string[]];
}

/** vigie from source, or the built file that the environment variable VIGIE names. */
export function vigie(): Contender {
  const built = Deno.env.get("VIGIE");
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  const start: readonly [string, ...string[]] = built === undefined
    ? [Deno.execPath(), "run", "-A", main]
    : [built];
  return {
    name: "vigie",
    description: built === undefined ? `from source, Deno ${Deno.version.deno}` : built,
    command: (config) => [...start, "run", "-f", config],
  };
}

/** The installed keepalived; null if there is none. */
export async function keepalived(): Promise<Contender | null> {
  const version = await keepalivedVersion();
  if (version === null) return null;
  return {
    name: "keepalived",
    description: version,
    // Only the VRRP child, in the foreground, logging to the console, pid files out of the way.
    command: (config, scratch) => {
      const pidFiles = ["-p", join(scratch, "parent.pid"), "-r", join(scratch, "vrrp.pid")];
      return ["keepalived", "-n", "-l", "--vrrp", "-f", config, ...pidFiles];
    },
  };
}

async function keepalivedVersion(): Promise<string | null> {
  try {
    const { stderr } = await new Deno.Command("keepalived", {
      args: ["--version"],
      stdout: "null",
      stderr: "piped",
    }).output();
    const text = new TextDecoder().decode(stderr);
    return /Keepalived (v\S+)/.exec(text)?.[1] ?? "unknown version";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The same file for both daemons: `instances` routers of version 3 on one interface. */
export function configText(instances: number, priority: number, intervalMs: number): string {
  const global = "global_defs {\n  router_id bench\n  vrrp_version 3\n}\n";
  const routers = Array.from({ length: instances }, (_, index) => {
    const vrid = index + 1;
    return `vrrp_instance VI_${vrid} {
  interface eth0
  virtual_router_id ${vrid}
  priority ${priority}
  advert_int ${intervalMs / 1000}
  virtual_ipaddress {
    ${virtualAddress(vrid)}
  }
}
`;
  });
  return global + routers.join("");
}

/** The one virtual address of a router. */
export function virtualAddress(vrid: number): string {
  return `10.88.1.${vrid}`;
}
