/** The keywords of `authentication` in an instance. */

import type { Table } from "./keyword.ts";
import { oneOf, word } from "./readers.ts";

/** `authentication` in an instance. */
export const AUTHENTICATION = {
  auth_type: {
    kind: "setting",
    status: "works",
    usage: "PASS|AH",
    default: "none",
    doc: "Authentication of VRRPv2 over IPv4: a password in the clear. AH is not supported yet.",
    read: oneOf("PASS", "AH"),
  },
  auth_pass: {
    kind: "setting",
    status: "works",
    usage: "STRING",
    default: "none",
    doc: "The password; 8 bytes count.",
    read: word("a password"),
  },
} as const satisfies Table;
