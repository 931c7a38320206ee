/** A laboratory for one test: a segment, hosts on it, daemons in them; all gone at the end. */

import { addLink, setLink } from "../../ffi/rtnetlink.ts";
import { type Host, type HostSpec, indexOf, Segment, within } from "../../lib/net/topology.ts";
import { PRIVILEGED } from "../tools/ffi_lab.ts";
import { giveAddress, type Place } from "./addresses.ts";
import { Process } from "./process.ts";
import { startVigie, type Vigie } from "./vigie.ts";
import { until } from "./until.ts";
import { Wire } from "./wire.ts";

/** The lab of one test. */
export class Lab implements AsyncDisposable {
  readonly segment = new Segment();
  readonly #disposables = new AsyncDisposableStack();
  readonly #processes: Process[] = [];

  /** A host on the segment. `addresses` default to 192.0.2.N/24 and fe80::N/64, counted from 1. */
  host(name: string, spec: Partial<HostSpec> = {}): Host {
    const n = this.segment.hosts.length + 1;
    const addresses = [`192.0.2.${n}/24`, `fe80::${n}/64`, `2001:db8::${n}/64`];
    return this.segment.addHost({ name, addresses, ...spec });
  }

  /** Two hosts that are routers, "a" with the lower addresses. */
  pair(): [Host, Host] {
    return [this.host("a"), this.host("b")];
  }

  /** Starts vigie in a host and waits until it says so. @param text The configuration. */
  async vigie(host: Place, text: string): Promise<Vigie> {
    const node = this.keep(startVigie(host, text));
    await until(
      () => !node.running || node.said(/Startup complete/).length > 0,
      `${node.name} to start`,
    );
    return node;
  }

  /** Listens to a host's interface from now on. */
  listen(host: Place): Wire {
    return this.#disposables.use(new Wire(host));
  }

  /** Ends a daemon when the lab ends, at the latest; shows what it said if the test fails. */
  keep<P extends Process>(process: P): P {
    this.#processes.push(process);
    return this.#disposables.use(process);
  }

  /** Disposes of something when the lab ends. */
  use<D extends AsyncDisposable | Disposable>(disposable: D): D {
    return this.#disposables.use(disposable);
  }

  /** A second cable, straight from one host to another: a segment of its own. */
  cable(a: Host, b: Host, device: string, addresses: readonly [string, string]): [Place, Place] {
    within(a.namespace, (socket) => {
      const peer = { peerName: device, peerNamespaceFd: b.namespace.fd };
      addLink(socket, { name: device, kind: "veth", ...peer });
    });
    const ends: [Place, Place] = [{ ...a, device }, { ...b, device }];
    for (const [at, end] of ends.entries()) {
      within(end.namespace, (socket) => setLink(socket, indexOf(socket, device), { up: true }));
      giveAddress(end, addresses[at]!);
    }
    return ends;
  }

  /** What every daemon said, for the report of a failure. */
  report(): string {
    return this.#processes.map(({ name, pid, lines }) =>
      [`--- ${name} (process ${pid}):`, ...lines.slice(-60)].join("\n")
    ).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disposables.disposeAsync();
    this.segment.close();
  }
}

/** Whether a missing tool is a failure rather than a reason to skip. */
const IN_CI = Deno.env.get("CI") === "true";

/** A test in a lab. Without the right to make namespaces it is skipped, and its name says so. */
export function labTest(name: string, body: (lab: Lab) => Promise<void>): void {
  if (!PRIVILEGED && !IN_CI) {
    const reason = "needs CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_NET_RAW";
    Deno.test({ name: `${name} (skipped: ${reason})`, ignore: true, fn() {} });
    return;
  }
  Deno.test(name, async () => {
    await using lab = new Lab();
    try {
      await body(lab);
    } catch (error) {
      console.error(`${name}\n${lab.report()}`);
      throw error;
    }
  });
}

/** A test with somebody else's daemon: skipped, visibly, where that is not installed; not in CI. */
export function peerTest(
  peer: { readonly name: string; readonly installed: boolean },
  name: string,
  body: (lab: Lab) => Promise<void>,
): void {
  if (peer.installed) labTest(name, body);
  else if (IN_CI) {
    Deno.test(name, () => {
      throw new Error(`${peer.name} is not installed, and CI must not skip`);
    });
  } else {
    Deno.test({ name: `${name} (skipped: ${peer.name} is not installed)`, ignore: true, fn() {} });
  }
}
