/** keepalived itself, in a host of the lab: foreground, VRRP only, with files of its own. */

import type { Place } from "./addresses.ts";
import { isInstalled } from "./installed.ts";
import { Process } from "./process.ts";
import { realtime } from "./realtime.ts";
import { until } from "./until.ts";

const PATH = "/usr/sbin/keepalived";

/** The peer, for `peerTest`. */
export const KEEPALIVED = { name: "keepalived", installed: isInstalled(PATH) } as const;

/** A running keepalived: a parent, which this process is, and the child that speaks VRRP. */
export class Keepalived extends Process {
  readonly #folder: string;

  constructor(host: Place, folder: string) {
    super({
      name: `keepalived on ${host.name}`,
      namespace: host.namespace,
      ...realtime(PATH, [
        ...[
          "--dont-fork",
          "--log-console",
          "--log-detail",
          "--vrrp",
          "--dont-respawn",
          "--no-syslog",
        ],
        ...["--use-file", `${folder}/keepalived.conf`, "--pid", `${folder}/parent.pid`],
        ...["--vrrp_pid", `${folder}/vrrp.pid`, "--checkers_pid", `${folder}/checkers.pid`],
      ]),
      env: { TMPDIR: folder },
    });
    this.#folder = folder;
  }

  /** Kills the child that speaks VRRP; it leaves its addresses, and the parent ends. */
  override async crash(): Promise<void> {
    Deno.kill(this.#child(), "SIGKILL");
    await this.ended();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    const child = this.running && exists(`${this.#folder}/vrrp.pid`) ? this.#child() : null;
    await super[Symbol.asyncDispose]();
    if (child !== null) killIfThere(child);
    Deno.removeSync(this.#folder, { recursive: true });
  }

  #child(): number {
    return Number(Deno.readTextFileSync(`${this.#folder}/vrrp.pid`));
  }
}

/** Starts keepalived in a host and waits until it runs its instances. */
export async function startKeepalived(host: Place, text: string): Promise<Keepalived> {
  const folder = Deno.makeTempDirSync({ prefix: "vigie-lab-keepalived-" });
  Deno.writeTextFileSync(`${folder}/keepalived.conf`, text);
  const node = new Keepalived(host, folder);
  try {
    await until(() => exists(`${folder}/vrrp.pid`), "keepalived to write its pid files");
    await until(() => node.said(/Startup complete/).length > 0, "keepalived to start");
    return node;
  } catch (error) {
    await node[Symbol.asyncDispose]();
    throw new Error(`${(error as Error).message}\n${node.lines.join("\n")}`);
  }
}

/** Whether keepalived starts with a configuration, rather than ending because of it. */
export async function keepalivedRuns(host: Place, text: string): Promise<boolean> {
  const folder = Deno.makeTempDirSync({ prefix: "vigie-lab-keepalived-" });
  Deno.writeTextFileSync(`${folder}/keepalived.conf`, text);
  await using node = new Keepalived(host, folder);
  const started = () => node.said(/Startup complete/).length > 0;
  await until(() => started() || !node.running, "keepalived to start or to refuse");
  return started();
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).size > 0;
  } catch {
    return false;
  }
}

function killIfThere(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It has ended with its parent, which is how it should be.
  }
}
