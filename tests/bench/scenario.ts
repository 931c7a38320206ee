/** The scene of every measurement: two routers of one kind and an observer on one segment. */

import { type Host, Segment } from "../../lib/net/topology.ts";
import { Capture, type Frame } from "./capture.ts";
import { owe } from "./cleanup.ts";
import { sleep } from "./clock.ts";
import { configText, type Contender } from "./contender.ts";
import { Daemon } from "./daemon.ts";

/** What the two routers are to do. */
export interface Load {
  readonly instances: number;
  readonly intervalMs: number;
}

/** An owner is master at once, so that no run waits for an election. */
export const MASTER = { priority: 255, address: "10.88.0.1" } as const;
export const BACKUP = { priority: 100, address: "10.88.0.2" } as const;
const OBSERVER = { address: "10.88.0.3" } as const;
const PREFIX = "/16";

/** Ample for 100 instances on a busy machine: beyond it something is wrong. */
const START_TIMEOUT_MS = 15_000;

/** What both daemons log for each instance. */
const IS_MASTER = /Entering MASTER STATE/, IS_BACKUP = /Entering BACKUP STATE/;

/** A segment with its observer, fresh for each run: nothing of the last one is in any cache. */
export class Scene {
  readonly segment = new Segment();
  readonly master: Host;
  readonly backup: Host;
  readonly capture: Capture;
  readonly #daemons: Daemon[] = [];
  readonly #closed: () => void;

  /** @throws {SysError} EPERM without CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_NET_RAW. */
  constructor() {
    const host = (name: string, address: string) =>
      this.segment.addHost({ name, addresses: [address + PREFIX] });
    this.master = host("master", MASTER.address);
    this.backup = host("backup", BACKUP.address);
    this.capture = new Capture(host("observer", OBSERVER.address));
    this.#closed = owe(() => {
      this.capture.close();
      this.segment.close();
    });
  }

  /** Starts a daemon on one of the hosts. */
  start(contender: Contender, host: Host, config: string): Daemon {
    const daemon = Daemon.start(contender, host, config);
    this.#daemons.push(daemon);
    return daemon;
  }

  /** Starts a master, then a backup, and returns when both are what they should be. */
  async startPair(contender: Contender, { instances, intervalMs }: Load) {
    const config = (priority: number) => configText(instances, priority, intervalMs);
    const master = this.start(contender, this.master, config(MASTER.priority));
    await master.logged(IS_MASTER, instances, START_TIMEOUT_MS);
    await this.capture.until(advertOf(MASTER.address), START_TIMEOUT_MS);
    const backup = this.start(contender, this.backup, config(BACKUP.priority));
    await backup.logged(IS_BACKUP, instances, START_TIMEOUT_MS);
    return { master, backup };
  }

  /** Ends the daemons and gives the namespaces back. */
  async close(): Promise<void> {
    for (const daemon of this.#daemons) await daemon.end();
    this.#closed();
    // The kernel takes namespaces apart after the last one has left them: not during the next run.
    await sleep(50);
  }
}

/** Finds the first advert of a router that does not resign. */
export function advertOf(address: string): (frames: readonly Frame[]) => Frame | null {
  return (frames) =>
    frames.find(({ kind, source, priority }) =>
      kind === "advert" && source === address && priority > 0
    ) ?? null;
}

/** Runs a measurement on a scene of its own. */
export async function onScene<T>(measure: (scene: Scene) => Promise<T>): Promise<T> {
  const scene = new Scene();
  try {
    return await measure(scene);
  } finally {
    await scene.close();
  }
}
