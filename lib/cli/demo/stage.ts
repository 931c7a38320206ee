/** Where the demo takes place: two routers and a client on a bridge, and what can befall a router. */

import { type Ip, ip } from "../../core/address.ts";
import type { Micros } from "../../core/time.ts";
import { type Host, Segment } from "../../net/topology.ts";
import { Client, LOOK_MS } from "./client.ts";
import { Daemon } from "./daemon.ts";
import { sameProgram } from "./launch.ts";

/** The address that the routers keep alive, from a network for documentation (RFC 5737). */
export const VIRTUAL_ADDRESS: Ip = ip("192.0.2.100");

/** The client's address. */
export const CLIENT_ADDRESS: Ip = ip("192.0.2.10");

/** Seconds between adverts: short, so that a demo is. */
export const ADVERT_SECONDS = 0.1;

/** The routers as they are configured: r1 is master whenever it can be. */
export const ROUTERS = {
  r1: { name: "r1", address: ip("192.0.2.1"), priority: 150 },
  r2: { name: "r2", address: ip("192.0.2.2"), priority: 100 },
} as const;

/** The name of a router. */
export type RouterName = keyof typeof ROUTERS;

/** What the stage tells while the demo runs. */
export interface StageListener {
  /** A line of a daemon's log. */
  said(router: RouterName, line: string): void;
  /** Something that the demo did not do broke; nothing more can be shown. */
  broke(error: unknown): void;
}

/** How long the client may wait for a takeover that takes a third of a second. */
const PATIENCE_MS = 8000;

/** The network, the daemons, the client. Disposing ends and removes all of it. */
export class Stage implements AsyncDisposable {
  readonly #listener: StageListener;
  readonly #module: string;
  readonly #hosts: Readonly<Record<RouterName, Host>>;
  readonly #folder: string;
  readonly #segment: Segment;
  readonly #cleanup: AsyncDisposableStack;
  readonly #daemons = new Map<RouterName, Daemon>();
  readonly client: Client;

  /** @throws {SysError} @throws {UnsupportedLink} If the network cannot be made. */
  constructor(module: string, listener: StageListener) {
    using cleanup = new DisposableStack();
    this.#module = module;
    this.#listener = listener;
    const segment = cleanup.adopt(new Segment(), (segment) => segment.close());
    const host = (name: string, address: Ip) =>
      segment.addHost({ name, addresses: [`${address}/24`] });
    this.#hosts = {
      r1: host("r1", ROUTERS.r1.address),
      r2: host("r2", ROUTERS.r2.address),
    };
    const clientHost = host("client", CLIENT_ADDRESS);
    this.#folder = cleanup.adopt(
      Deno.makeTempDirSync({ prefix: "vigie-demo-" }),
      (folder) => Deno.removeSync(folder, { recursive: true }),
    );
    this.client = cleanup.adopt(
      new Client(clientHost, CLIENT_ADDRESS, VIRTUAL_ADDRESS, (error) => listener.broke(error)),
      (client) => client.close(),
    );
    this.#segment = segment;
    this.#cleanup = new AsyncDisposableStack();
    this.#cleanup.use(cleanup.move());
    this.#cleanup.defer(() => this.#endDaemons());
  }

  /** Starts vigie on a router. */
  start(router: RouterName): void {
    const { name, priority } = ROUTERS[router];
    const file = `${this.#folder}/${name}.conf`;
    Deno.writeTextFileSync(file, configuration(priority));
    const command = sameProgram(this.#module, ["run", "-f", file]);
    const daemon = new Daemon(this.#hosts[router], command, {
      said: (line) => this.#listener.said(router, line),
      died: ({ code }) => this.#listener.broke(new Error(`vigie on ${name} ended (exit ${code})`)),
    });
    this.#daemons.set(router, daemon);
  }

  /** Ends vigie on a router: by SIGTERM it resigns, by SIGKILL it cannot. */
  kill(router: RouterName, signal: "SIGTERM" | "SIGKILL"): void {
    this.#daemons.get(router)?.kill(signal);
  }

  /** Waits until vigie on a router has ended. */
  async ended(router: RouterName): Promise<void> {
    await this.#daemons.get(router)?.ended();
  }

  /** Pulls the cable of a router, or plugs it in. */
  plug(router: RouterName, up: boolean): void {
    this.#segment.plug(this.#hosts[router], up);
  }

  /**
   * Waits until a router, and no other, answers the client.
   * @returns When it began to.
   * @throws {Error} If it does not; and what `signal` was aborted with.
   */
  async answers(router: RouterName, steadyUs: Micros, signal: AbortSignal): Promise<Micros> {
    const { mac } = this.#hosts[router];
    const wait = { mac, steadyUs, timeoutMs: PATIENCE_MS, signal };
    const since = await this.client.answeredBy(wait);
    if (since !== null) return since;
    throw new Error(`Waited ${PATIENCE_MS / 1000} s in vain for ${router} to answer the client`);
  }

  /**
   * Waits until vigie on a router has said that it is backup.
   * @throws {Error} If it does not; and what `signal` was aborted with.
   */
  async backsUp(router: RouterName, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!this.#daemons.get(router)?.lines.some((line) => line.includes("BACKUP STATE"))) {
      signal.throwIfAborted();
      if (performance.now() > deadline) {
        throw new Error(`Waited ${PATIENCE_MS / 1000} s in vain for ${router} to be backup`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** The last lines that the daemons logged, for the report of a failure. */
  logs(): string[] {
    return [...this.#daemons].flatMap(([router, { lines }]) =>
      lines.map((line) => `${router}: ${line}`)
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup.disposeAsync();
  }

  async #endDaemons(): Promise<void> {
    const daemons = [...this.#daemons.values()];
    for (const daemon of daemons) daemon.kill("SIGTERM");
    await Promise.all(daemons.map((daemon) => daemon.ended()));
  }
}

/** keepalived's language; what is not said is as keepalived has it. */
function configuration(priority: number): string {
  return `vrrp_instance DEMO {
    version 3
    interface eth0
    virtual_router_id 51
    priority ${priority}
    advert_int ${ADVERT_SECONDS}
    virtual_ipaddress {
        ${VIRTUAL_ADDRESS}/24
    }
}
`;
}
