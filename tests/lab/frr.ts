/** FRR's vrrpd in a host of the lab: zebra, vrrpd, and the macvlan device that FRR wants for each router. */

import { addLink, IN6_ADDR_GEN_MODE, MACVLAN_MODE, setLink } from "../../ffi/rtnetlink.ts";
import { type Host, indexOf, within } from "../../lib/net/topology.ts";
import { giveAddress } from "./addresses.ts";
import { isInstalled } from "./installed.ts";
import { Process } from "./process.ts";
import { realtime } from "./realtime.ts";
import { until } from "./until.ts";

const FOLDER = "/usr/lib/frr";

/** Where FRR's IPv6 adverts come from. */
export const FRR_LINK_LOCAL = "fe80::f44";

/** The peer, for `peerTest`. */
export const FRR = {
  name: "FRR",
  installed: isInstalled(`${FOLDER}/zebra`) && isInstalled(`${FOLDER}/vrrpd`),
} as const;

/** A virtual router of vrrpd, version 3. */
export interface FrrRouter {
  readonly vrid: number;
  readonly priority: number;
  /** Milliseconds, a multiple of 10. */
  readonly intervalMs: number;
  /** Of one family; the device has the family's virtual MAC (RFC 9568 7.3). */
  readonly addresses: readonly string[];
}

/** zebra and vrrpd of one host. vrrpd's log is this process's. */
export class Frr extends Process {
  readonly #folder: string;
  readonly #zebra: Process;

  constructor(host: Host, folder: string, zebra: Process) {
    super({ ...daemon(host, folder, "vrrpd"), name: `vrrpd on ${host.name}` });
    this.#folder = folder;
    this.#zebra = zebra;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.#zebra[Symbol.asyncDispose]();
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/** Starts FRR in a host with one virtual router, with its device and addresses; waits for vrrpd. */
export async function startFrr(host: Host, router: FrrRouter): Promise<Frr> {
  addVirtualDevice(host, router);
  const folder = Deno.makeTempDirSync({ prefix: "vigie-lab-frr-" });
  // vrrpd and zebra give up root for the user of their package.
  Deno.chmodSync(folder, 0o777);
  Deno.writeTextFileSync(`${folder}/zebra.conf`, "");
  Deno.writeTextFileSync(`${folder}/vrrpd.conf`, configOf(host, router));
  const zebra = new Process({ ...daemon(host, folder, "zebra"), name: `zebra on ${host.name}` });
  await until(() => isSocket(`${folder}/zserv`), "zebra to open its socket").catch(
    async (error: Error) => {
      await zebra[Symbol.asyncDispose]();
      throw new Error(`${error.message}\n${zebra.lines.join("\n")}`);
    },
  );
  return new Frr(host, folder, zebra);
}

function daemon(host: Host, folder: string, name: string) {
  return {
    namespace: host.namespace,
    ...realtime(`${FOLDER}/${name}`, [
      ...["--config_file", `${folder}/${name}.conf`, "--pid_file", `${folder}/${name}.pid`],
      ...["--vty_socket", folder, "--vty_port", "0", "--socket", `${folder}/zserv`],
      ...["--log", "stdout", "--log-level", "debug"],
    ]),
  };
}

function configOf(host: Host, { vrid, priority, intervalMs, addresses }: FrrRouter): string {
  const word = isIpv6(addresses) ? "ipv6" : "ip";
  return [
    "debug vrrp protocol",
    `interface ${host.device}`,
    ` vrrp ${vrid} version 3`,
    ` vrrp ${vrid} priority ${priority}`,
    ` vrrp ${vrid} advertisement-interval ${intervalMs}`,
    ...addresses.map((address) => ` vrrp ${vrid} ${word} ${address}`),
    "",
  ].join("\n");
}

/** FRR finds the device by its MAC and its parent, and puts nothing on it by itself. */
function addVirtualDevice(host: Host, { vrid, addresses }: FrrRouter): void {
  const ipv6 = isIpv6(addresses), name = `vrrp${ipv6 ? 6 : 4}-${vrid}`;
  within(host.namespace, (socket) => {
    addLink(socket, {
      name,
      kind: "macvlan",
      linkIndex: indexOf(socket, host.device),
      mode: MACVLAN_MODE.BRIDGE,
      mac: Uint8Array.of(0, 0, 0x5e, 0, ipv6 ? 2 : 1, vrid),
    });
    const index = indexOf(socket, name);
    setLink(socket, index, { addressGenMode: IN6_ADDR_GEN_MODE.NONE });
    setLink(socket, index, { up: true });
  });
  const device = { ...host, device: name };
  for (const address of addresses) giveAddress(device, `${address}/${ipv6 ? 64 : 24}`);
  // Its adverts over IPv6 leave from a link-local address of that device.
  if (ipv6) giveAddress(device, `${FRR_LINK_LOCAL}/64`);
}

function isIpv6(addresses: readonly string[]): boolean {
  return addresses[0]!.includes(":");
}

function isSocket(path: string): boolean {
  try {
    return Deno.statSync(path).isSocket === true;
  } catch {
    return false;
  }
}
