/** The keywords of `vrrp_check`, the built-in checks: vigie's own, keepalived has none of them. */

import { DNS_TYPES } from "../lib/core/probe_spec.ts";
import type { Reader, Table } from "./keyword.ts";
import {
  absolutePath,
  addressAndPort,
  contentTest,
  escapedBytes,
  hostAndPort,
  hostName,
  NOT_USED,
  PROBE,
  probeWord,
  socketPath,
} from "./probe_readers.ts";
import { choice, duration, LENIENT, present, whole } from "./readers.ts";
import { type GivenScript, optionalScript, userAndGroup } from "./readers_script.ts";
import { HTTP_PROBE, HTTPS_PROBE, SOURCE } from "./table_probe_http.ts";
import { processOptions } from "./table_track.ts";
import { TRACK_WEIGHT_MAX, weight } from "./track_entry.ts";

const INT32_MAX = 0x7fff_ffff;

/** From 10 ms, which the scheduler can keep, to a day. */
const INTERVAL_MIN = 0.01, INTERVAL_MAX = 86400;

/** RFC 1035 4.2. */
const DNS_PORT = 53;

/** Room for an address in the payload of an echo, and what fits a packet of 1500 bytes. */
const PING_BYTES_MIN = 8, PING_BYTES_MAX = 1452;

/** `tcp`: a connection, and perhaps a dialogue. */
export const TCP_PROBE = {
  connect: {
    kind: "setting",
    status: "works",
    usage: "HOST PORT",
    default: "none: required but for unix_socket",
    doc: "Where to connect to.",
    read: hostAndPort,
  },
  unix_socket: {
    kind: "setting",
    status: "works",
    usage: "PATH",
    default: "none",
    doc: "The socket to connect to, instead of a host and a port.",
    read: socketPath,
  },
  send: {
    kind: "setting",
    status: "works",
    usage: '"TEXT"',
    default: "nothing",
    doc: "Sent once connected; \\r \\n \\t \\\\ and \\xHH stand for what they do in C.",
    read: escapedBytes,
  },
  expect: {
    kind: "setting",
    status: "works",
    usage: '"TEXT" | contains "TEXT" | regex "RE" | sha256 HEX',
    default: "nothing: a connection is good",
    doc: "What must come back.",
    read: contentTest({ bare: true }),
  },
  ...SOURCE,
} as const satisfies Table;

/** `dns`: one question to one server. */
export const DNS_PROBE = {
  server: {
    kind: "setting",
    status: "works",
    usage: "IP [PORT]",
    default: `none: required; port ${DNS_PORT}`,
    doc: "The server that is asked.",
    read: addressAndPort(DNS_PORT),
  },
  name: {
    kind: "setting",
    status: "works",
    usage: "NAME",
    default: "none: required",
    doc: "The name that is asked for.",
    read: probeWord(
      "a domain name of at most 253 characters, its labels of at most 63",
      (text) => /^(?=.{1,254}$)([^\s.]{1,63}\.)*[^\s.]{1,63}\.?$|^\.$/.test(text),
    ),
  },
  type: {
    kind: "setting",
    status: "works",
    usage: DNS_TYPES.join("|"),
    default: "A",
    doc: "The type of record that is asked for.",
    read: choice(DNS_TYPES, PROBE),
  },
  answer: {
    kind: "setting",
    status: "works",
    usage: "TEXT",
    default: "any",
    doc: "One of the answers must be this, written as zone files do.",
    read: probeWord("the text of a record", (text) => text !== ""),
  },
  tcp: {
    kind: "setting",
    status: "works",
    usage: "",
    default: "off",
    doc: "Asks over TCP from the start.",
    read: present,
  },
  ...SOURCE,
} as const satisfies Table;

/** `ping`: one echo. */
export const PING_PROBE = {
  host: {
    kind: "setting",
    status: "works",
    usage: "NAME-or-IP",
    default: "none: required",
    doc: "Who must answer.",
    read: hostName,
  },
  size: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "56",
    doc: "Bytes of payload.",
    read: whole(PING_BYTES_MIN, PING_BYTES_MAX, PROBE),
  },
  ...SOURCE,
} as const satisfies Table;

/** `process`: what a `vrrp_track_process` says, but for the weight. */
export const PROCESS_PROBE = processOptions(PROBE);

/** `file`: a file that must be as expected. */
export const FILE_PROBE = {
  path: {
    kind: "setting",
    status: "works",
    usage: "PATH",
    default: "none: required",
    doc: "The file, by an absolute path.",
    read: absolutePath,
  },
  absent: {
    kind: "setting",
    status: "works",
    usage: "",
    default: "off",
    doc: "The file must not exist.",
    read: present,
  },
  max_age: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: "any",
    doc: "The file must have been changed within this time.",
    read: duration(0.001, 10 * 365 * 86400, PROBE),
  },
  content: {
    kind: "setting",
    status: "works",
    usage: 'contains "TEXT" | regex "RE" | sha256 HEX',
    default: "any",
    doc: "What its content must be.",
    read: contentTest({ bare: false }),
  },
} as const satisfies Table;

const command: Reader<GivenScript> = (args) => {
  const given = optionalScript(NOT_USED)(args);
  if (given !== null) return given;
  args.must("a command", "error", NOT_USED);
  return undefined;
};

/** `script`: a program that must exit with 0. */
export const SCRIPT_PROBE = {
  command: {
    kind: "setting",
    status: "works",
    usage: '"COMMAND [PARAM ...]" [USER [GROUP]]',
    default: "none: required",
    doc: "The program and its parameters; no shell runs it.",
    read: command,
  },
  user: {
    kind: "setting",
    status: "works",
    usage: "USER [GROUP]",
    default: "script_user",
    doc: "Who runs it.",
    read: userAndGroup("error"),
  },
} as const satisfies Table;

const probe = {
  kind: "section",
  status: "works",
  usage: "{ ... }",
  named: false,
  repeat: "all",
} as const;

/** `vrrp_check`: one probe, and what its results mean. */
export const VRRP_CHECK = {
  http: { ...probe, doc: "An HTTP/1.1 request.", table: HTTP_PROBE },
  https: { ...probe, doc: "The same over TLS.", table: HTTPS_PROBE },
  tcp: { ...probe, doc: "A TCP or unix connection.", table: TCP_PROBE },
  dns: { ...probe, doc: "A question to a DNS server.", table: DNS_PROBE },
  ping: { ...probe, doc: "An ICMP or ICMPv6 echo.", table: PING_PROBE },
  process: { ...probe, doc: "Processes that must run.", table: PROCESS_PROBE },
  file: { ...probe, doc: "A file that must be as expected.", table: FILE_PROBE },
  script: { ...probe, doc: "A program that must exit with 0.", table: SCRIPT_PROBE },
  interval: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: "1",
    doc: "From one start to the next.",
    read: duration(INTERVAL_MIN, INTERVAL_MAX, LENIENT),
  },
  timeout: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: "the interval",
    doc: "A probe that takes longer counts as failed.",
    read: duration(0.001, INTERVAL_MAX, LENIENT),
  },
  fall: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "1",
    doc: "Failures in a row that make a good check bad.",
    read: whole(1, INT32_MAX, LENIENT),
  },
  rise: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "1",
    doc: "Successes in a row that make a bad check good.",
    read: whole(1, INT32_MAX, LENIENT),
  },
  weight: {
    kind: "setting",
    status: "works",
    usage: "N [reverse]",
    default: "0: a failure is FAULT",
    doc: "Positive: added while good; negative: added while bad.",
    read: weight(TRACK_WEIGHT_MAX.check, LENIENT),
  },
  init_state: {
    kind: "setting",
    status: "works",
    usage: "up|down",
    default: "what the first result says",
    doc: "What holds before the first result.",
    read: choice(["up", "down"], LENIENT),
  },
} as const satisfies Table;

/** The blocks of a `vrrp_check` of which it has one. */
export const PROBE_BLOCKS = [
  "http",
  "https",
  "tcp",
  "dns",
  "ping",
  "process",
  "file",
  "script",
] as const;
