/** The service that is checked, running on a router's loopback: any address of 127.0.0.0/8. */

import { fileURLToPath } from "node:url";
import type { Host } from "../../lib/net/topology.ts";
import { killIfThere, owe } from "./cleanup.ts";
import { CannotMeasure } from "./daemon.ts";
import { lineReader } from "./lines.ts";

/** The namespace is its own: no other program has the port. */
export const SERVICE_PORT = 8080;

const PROGRAM = fileURLToPath(new URL("./service.ts", import.meta.url));

/** What the service has seen. */
export interface ServiceCounts {
  readonly connections: number;
  /** Connections on which something was asked. */
  readonly requests: number;
}

/** A running service; its processor time is no daemon's. */
export class LocalService {
  readonly #process: Deno.ChildProcess;
  readonly #killed: () => void;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #line: () => Promise<string | null>;

  private constructor(host: Host) {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", PROGRAM, `${SERVICE_PORT}`],
      env: { DENO_NO_UPDATE_CHECK: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    });
    const process = host.namespace.run(() => command.spawn());
    this.#process = process;
    this.#killed = owe(() => killIfThere(process.pid));
    this.#input = process.stdin.getWriter();
    this.#line = lineReader(process.stdout);
  }

  /** Starts one, and returns when it listens. @throws {CannotMeasure} If it does not. */
  static async start(host: Host): Promise<LocalService> {
    const service = new LocalService(host);
    if (await service.#line() !== "listening") {
      throw new CannotMeasure("the service to be checked did not start");
    }
    return service;
  }

  /** What it has seen so far. */
  async counts(): Promise<ServiceCounts> {
    await this.#input.write(new TextEncoder().encode("\n"));
    const line = await this.#line();
    if (line === null) throw new CannotMeasure("the service to be checked has ended");
    return JSON.parse(line);
  }

  /** Ends it. */
  async end(): Promise<void> {
    await this.#input.close();
    await this.#process.status;
    this.#killed();
  }
}
