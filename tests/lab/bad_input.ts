/** Configurations that are wrong, what must be said about them, and whether keepalived refuses them. */

import { router } from "./config.ts";

/** A file without problems. */
export const GOOD = router({ version: 2 });

/** A file with one problem. */
export interface BadInput {
  /** Completes "... is reported where it is". */
  readonly of: string;
  readonly text: string | Uint8Array;
  /** The place, the severity and the words; the file's name comes before it. */
  readonly says: RegExp;
  readonly remedy: RegExp;
  /** keepalived refuses the file too; otherwise it must run. */
  readonly fatal: boolean;
}

/** One file for each thing that is often wrong. */
export const BAD_INPUT: readonly BadInput[] = [
  {
    of: "an unknown interface",
    text: router({ interface: "eth9" }),
    says: /:3:13: fatal: .*"eth9" does not exist/,
    remedy: /remedy: Write "eth0"/,
    fatal: true,
  },
  {
    of: "VRID 0",
    text: router({ vrid: 0 }),
    says: /:4:21: fatal: .*virtual_router_id 0.*1 to 255/,
    remedy: /remedy: Write a whole number from 1 to 255/,
    fatal: true,
  },
  {
    of: "VRID 256",
    text: router({ vrid: 256 }),
    says: /:4:21: fatal: .*virtual_router_id 256.*1 to 255/,
    remedy: /remedy: Write a whole number from 1 to 255/,
    fatal: true,
  },
  {
    of: "a VRID that is used twice on an interface",
    text: `${router()}\n${router({ name: "VI_2", addresses: ["192.0.2.101/24"] })}\n`,
    says: /:15:21: fatal: \(VI_2\) VRID 51 is used by VI_1 already/,
    remedy: /remedy: Give one of them another virtual_router_id/,
    fatal: true,
  },
  {
    of: "a file that is not text",
    text: Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 3, 0, 0xff, 0xfe, 0),
    says: /:1:1: fatal: .*binary data/,
    remedy: /remedy: Name a text file/,
    fatal: true,
  },
  {
    of: "a version 3 router without a virtual address",
    text: router({ addresses: [] }),
    says: /:\d+:\d+: fatal: .*No virtual address/,
    remedy: /remedy: Write a virtual_ipaddress block/,
    fatal: true,
  },
  {
    of: "a priority out of range",
    text: router({ priority: 300 }),
    says: /:5:12: error: .*priority 300.*1 to 255/,
    remedy: /remedy: Write a whole number from 1 to 255; until then the line is ignored/,
    fatal: false,
  },
  {
    of: "a missing brace",
    text: GOOD.replace(/\}\s*$/, ""),
    says: /:1:1: error: Cannot find the end of "vrrp_instance VI_1"/,
    remedy: /remedy: Close the block with "}"/,
    fatal: false,
  },
  {
    of: "a word that nobody knows",
    text: router({ lines: ["nopreemt"] }),
    says: /:8:3: error: Unknown keyword "nopreemt"/,
    remedy: /remedy: Write "nopreempt"/,
    fatal: false,
  },
];
