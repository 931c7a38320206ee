/** A process namespace of its own in a host: its /proc shows only what was started in it. */

import type { Place } from "./addresses.ts";
import { Process } from "./process.ts";
import { sleep, TIMEOUT_MS, until } from "./until.ts";
import { VIGIE, Vigie } from "./vigie.ts";

/** The first process of a container: a shell reaps orphans while it waits for its own child. */
const INIT = "while :; do sleep 0.1; done";

/** Where programs see only each other. Disposing kills all of them. */
export class Container implements AsyncDisposable {
  readonly host: Place;
  readonly #init: Process;
  #target = 0;

  private constructor(host: Place) {
    this.host = host;
    this.#init = new Process({
      name: `container on ${host.name}`,
      namespace: host.namespace,
      command: "unshare",
      args: ["--pid", "--mount-proc", "--fork", "--kill-child", "sh", "-c", INIT],
    });
  }

  /** Makes one, and waits until programs can be started in it. */
  static async on(host: Place): Promise<Container> {
    const container = new Container(host);
    const children = `/proc/${container.#init.pid}/task/${container.#init.pid}/children`;
    await until(() => {
      const pid = Number(read(children).trim());
      container.#target = pid;
      return pid > 0 && read(`/proc/${pid}/comm`) === "sh\n";
    }, "the container's first process");
    return container;
  }

  /** Starts a program in it; ending the program is the container's affair. */
  start(name: string, command: string, ...args: string[]): Process {
    return new Process({
      name,
      namespace: this.host.namespace,
      command: "nsenter",
      args: this.#inside(command, args),
    });
  }

  /** Runs a program in it to its end. @returns Its exit code and output. */
  async run(command: string, ...args: string[]): Promise<{ code: number; text: string }> {
    const child = this.host.namespace.run(() => ({
      output: new Deno.Command("nsenter", { args: this.#inside(command, args) }).output(),
    }));
    const { code, stdout, stderr } = await child.output;
    return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  }

  /** Waits until a process of a name runs. @returns Whether one does. */
  runs(comm: string): Promise<boolean> {
    return this.#becomes(comm, 0);
  }

  /** Kills every process of a name, and waits until there is none. */
  async kill(comm: string): Promise<void> {
    await this.run("pkill", "-KILL", "-x", comm);
    if (!await this.#becomes(comm, 1)) throw new Error(`Waited in vain for ${comm} to end`);
  }

  /** Asks pgrep(1) until it answers with this status: 0 for found, 1 for none. */
  async #becomes(comm: string, status: number): Promise<boolean> {
    const deadline = performance.now() + TIMEOUT_MS;
    while (performance.now() < deadline) {
      if ((await this.run("pgrep", "-x", comm)).code === status) return true;
      await sleep(50);
    }
    return false;
  }

  /** Starts vigie in it. */
  vigie(text: string): Vigie {
    const file = Deno.makeTempFileSync({ prefix: "vigie-lab-", suffix: ".conf" });
    Deno.writeTextFileSync(file, text);
    return new Vigie(this.host, file, {
      command: "nsenter",
      args: this.#inside(VIGIE.command, VIGIE.args),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#target > 0) {
      try {
        Deno.kill(this.#target, "SIGKILL");
      } catch {
        // It has ended already, which is what is wanted.
      }
    }
    await this.#init[Symbol.asyncDispose]();
  }

  #inside(command: string, args: readonly string[]): string[] {
    return ["--target", `${this.#target}`, "--pid", "--mount", "--", command, ...args];
  }
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // Not there yet, or not any more: the caller asks again.
    return "";
  }
}
