/** Remedies for interfaces that a machine does not have. */

import type { Facts } from "./model.ts";
import { nearest } from "./nearest.ts";

/** Names listed in a remedy: not more than a line has room for. */
const LISTED = 8;

/** What to write instead of an unknown interface: the one that was probably meant, else any. */
export function otherInterface(name: string, facts: Facts): string {
  const near = nearest(name, facts.interfaces.map((link) => link.name));
  return near === null
    ? `Name an interface of this machine${listInterfaces(facts)}`
    : `Write "${near}"`;
}

/** The interfaces to choose from, behind a colon; empty if there is none. */
export function listInterfaces(facts: Facts): string {
  const names = facts.interfaces.filter((link) => !link.loopback).map((link) => link.name);
  if (names.length === 0) return "";
  return `: ${names.slice(0, LISTED).join(", ")}${names.length > LISTED ? ", …" : ""}`;
}
