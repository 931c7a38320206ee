/** Where the configurations of a corpus are at home: hosts with the links and files that they name. */

import { fileURLToPath } from "node:url";
import { addLink, setLink } from "../../ffi/rtnetlink.ts";
import { type Host, indexOf, within } from "../../lib/net/topology.ts";
import { giveAddress } from "./addresses.ts";
import { isInstalled } from "./installed.ts";
import type { Lab } from "./lab.ts";

/** The project's own configurations. */
export const CORPUS = fileURLToPath(new URL("../corpus", import.meta.url));

/** Which conditional lines count (`-i`). */
export const CONFIG_ID = "node-a";

/** The links that the configurations name, but for eth0, which a host has anyway. */
const LINKS: readonly string[] = [
  ...["eth1", "eth2", "eth3", "ens3", "ens18", "ens192", "bond0", "br-lan", "wan"],
  ...["eth0.1", "eth0.100", "eth0.101", "eth0.102", "eth0.103"],
];

/** The scripts that the configurations name in /etc/keepalived. */
const SCRIPTS: readonly string[] = [
  ...["check_apiserver.sh", "check_galera.sh", "check_nginx.sh"],
  ...["conntrackd.sh", "fifo.sh", "notify.sh"],
];

/** A host with every link of the corpus. */
export function corpusHost(lab: Lab, name: string): Host {
  const host = lab.host(name, { addresses: ["192.0.2.10/24"] });
  within(host.namespace, (socket) => {
    for (const [at, link] of LINKS.entries()) {
      addLink(socket, { name: link, kind: "veth", peerName: `end${at}` });
      for (const end of [link, `end${at}`]) setLink(socket, indexOf(socket, end), { up: true });
    }
  });
  for (const [at, device] of LINKS.entries()) {
    giveAddress({ ...host, device }, `10.250.${at}.10/24`);
  }
  return host;
}

/** Root of a mount namespace to be: /etc/keepalived with scripts, and a /run that is nobody else's. */
export class CorpusFiles implements Disposable {
  readonly #folder = Deno.makeTempDirSync({ prefix: "vigie-corpus-" });

  constructor() {
    // Who may write to a script's folder may write the script: keepalived looks at all of the path.
    Deno.chmodSync(this.#folder, 0o755);
    for (const script of SCRIPTS) {
      Deno.writeTextFileSync(`${this.#folder}/${script}`, "#!/bin/sh\nexit 0\n");
      Deno.chmodSync(`${this.#folder}/${script}`, 0o755);
    }
  }

  /** What runs a program among these files; its process is the program's. */
  around(command: readonly string[]): readonly string[] {
    const script = [
      `mount --bind ${this.#folder} /etc/keepalived`,
      "mount -t tmpfs tmpfs /run",
      'exec "$0" "$@"',
    ].join(" && ");
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, ...command];
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/** The configurations in a folder whose names end so, sorted. */
export function configsIn(folder: string, isOne: (name: string) => boolean): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).filter(isOne).sort();
}

/** Where Debian's package keeps keepalived's samples. */
const SAMPLES = "/usr/share/doc/keepalived/samples";

/**
 * keepalived's samples, which are under another licence and no part of this repository: as installed,
 * else out of the package. Machines that leave out documentation (dpkg's path-exclude) have none.
 *
 * @throws {Error} If the package cannot be had either.
 */
export async function keepalivedSamples(lab: Lab): Promise<string> {
  if (isInstalled(`${SAMPLES}/keepalived.conf.vrrp`)) return SAMPLES;
  const folder = lab.use(new TemporaryFolder()).path;
  await run(folder, "apt-get", ["download", "keepalived"]);
  const [file] = configsIn(folder, (name) => name.endsWith(".deb"));
  await run(folder, "dpkg-deb", ["--extract", file!, "."]);
  return `${folder}${SAMPLES}`;
}

class TemporaryFolder implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "vigie-samples-" });

  constructor() {
    // apt reads packages as a user of its own (_apt).
    Deno.chmodSync(this.path, 0o755);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

async function run(cwd: string, command: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(command, { args: [...args], cwd }).output();
  if (code !== 0) {
    throw new Error(`${command} ended with ${code}: ${new TextDecoder().decode(stderr)}`);
  }
}
