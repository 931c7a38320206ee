/** The keywords of `authentication` and `auth_hmac` in an instance. */

import type { Reader, Table } from "./keyword.ts";
import type { Word } from "./lexer.ts";
import { choice, LENIENT, oneOf, whole, wholeNumber, word } from "./readers.ts";

/** `authentication` in an instance. */
export const AUTHENTICATION = {
  auth_type: {
    kind: "setting",
    status: "works",
    usage: "PASS|AH",
    default: "none",
    doc: "VRRPv2 over IPv4: a password in the clear, or IP's Authentication Header.",
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

const KEY_ID = "a whole number from 1 to 255";

/** A key as written. What is wrong with the secret itself is said without quoting it. */
const key: Reader<{ readonly id: number; readonly secret: Word }> = (args) => {
  const id = args.must(KEY_ID, "error", "the key is ignored");
  if (id === undefined) return undefined;
  const value = wholeNumber(id.text, 1, 255);
  if (value === null) {
    const remedy = `Write "key ID SECRET", with ${KEY_ID}; until then the key is ignored`;
    args.report("error", id, `Cannot read the id of a key: must be ${KEY_ID}`, remedy);
    args.rest();
    return undefined;
  }
  const secret = args.must("the key: text, hex:DIGITS or file:PATH", "error", "it is ignored");
  return secret && { id: value, secret };
};

/** `auth_hmac` in an instance. */
export const AUTH_HMAC = {
  key: {
    kind: "setting",
    status: "works",
    usage: "ID SECRET|hex:DIGITS|file:PATH",
    default: "none: required",
    repeat: "all",
    doc: "A key of 32 to 64 bytes; any of them verifies.",
    read: key,
  },
  active_key: {
    kind: "setting",
    status: "works",
    usage: "ID",
    default: "none: required",
    doc: "The key that signs.",
    read: whole(1, 255, LENIENT),
  },
  time_window: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: "3 times advert_int, from 5 to 300",
    doc: "How far the time of an advert may be from the clock.",
    read: whole(1, 300, LENIENT),
  },
  anti_replay: {
    kind: "setting",
    status: "works",
    usage: "time|monotonic",
    default: "time",
    doc: "Whether the time of an advert counts, or its order alone.",
    read: choice(["time", "monotonic"], LENIENT),
  },
  mode: {
    kind: "setting",
    status: "works",
    usage: "enforce|permissive|receive-only",
    default: "enforce",
    doc: "Whether unsigned adverts are dropped, taken, or taken and also sent.",
    read: choice(["enforce", "permissive", "receive-only"], LENIENT),
  },
} as const satisfies Table;
