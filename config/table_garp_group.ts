/** The keywords of `garp_group`. */

import type { Reader, Table } from "./keyword.ts";
import type { Word } from "./lexer.ts";
import { duration, INTERFACE_NAME_MAX, isInterfaceName } from "./readers.ts";

const MEMBER = `the name of an interface, at most ${INTERFACE_NAME_MAX} characters`;
const NO_MEMBER = "it is not in the group";

/** One interface. */
const member: Reader<Word> = (args) => {
  const given = args.must(MEMBER);
  if (given === undefined) return undefined;
  return isInterfaceName(given.text) ? given : args.refuse(given, MEMBER, NO_MEMBER);
};

/** All interfaces of a line; what cannot be one is left out, reported. */
const members: Reader<readonly Word[]> = (args) => {
  const found: Word[] = [];
  for (let word = args.take(); word !== undefined; word = args.take()) {
    if (isInterfaceName(word.text)) found.push(word);
    else args.refuse(word, MEMBER, NO_MEMBER);
  }
  return found;
};

/** `garp_group`: interfaces behind which one switch or link cannot take many announcements at once. */
export const GARP_GROUP = {
  garp_interval: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: "0, if gna_interval is given",
    doc: "Least gap between gratuitous ARPs on all interfaces of the group.",
    read: duration(0, 4294),
  },
  gna_interval: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: "0, if garp_interval is given",
    doc: "Least gap between unsolicited neighbour advertisements on all interfaces of the group.",
    read: duration(0, 4294),
  },
  interface: {
    kind: "setting",
    status: "works",
    usage: "IFNAME",
    default: "none: required but for interfaces",
    repeat: "all",
    doc: "An interface of the group.",
    read: member,
  },
  interfaces: {
    kind: "list",
    status: "works",
    usage: "{ one name a line }",
    doc: "More interfaces of the group.",
    entry: members,
  },
} as const satisfies Table;
