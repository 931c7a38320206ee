/** Whole machines for tests, emulated by qemu: a kernel of their own, no network but the test's. */

import { join } from "node:path";
import type { Cable } from "./machine_cable.ts";
import type { Kernel } from "./machine_kernel.ts";
import type { Initramfs } from "./initramfs.ts";
import { sleep, until } from "./until.ts";

/** The emulator. */
export const QEMU = "/usr/bin/qemu-system-x86_64";

/** Emulated by interpretation, a machine is some ten times slower than real; and others work too. */
export const MACHINE_TIMEOUT_MS = 300_000;

/** The executable is unpacked into memory twice over for a moment, as archive and as file. */
const MEMORY_MB = 512;

/** Reads commands from the second serial port, answers each with a line: its output, its exit code. */
const AGENT = `#!/bin/sh
stty -F /dev/ttyS1 raw -echo
exec </dev/ttyS1 >/dev/ttyS1
echo ready
while read -r command; do
	echo "$command" | base64 -d >/run/agent.sh
	sh /run/agent.sh >/run/agent.out 2>&1 </dev/null
	code=$?
	echo "$(base64 /run/agent.out | tr -d '\\n') $code"
done
`;

/** Between two askings. */
const SHOWS_MS = 500;

/** Where the agent is in the machine's root; whatever boots must start it. */
export const AGENT_PATH = "/lab/agent";

/** What to boot. */
export interface MachineSpec {
  readonly name: string;
  readonly kernel: Kernel;
  /** Its root; the agent is added. */
  readonly root: Initramfs;
  /** What its interface is plugged into. */
  readonly cable: Cable;
  /** The last number of the Ethernet address of its interface: 02:00:00:00:00:0N. */
  readonly number: number;
  /** A folder for its sockets and its archive. */
  readonly folder: string;
  /** More words for the kernel. */
  readonly words?: readonly string[];
}

/** How a command in a machine ended. */
export interface Answer {
  readonly code: number;
  /** Standard output and standard error. */
  readonly text: string;
}

/** A machine that runs. Disposing switches it off. */
export class Machine implements AsyncDisposable {
  readonly name: string;
  /** The Ethernet address of its interface. */
  readonly mac: string;
  /** What its console shows, line by line. */
  readonly console: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #readers: Promise<void>[];
  readonly #agent: Deno.UnixListener;
  #connection: Deno.UnixConn | null = null;
  readonly #answers: string[] = [];
  #cursor = 0;
  #isOff = false;

  private constructor(spec: MachineSpec) {
    const { name, number, folder } = spec;
    this.name = name;
    this.mac = `02:00:00:00:00:0${number}`;
    const agent = join(folder, `${name}.agent`), archive = join(folder, `${name}.cpio`);
    this.#agent = Deno.listen({ transport: "unix", path: agent });
    spec.root.text(AGENT_PATH, AGENT, 0o755).write(archive);
    this.#child = new Deno.Command(QEMU, {
      args: qemuArguments(spec, { mac: this.mac, plug: spec.cable.plug(), agent, archive }),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#readers = [
      readLines(this.#child.stdout, this.console),
      readLines(this.#child.stderr, this.console),
      this.#listen(),
    ];
    this.#child.status.then(() => this.#isOff = true);
  }

  /** Switches a machine on, and waits until commands can be run on it. */
  static async boot(spec: MachineSpec): Promise<Machine> {
    const machine = new Machine(spec);
    try {
      await machine.#answer("to boot");
    } catch (error) {
      console.error(machine.report());
      await machine[Symbol.asyncDispose]();
      throw error;
    }
    return machine;
  }

  /** Waits for a line on the console; looks behind it the next time. @returns The line. */
  async saw(pattern: RegExp): Promise<string> {
    let found = -1;
    await this.#until(() => {
      found = this.console.findIndex((line, at) => at >= this.#cursor && pattern.test(line));
      return found >= 0;
    }, `to say ${pattern}`);
    this.#cursor = found + 1;
    return this.console[found]!;
  }

  /** Runs commands of the shell on the machine, one call after the other. */
  async run(script: string): Promise<Answer> {
    const bytes = new TextEncoder().encode(`${btoa(script)}\n`);
    for (let at = 0; at < bytes.length;) at += await this.#connection!.write(bytes.subarray(at));
    const [output = "", code] = (await this.#answer(`to run ${script}`)).split(" ");
    const text = new TextDecoder().decode(Uint8Array.from(atob(output), (c) => c.charCodeAt(0)));
    return { code: Number(code), text };
  }

  /** Runs a command again until its output matches. @returns The output. */
  async shows(script: string, pattern: RegExp): Promise<string> {
    const deadline = performance.now() + MACHINE_TIMEOUT_MS;
    for (;;) {
      const { text } = await this.run(script);
      if (pattern.test(text)) return text;
      if (performance.now() > deadline) {
        throw new Error(`${this.name}: ${script} never showed ${pattern}, at last: ${text}`);
      }
      await sleep(SHOWS_MS);
    }
  }

  /** Takes its power away. */
  async cutPower(): Promise<void> {
    if (!this.#isOff) this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  /** The end of its console, for the report of a failure. */
  report(): string {
    return [`--- ${this.name}:`, ...this.console.slice(-80)].join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cutPower();
    this.#agent.close();
    await Promise.all(this.#readers);
  }

  async #answer(what: string): Promise<string> {
    await this.#until(() => this.#answers.length > 0, what);
    return this.#answers.shift()!;
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    await until(() => holds() || this.#isOff, `${this.name} ${what}`, MACHINE_TIMEOUT_MS);
    if (!holds()) throw new Error(`${this.name} is off, and was ${what}`);
  }

  async #listen(): Promise<void> {
    try {
      this.#connection = await this.#agent.accept();
      await readLines(this.#connection.readable, this.#answers);
    } catch {
      // Switched off.
    }
  }
}

interface Paths {
  readonly mac: string;
  readonly plug: string;
  readonly agent: string;
  readonly archive: string;
}

/**
 * qemu's "pc", for "microvm" has no clock that the kernel can calibrate by while it waits for its turn;
 * by interpretation everywhere (tcg), so that a test means the same with and without /dev/kvm.
 */
function qemuArguments({ kernel, words = [] }: MachineSpec, paths: Paths): string[] {
  const { mac, plug, agent, archive } = paths;
  // panic=-1: reboots at once, which -no-reboot makes an end.
  const line = ["console=ttyS0", "quiet", "panic=-1", "net.ifnames=0", ...words].join(" ");
  return [
    ...["-M", "pc", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", `${MEMORY_MB}`],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"],
    ...["-chardev", `socket,id=agent,path=${agent},server=off`, "-serial", "chardev:agent"],
    ...["-netdev", `stream,id=cable,server=off,addr.type=unix,addr.path=${plug}`],
    ...["-device", `virtio-net-pci,netdev=cable,mac=${mac},romfile=`],
    ...["-kernel", kernel.image, "-initrd", archive, "-append", line],
  ];
}

async function readLines(stream: ReadableStream<Uint8Array<ArrayBuffer>>, into: string[]) {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    into.push(...lines.map((line) => line.replace(/\r$/, "")));
  }
}
