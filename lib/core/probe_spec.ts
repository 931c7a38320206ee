/** What a health check does, as plain values: the configuration writes them, lib/track runs them. */

import type { Ip } from "./address.ts";
import type { Micros } from "./time.ts";

/** Who runs a program: names or numbers as the configuration has them; group null for the user's own. */
export interface UserName {
  readonly user: string;
  readonly group: string | null;
}

/** Where a probe leaves this host from. */
export interface ProbeSource {
  /** The source address; null for what the routing table chooses. */
  readonly sourceAddress: Ip | null;
  /**
   * An interface: echo requests are bound to it (SO_BINDTODEVICE, socket(7)), other probes take its
   * first address of the destination's family as their source address. Null for any.
   */
  readonly device: string | null;
}

/** What the content of an answer or a file must be. */
export type BodyTest =
  | { readonly kind: "contains"; readonly text: string }
  /** RE2 syntax, matched in linear time. */
  | { readonly kind: "regex"; readonly pattern: string }
  /** Lower-case hexadecimal, of the whole content. */
  | { readonly kind: "sha256"; readonly digest: string };

/** HTTP status codes from `low` to `high`, both included. */
export interface StatusRange {
  readonly low: number;
  readonly high: number;
}

/** What HTTPS adds. */
export interface TlsSpec {
  /** Sent as SNI and verified in the certificate; null for the host of the URL. */
  readonly serverName: string | null;
  /** PEM file of the authorities to trust instead of the system's. */
  readonly caFile: string | null;
  /** PEM files of a client certificate and its key. */
  readonly clientCertificate: { readonly certFile: string; readonly keyFile: string } | null;
  /** Neither chain nor name nor validity is verified. */
  readonly insecure: boolean;
  /** Fails when the certificate ends in fewer days; null for only when it has ended. */
  readonly failDays: number | null;
  /** Warns, without failing, when the certificate ends in fewer days; null for never. */
  readonly warnDays: number | null;
}

/** One HTTP/1.1 request and what its answer must be. */
export interface HttpProbe extends ProbeSource {
  readonly kind: "http";
  /** Absolute, http: or https:. */
  readonly url: string;
  /** GET, HEAD, ... */
  readonly method: string;
  /** The Host header; null for the URL's. */
  readonly host: string | null;
  /** More headers, in order. */
  readonly headers: readonly (readonly [string, string])[];
  /** At least one; any of them is good. */
  readonly status: readonly StatusRange[];
  readonly body: BodyTest | null;
  /** How many redirections are followed; 0 for none, so that a 3xx is the answer. */
  readonly redirects: number;
  /** Connect to this socket instead of the URL's host and port. */
  readonly unixSocket: string | null;
  /** For https: URLs; null for http: ones. */
  readonly tls: TlsSpec | null;
}

/** A TCP (or unix stream) connection, optionally a dialogue of one line each way. */
export interface TcpProbe extends ProbeSource {
  readonly kind: "tcp";
  /** A name or an address, and a port; or a unix socket. */
  readonly to: { readonly host: string; readonly port: number } | { readonly unixSocket: string };
  /** Bytes to send once connected, each a character from U+0000 to U+00FF; null for none. */
  readonly send: string | null;
  /** What must come back within the first 64 KiB; null for nothing. */
  readonly expect: BodyTest | null;
}

/** Types of DNS records that can be asked for. */
export const DNS_TYPES = [
  "A",
  "AAAA",
  "CNAME",
  "MX",
  "NS",
  "PTR",
  "SOA",
  "SRV",
  "TXT",
] as const;
/** One of them. */
export type DnsType = typeof DNS_TYPES[number];

/** One DNS question to one server. */
export interface DnsProbe extends ProbeSource {
  readonly kind: "dns";
  readonly server: Ip;
  readonly port: number;
  readonly name: string;
  readonly type: DnsType;
  /** One of the answers must be this, written as zone files do without the trailing dot; null for any. */
  readonly answer: string | null;
  /** Over TCP from the start; UDP falls back to it when an answer is truncated. */
  readonly tcp: boolean;
}

/** One ICMP or ICMPv6 echo. */
export interface PingProbe extends ProbeSource {
  readonly kind: "ping";
  /** An address or a name. */
  readonly host: string;
  /** Bytes of payload, 8 to 1452. */
  readonly payloadBytes: number;
}

/** Which processes count (keepalived's vrrp_track_process). */
export interface ProcessMatch {
  /** The process name, then the parameters that must match. */
  readonly words: readonly string[];
  /**
   * `comm`: the kernel's 15-character name. Otherwise argv[0], and `exact` compares all parameters,
   * `initial` lets the last given one be a prefix, `partial` compares as many as are given;
   * `any` compares argv[0] alone (`full_command`).
   */
  readonly by: "comm" | "any" | "exact" | "initial" | "partial";
}

/** How many processes must run. */
export interface ProcessProbe {
  readonly kind: "process";
  readonly match: ProcessMatch;
  /** Good from so many on. */
  readonly quorum: number;
  /** Bad beyond so many; null for unlimited, 0 for "must not run". */
  readonly quorumMax: number | null;
  /** Wait so long before a gain counts (`fork_delay`). */
  readonly forkDelayUs: Micros;
  /** Wait so long before a loss counts (`terminate_delay`). */
  readonly terminateDelayUs: Micros;
}

/** A file that must be as expected. */
export interface FileProbe {
  readonly kind: "file";
  readonly path: string;
  /** False: it must not exist, and nothing else counts. */
  readonly mustExist: boolean;
  /** It must have been modified within this time; null for whenever. */
  readonly maxAgeUs: Micros | null;
  readonly content: BodyTest | null;
}

/** A program that must exit with 0. No shell runs it. */
export interface ScriptProbe {
  readonly kind: "script";
  readonly words: readonly string[];
  /** Null for the daemon's own user. */
  readonly user: UserName | null;
}

/** One thing to look at. */
export type ProbeSpec =
  | HttpProbe
  | TcpProbe
  | DnsProbe
  | PingProbe
  | ProcessProbe
  | FileProbe
  | ScriptProbe;

/** Those that are asked again and again; a process is watched instead. */
export type PolledProbe = Exclude<ProbeSpec, ProcessProbe>;

/** What a `vrrp_script` or a `vrrp_check` is made of. */
export interface CheckSpec<P extends ProbeSpec = ProbeSpec> {
  /** Unique, and how people know it: "check web", "script chk_app", "process chk_nginx". */
  readonly tracker: string;
  readonly probe: P;
  readonly intervalUs: Micros;
  readonly timeoutUs: Micros;
  /** Successes in a row that make it good again. */
  readonly rise: number;
  /** Failures in a row that make it bad. */
  readonly fall: number;
  /** What holds before the first result; `wait` lets the first result decide at once. */
  readonly initial: "wait" | "up" | "down";
}
