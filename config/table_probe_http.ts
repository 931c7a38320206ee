/** The keywords of the `http` and `https` blocks of a `vrrp_check`. */

import type { Reader, Table } from "./keyword.ts";
import type { Word } from "./lexer.ts";
import {
  contentTest,
  device,
  PROBE,
  probeWord,
  socketPath,
  sourceAddress,
  statusRanges,
  takeWord,
} from "./probe_readers.ts";
import { whole } from "./readers.ts";
import { parseUrl } from "./table_notify.ts";

const REDIRECTS_MAX = 10;

/** More would be longer than any certificate is valid: 100 years. */
const DAYS_MAX = 36500;

/** Printable, without line ends (RFC 9110 5.5). */
// deno-lint-ignore no-control-regex -- these are what must not be there
const FIELD_VALUE = /^[^\x00-\x08\x0a-\x1f\x7f]+$/;

/** A token (RFC 9110 5.6.2). */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function url(scheme: "http" | "https"): Reader<string> {
  const allowed =
    `a URL that begins with "${scheme}://" (an http block reaches http://, an https ` +
    "block https://, a tcp block any other port)";
  return (args) => {
    const given = takeWord(args, allowed, (text) => parseUrl(text)?.protocol === `${scheme}:`);
    return given && parseUrl(given.text)?.href;
  };
}

/** Headers that the request has anyway. */
const OWN_HEADERS: ReadonlySet<string> = new Set(["host", "content-length", "transfer-encoding"]);

const header: Reader<readonly [string, string]> = (args) => {
  const name = takeWord(
    args,
    'the name of a header (for Host there is "host NAME")',
    (text) => TOKEN.test(text) && !OWN_HEADERS.has(text.toLowerCase()),
  );
  if (name === undefined) return undefined;
  const value = takeWord(args, "a value on one line", (text) => FIELD_VALUE.test(text));
  return value && [name.text, value.text];
};

/** Where a probe leaves this host from. */
export const SOURCE = {
  source_address: {
    kind: "setting",
    status: "works",
    usage: "IP",
    default: "what the routing table chooses",
    doc: "The source address of the probe.",
    read: sourceAddress,
  },
  device: {
    kind: "setting",
    status: "works",
    usage: "IFNAME",
    default: "any",
    doc: "The interface that an echo request leaves by; others take its address as their source.",
    read: device,
  },
} as const satisfies Table;

function httpTable(scheme: "http" | "https") {
  return {
    url: {
      kind: "setting",
      status: "works",
      usage: "URL",
      default: "none: required",
      doc: "What is asked for.",
      read: url(scheme),
    },
    method: {
      kind: "setting",
      status: "works",
      usage: "WORD",
      default: "GET",
      doc: "The method of the request.",
      read: probeWord(
        "a method in capital letters, such as GET or HEAD, but not CONNECT",
        (text) => /^[A-Z]+$/.test(text) && text !== "CONNECT",
      ),
    },
    host: {
      kind: "setting",
      status: "works",
      usage: "NAME",
      default: "that of the URL",
      doc: "The Host header.",
      read: probeWord("a host name", (text) => /^[A-Za-z0-9._:[\]-]+$/.test(text)),
    },
    header: {
      kind: "setting",
      status: "works",
      usage: 'NAME "VALUE"',
      default: "none",
      repeat: "all",
      doc: "One more header of the request.",
      read: header,
    },
    status: {
      kind: "setting",
      status: "works",
      usage: "LOW[-HIGH] ...",
      default: "200-299",
      doc: "The status codes that are good.",
      read: statusRanges,
    },
    body: {
      kind: "setting",
      status: "works",
      usage: 'contains "TEXT" | regex "RE" | sha256 HEX',
      default: "any",
      doc: "What the body must be.",
      read: contentTest({ bare: false }),
    },
    redirects: {
      kind: "setting",
      status: "works",
      usage: "N",
      default: "0: a redirection is the answer",
      doc: "How many redirections are followed.",
      read: whole(0, REDIRECTS_MAX, PROBE),
    },
    unix_socket: {
      kind: "setting",
      status: "works",
      usage: "PATH",
      default: "off",
      doc: "Connects to this socket instead of the host of the URL.",
      read: socketPath,
    },
    ...SOURCE,
  } as const satisfies Table;
}

/** `http`: one HTTP/1.1 request. */
export const HTTP_PROBE = httpTable("http");

const pem: Reader<Word> = (args) =>
  takeWord(args, "the absolute path of a PEM file", (text) => text.startsWith("/"));

/** `CERT [KEY]`. */
const clientCertificate: Reader<{ readonly cert: Word; readonly key: Word }> = (args) => {
  const cert = pem(args);
  if (cert === undefined) return undefined;
  if (args.rest().length === 0) return { cert, key: cert };
  const key = pem(args);
  return key && { cert, key };
};

/** `https`: the same over TLS. */
export const HTTPS_PROBE = {
  ...httpTable("https"),
  server_name: {
    kind: "setting",
    status: "works",
    usage: "NAME",
    default: "the host of the URL",
    doc: "The name that is asked for (SNI) and must be in the certificate.",
    read: probeWord("a host name", (text) => /^[A-Za-z0-9_.-]+$/.test(text)),
  },
  ca_file: {
    kind: "setting",
    status: "works",
    usage: "PATH",
    default: "the authorities that the system trusts",
    doc: "A PEM file of the authorities to trust instead.",
    read: pem,
  },
  client_cert: {
    kind: "setting",
    status: "works",
    usage: "CERT [KEY]",
    default: "none; the key is in the file of the certificate",
    doc: "PEM files of a client certificate and its key.",
    read: clientCertificate,
  },
  insecure: {
    kind: "setting",
    status: "works",
    usage: "",
    default: "off",
    doc: "Neither chain nor name nor validity of the certificate is verified.",
    read: (args) => args.head,
  },
  certificate_days: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "0: when it has ended",
    doc: "Fails when the certificate ends in fewer days.",
    read: whole(0, DAYS_MAX, PROBE),
  },
  certificate_warn_days: {
    kind: "setting",
    status: "works",
    usage: "N",
    default: "never",
    doc: "Warns, without failing, when the certificate ends in fewer days.",
    read: whole(0, DAYS_MAX, PROBE),
  },
} as const satisfies Table;
