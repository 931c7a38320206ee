/** Rules between the links of instances: names and MACs are of one only. */

import type { Config, VrrpInstance } from "./model.ts";
import type { Report } from "./problem.ts";

/** Reports links that get in each other's way. */
export function checkVmacs({ instances }: Config, report: Report): void {
  checkNames(instances, report);
  checkMacs(instances, report);
}

/** A name that the user chose is for one link, and for no interface that is used otherwise. */
function checkNames(instances: readonly VrrpInstance[], report: Report): void {
  const interfaces = new Set(instances.flatMap((instance) => instance.interface ?? []));
  const owners = new Map<string, string>();
  for (const { name, position, vmacs } of instances) {
    for (const vmac of vmacs) {
      if (!vmac.isNamed) continue;
      const owner = interfaces.has(vmac.name)
        ? "an interface that an instance is on"
        : owners.get(vmac.name);
      owners.set(vmac.name, `the link of ${name}`);
      if (owner === undefined) continue;
      report({
        severity: "error",
        position,
        message:
          `(${name}) Cannot name a link "${vmac.name}": that is ${owner}. The instance will ` +
          "be in FAULT",
        remedy: 'Write another name behind "use_vmac", or none',
      });
    }
  }
}

/** Two macvlans of one MAC cannot be up on one interface: they are one, as long as either is master. */
function checkMacs(instances: readonly VrrpInstance[], report: Report): void {
  const owners = new Map<string, string>();
  for (const { name, position, vmacs } of instances) {
    for (const { parent, link } of vmacs) {
      if (link.kind !== "macvlan") continue;
      const key = `${parent} ${link.mac}`, owner = owners.get(key) ?? name;
      owners.set(key, owner);
      if (owner === name) continue;
      report({
        severity: "error",
        position,
        message:
          `(${name}) The MAC ${link.mac} is used on ${parent} by ${owner} already: its link ` +
          "answers as long as either is master, and two routers may at once",
        remedy: 'Give one of them another virtual_router_id, or another MAC behind "use_vmac"',
      });
    }
  }
}
