/** A laboratory of machines for one test: skipped visibly where they cannot be had. */

import { ip } from "../../lib/core/address.ts";
import { router, type RouterText } from "./config.ts";
import { Initramfs } from "./initramfs.ts";
import { isInstalled } from "./installed.ts";
import { Machine, MACHINE_TIMEOUT_MS, QEMU } from "./machine.ts";
import { Cable } from "./machine_cable.ts";
import { debianKernel, type Kernel, modulesFor } from "./machine_kernel.ts";
import { sleep, until } from "./until.ts";

/** The statically linked one: it needs no libraries in the machine. */
const BUSYBOX = "/bin/busybox";

/** Where modules are in a machine, in the order of their names. */
const MODULES = "/lab/modules";

/** What the first process of every machine does first: file systems, drivers, addresses. */
export const PRELUDE_PATH = "/lab/prelude";

/** Network cards of qemu. */
const DRIVERS = ["virtio_pci", "virtio_net"] as const;

/** The machines of one test, and the Ethernet that joins them; all gone at the end. */
export class MachineLab implements AsyncDisposable {
  readonly #folder = Deno.makeTempDirSync({ prefix: "vigie-machine-" });
  readonly cable = new Cable(this.#folder);
  readonly #kernel: Kernel;
  readonly #machines: Machine[] = [];

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** A scratch folder that goes with the lab. */
  scratch(): string {
    return Deno.makeTempDirSync({ dir: this.#folder });
  }

  /**
   * The root of a machine: busybox, drivers, and a prelude that makes eth0 192.0.2.N/24.
   * @param modules More kernel modules to load.
   */
  root(number: number, modules: readonly string[] = []): Initramfs {
    const root = new Initramfs().copy(BUSYBOX).link("/bin/sh", "busybox");
    for (const [at, file] of modulesFor(this.#kernel, [...DRIVERS, ...modules]).entries()) {
      root.copy(file, `${MODULES}/${`${at}`.padStart(2, "0")}.ko`);
    }
    return root.text(PRELUDE_PATH, prelude(number), 0o755);
  }

  /** Boots. @param number Makes its addresses, 1 to 9. */
  async boot(
    name: string,
    number: number,
    root: Initramfs,
    words: readonly string[] = [],
  ): Promise<Machine> {
    const [kernel, cable, folder] = [this.#kernel, this.cable, this.#folder];
    const machine = await Machine.boot({ name, number, root, kernel, cable, folder, words });
    this.#machines.push(machine);
    return machine;
  }

  /** Waits until the last advert of a machine that the cable has carried has a priority. */
  async advertised(source: string, priority: number): Promise<void> {
    await until(
      () => this.cable.adverts(source).at(-1)?.advert.priority === priority,
      `${source} to advertise priority ${priority}`,
      MACHINE_TIMEOUT_MS,
    );
  }

  /** Waits until a machine has sent so many adverts. */
  async advertises(source: string, count: number): Promise<void> {
    await until(
      () => this.cable.adverts(source).length >= count,
      `${count} adverts of ${source}`,
      MACHINE_TIMEOUT_MS,
    );
  }

  /** Waits until a machine answers for an address. */
  async answersFor(address: string, { name, mac }: Machine): Promise<void> {
    const deadline = performance.now() + MACHINE_TIMEOUT_MS;
    for (;;) {
      const answer = await this.cable.whoHas(ip(address));
      if (answer === mac) return;
      if (performance.now() > deadline) {
        throw new Error(`${name} never answered for ${address}, but ${answer}`);
      }
      await sleep(100);
    }
  }

  /** What every console showed. */
  report(): string {
    return this.#machines.map((machine) => machine.report()).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const machine of this.#machines) await machine[Symbol.asyncDispose]();
    await this.cable[Symbol.asyncDispose]();
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/** A configuration for machines: once a second, for what is emulated may stand still for a moment. */
export function machineRouter(text: RouterText): string {
  return router({ advertInt: 1, ...text });
}

function prelude(number: number): string {
  return `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in ${MODULES}/*.ko; do insmod "$module"; done
ip link set lo up
ip address add 192.0.2.${number}/24 dev eth0
ip link set eth0 up
`;
}

/** What else a test needs of this machine. */
interface Needs {
  /** Files, by what they are called in the reason for a skip. */
  readonly files?: Readonly<Record<string, string>>;
}

const IN_CI = Deno.env.get("CI") === "true";

/** A test with machines. Where these cannot be had it is skipped, and its name says why; not in CI. */
export function machineTest(
  name: string,
  { files = {} }: Needs,
  body: (lab: MachineLab) => Promise<void>,
): void {
  const kernel = kernelOr(files);
  if (typeof kernel === "string" && !IN_CI) {
    Deno.test({ name: `${name} (skipped: ${kernel})`, ignore: true, fn() {} });
    return;
  }
  Deno.test(name, async () => {
    if (typeof kernel === "string") throw new Error(`${kernel}, and CI must not skip`);
    await using lab = new MachineLab(kernel);
    try {
      await body(lab);
    } catch (error) {
      console.error(`${name}\n${lab.report()}`);
      throw error;
    }
  });
}

/** The kernel, or why there can be no machine. */
function kernelOr(files: Readonly<Record<string, string>>): Kernel | string {
  if (Deno.build.arch !== "x86_64") return "machines are x86-64 only";
  const wanted = { "qemu-system-x86_64": QEMU, "busybox": BUSYBOX, ...files };
  for (const [what, path] of Object.entries(wanted)) {
    if (!isInstalled(path)) return `${what} is not installed`;
  }
  try {
    return debianKernel();
  } catch (error) {
    return `no kernel: ${error instanceof Error ? error.message : error}`;
  }
}
