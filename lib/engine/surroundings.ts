/** What changes around the instances: links and addresses become facts, and facts become events. */

import type { NetlinkReceived } from "../../ffi/netlink.ts";
import type { Ip } from "../core/address.ts";
import type { HostAddress } from "../net/links.ts";
import type { SocketPool } from "../net/socket_pool.ts";
import type { Event } from "../vrrp/types.ts";
import { logOnce, perform, type Tools } from "./effects.ts";
import { type Facts, factsOf } from "./facts.ts";
import type { Instance } from "./instance.ts";
import { now } from "./loop.ts";

/** Keeps every instance told of its host. */
export class Surroundings {
  readonly #tools: Tools;
  readonly #instances: readonly Instance[];
  readonly #sockets: SocketPool;
  readonly #feed: (instance: Instance, event: Event) => void;

  constructor(
    tools: Tools,
    instances: readonly Instance[],
    sockets: SocketPool,
    feed: (instance: Instance, event: Event) => void,
  ) {
    this.#tools = tools;
    this.#instances = instances;
    this.#sockets = sockets;
    this.#feed = feed;
  }

  /** Applies netlink events. @param reloaded The table was read anew: anything may have changed. */
  apply(messages: readonly NetlinkReceived[], reloaded: boolean): void {
    let changed = reloaded;
    for (const message of messages) {
      const { matters, removed } = this.#tools.table.apply(message);
      changed ||= matters;
      if (removed !== null) this.#warnOfRemoval(removed);
    }
    if (changed) this.refresh();
  }

  /** Recomputes what every instance should know of the host, and tells it what is new. */
  refresh(): void {
    const before = this.#instances.map((instance) => instance.facts);
    const addresses = this.#hostAddresses();
    for (const instance of this.#instances) {
      instance.facts = factsOf(instance.spec, this.#tools.table);
      const { source } = instance.facts;
      instance.ownAddresses = source === null || addresses.has(source)
        ? addresses
        : new Set([...addresses, source]);
    }
    this.#sockets.assign(this.#instances, this.#tools.table);
    for (const [at, instance] of this.#instances.entries()) this.#tell(instance, before[at]!);
  }

  /** What vigie removes it has forgotten before the kernel tells, so this was somebody else. */
  #warnOfRemoval(removed: HostAddress): void {
    const user = this.#tools.addresses.userOf(removed);
    const instance = this.#instances.find(({ name }) => name === user);
    if (instance === undefined) return;
    const device = this.#tools.table.byIndex(removed.index)?.name ?? `interface ${removed.index}`;
    const text =
      `${removed.address}/${removed.prefixLength} was removed from ${device}, not by vigie`;
    logOnce(this.#tools, instance, "warning", text, text, now());
  }

  /** A source that goes is told after the fault it causes, so that a master still resigns from it. */
  #tell(instance: Instance, before: Facts): void {
    const facts = withSocketFault(instance);
    instance.facts = facts;
    const tellSource = (): void => {
      if (facts.source === instance.router.primaryAddress) return;
      this.#feed(instance, { kind: "source", address: facts.source });
    };
    if (facts.source !== null) tellSource();
    if (JSON.stringify(before.faults) !== JSON.stringify(facts.faults)) {
      this.#feed(instance, { kind: "faults", faults: facts.faults });
    }
    tellSource();
    if (facts.carrier && !before.carrier && instance.router.state === "master") {
      this.#restore(instance);
    }
  }

  /**
   * A master that stayed one while its interface was down (`dont_track_primary`): the kernel has taken
   * IPv6 addresses off it, and neighbours may have forgotten or learned otherwise.
   */
  #restore(instance: Instance): void {
    const at = now(), rounds = instance.spec.router.announce.repeat;
    perform(this.#tools, instance, { do: "addAddresses" }, at);
    perform(this.#tools, instance, { do: "announce", rounds }, at);
  }

  /** This host's addresses but for virtual ones, which a peer may wrongly send from. */
  #hostAddresses(): ReadonlySet<Ip> {
    const { table } = this.#tools, own = new Set<Ip>();
    for (const link of table.all()) {
      for (const { address, ours } of table.addressesOf(link.index)) if (!ours) own.add(address);
    }
    return own;
  }
}

/** Without a socket, adverts could neither be sent nor heard: two masters would be the end of it. */
function withSocketFault({ facts, socketError }: Instance): Facts {
  if (socketError === null) return facts;
  return { ...facts, faults: [...facts.faults, { reason: "no_socket", detail: socketError }] };
}
