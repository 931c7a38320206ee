/** Does a port answer, a host, a name server. */

import type { BuiltIn, Idiom, Unknown } from "./idioms.ts";
import { familyNotes, grepText, parseOptions, secondsOf, valueOf } from "./idioms_options.ts";

const NOT_UNDERSTOOD: Unknown = { why: "its arguments are not understood" };
const NEGATED: Unknown = { why: "it wants that nothing answers" };
const NOT_CLEAR: Unknown = { why: "what it looks for is not clear" };

function tcp(host: string, port: string, more: Partial<BuiltIn> = {}): BuiltIn {
  const lines = [`connect ${host} ${port}`];
  return { kind: "tcp", lines, timeoutSeconds: null, notes: [], ...more };
}

/** `nc -z [-w N] HOST PORT`. */
const nc: Idiom = ({ args, readers, negated }) => {
  if (negated) return NEGATED;
  const parsed = parseOptions(args, {
    flags: ["-z", "-v", "-n", "-4", "-6", "-t"],
    valued: ["-w", "-i"],
  });
  if (parsed === null || readers.length > 0) return NOT_UNDERSTOOD;
  const [host, port, ...more] = parsed.operands;
  if (!/^\d+$/.test(port ?? "") || more.length > 0) return NOT_UNDERSTOOD;
  const notes = familyNotes(parsed, host!);
  return tcp(host!, port!, { timeoutSeconds: secondsOf(valueOf(parsed, "-w")), notes });
};

/** `ss -ltn | grep :PORT`, and netstat: something listens, here. */
const listening: Idiom = ({ args, readers, negated }) => {
  if (negated) return NEGATED;
  const parsed = parseOptions(args, {
    flags: [
      ..."-l -t -u -n -a -p -e -4 -H -W".split(" "),
      ..."--listening --tcp --udp --numeric --all --processes --programs --no-header".split(" "),
    ],
    valued: [],
  });
  const given = (...names: string[]) => names.some((name) => parsed?.given.has(name));
  const isTcp = given("-t", "--tcp") || !given("-u", "--udp");
  const isListening = given("-l", "--listening", "-a", "--all") && isTcp;
  const text = readers.length === 1 ? grepText(readers[0]) : null;
  const [, address, port] = /^\s*([\d.]*):(\d+)\s*$/.exec(text ?? "") ?? [];
  if (port === undefined || !isListening || parsed!.operands.length > 0) return NOT_CLEAR;
  const isOne = /^\d+\.\d+\.\d+\.\d+$/.test(address!) && address !== "0.0.0.0";
  return tcp(isOne ? address! : "127.0.0.1", port, {
    notes: isOne ? [] : [
      `the list showed any socket that contains ":${port}", the check connects to 127.0.0.1: ` +
      "name the address if the service listens on another one only",
    ],
  });
};

/** `openssl s_client -connect HOST:PORT [-servername NAME] | grep CONNECTED`. */
const openssl: Idiom = ({ args, readers, negated }) => {
  if (negated) return NEGATED;
  const [command, ...rest] = args;
  const parsed = command === "s_client"
    ? parseOptions(rest, {
      flags: ["-quiet", "-brief", "-no_ign_eof", "-ign_eof", "-tls1_2", "-tls1_3", "-showcerts"],
      valued: ["-connect", "-servername", "-CAfile", "-verify", "-starttls", "-verify_hostname"],
    })
    : null;
  if (parsed === null || parsed.given.has("-starttls")) return NOT_UNDERSTOOD;
  const target = /^\[?([^\]\s]+?)\]?:(\d+)$/.exec(valueOf(parsed, "-connect") ?? "");
  const text = readers.length === 0 ? "" : readers.length === 1 ? grepText(readers[0]) : null;
  if (target === null || text === null) return NOT_UNDERSTOOD;
  // Whatever else it prints is about the certificate, of which the check knows less.
  if (!/^(CONNECTED|Verify return code: 0|BEGIN CERTIFICATE|)$/.test(text)) return NOT_CLEAR;
  const [, host, port] = target, name = valueOf(parsed, "-servername");
  const caFile = valueOf(parsed, "-CAfile");
  const authority = host!.includes(":") ? `[${host}]` : host;
  const isVerified = caFile !== undefined || /Verify return code: 0/.test(text);
  return {
    kind: "https",
    lines: [
      `url https://${authority}:${port}/`,
      ...name === undefined ? [] : [`server_name ${name}`, `host ${name}`],
      ...caFile === undefined ? [] : [`ca_file ${caFile}`],
      "status 100-599",
      ...isVerified ? [] : ["insecure"],
    ],
    timeoutSeconds: null,
    notes: [
      "the check wants an HTTP answer of any status too; for another protocol write " +
      `"tcp { connect ${host} ${port} }"`,
      ...isVerified
        ? caFile === undefined || text !== "" && text !== "CONNECTED" ? [] : [
          "openssl went on with any certificate, the check wants one that ca_file vouches for",
        ]
        : ['openssl did not verify the certificate: delete "insecure" to have it verified'],
    ],
  };
};

/** `ping -c N [-W N] HOST`. */
const ping: Idiom = ({ name, args, readers, negated }) => {
  if (negated) return NEGATED;
  const parsed = parseOptions(args, {
    flags: ["-q", "-n", "-4", "-6"],
    valued: ["-c", "-W", "-w", "-i", "-I", "-s"],
  });
  const [host, ...more] = parsed?.operands ?? [];
  if (parsed === null || host === undefined || more.length > 0 || readers.length > 0) {
    return NOT_UNDERSTOOD;
  }
  const from = valueOf(parsed, "-I"), size = valueOf(parsed, "-s"), count = valueOf(parsed, "-c");
  const lines = [
    `host ${host}`,
    ...from === undefined ? [] : [/[.:]/.test(from) ? `source_address ${from}` : `device ${from}`],
    ...size === undefined ? [] : [`size ${size}`],
  ];
  const isSeveral = count !== undefined && Number(count) > 1;
  const notes = isSeveral
    ? [
      `${name} was content with one answer of ${count}: write "fall ${count}" for the same patience`,
    ]
    : [];
  return {
    kind: "ping",
    lines,
    timeoutSeconds: secondsOf(valueOf(parsed, "-W", "-w")),
    notes: [...notes, ...familyNotes(parsed, host)],
  };
};

const DNS_TYPE = /^(A|AAAA|CNAME|MX|NS|PTR|SOA|SRV|TXT)$/i;

/** `dig [+short] [+time=N] @SERVER [-p PORT] NAME [TYPE]`. */
const dig: Idiom = ({ args, readers, negated }) => {
  if (negated) return NEGATED;
  let server: string | null = null, name: string | null = null, type = "A", port = "";
  let timeoutSeconds: number | null = null, isTcp = false, isShort = false;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg.startsWith("@")) server = arg.slice(1);
    else if (arg === "-p") port = ` ${args[++at]}`;
    else if (arg === "-t") type = args[++at] ?? "";
    else if (arg === "+tcp" || arg === "+vc") isTcp = true;
    else if (arg === "+short") isShort = true;
    else if (arg.startsWith("+")) {
      timeoutSeconds = secondsOf(/^\+time=(\d+)$/.exec(arg)?.[1]) ??
        timeoutSeconds;
    } else if (arg.startsWith("-")) return NOT_UNDERSTOOD;
    else if (name === null) name = arg;
    else type = arg;
  }
  const answer = readers.length === 0 ? "" : readers.length === 1 ? grepText(readers[0]) : null;
  if (name === null || answer === null || !DNS_TYPE.test(type)) return NOT_UNDERSTOOD;
  if (answer !== "" && !isAnswer(answer, { name, type, isShort })) return NOT_CLEAR;
  if (server === null) return { why: "it names no server" };
  const isAddress = /^[\d.]+$|:/.test(server);
  if (server !== "localhost" && !isAddress) return { why: "its server is no address" };
  return {
    kind: "dns",
    lines: [
      `server ${isAddress ? server : "127.0.0.1"}${port}`,
      `name ${name}`,
      `type ${type.toUpperCase()}`,
      ...answer === "" || answer === "." ? [] : [`answer ${answer}`],
      ...isTcp ? ["tcp"] : [],
    ],
    timeoutSeconds,
    notes: answer === "" ? ["dig was content with any reply, the check wants an answer"] : [],
  };
};

/** Whether a text is a whole answer; in all that dig prints without +short, no part of the question. */
function isAnswer(
  text: string,
  { name, type, isShort }: { name: string; type: string; isShort: boolean },
): boolean {
  if (text === ".") return isShort;
  if (/[\s;#!"{}]/.test(text) || (!isShort && name.includes(text))) return false;
  if (type.toUpperCase() === "A") return /^\d+\.\d+\.\d+\.\d+$/.test(text);
  return type.toUpperCase() === "AAAA" ? text.includes(":") : /\w\.\w/.test(text);
}

/** By the name of the program. */
export const NET_IDIOMS: Readonly<Record<string, Idiom>> = {
  nc,
  ncat: nc,
  netcat: nc,
  ss: listening,
  netstat: listening,
  openssl,
  ping,
  ping6: ping,
  dig,
};
