/** `tcp`, `dns` and `ping` blocks. */

import type { DnsProbe, PingProbe, TcpProbe } from "../lib/core/probe_spec.ts";
import type { Settings } from "./keyword.ts";
import type { ProbeContext } from "./probe_context.ts";
import type { DNS_PROBE, PING_PROBE, TCP_PROBE } from "./table_check.ts";
import type { SOURCE } from "./table_probe_http.ts";

/** As ping(8) of iputils: 64 bytes of ICMP with its header. */
const PING_BYTES = 56;

/** The probe of a `tcp` block; null after a report. */
export function buildTcp(
  settings: Settings<typeof TCP_PROBE>,
  context: ProbeContext,
): TcpProbe | null {
  const { connect, unix_socket: socket, send } = settings;
  if (connect === undefined && socket === undefined) return context.missing("connect");
  if (connect !== undefined && socket !== undefined) {
    const message = "connect has no effect beside unix_socket";
    context.tell("warning", connect.position, message, "Delete one of the two lines");
  }
  const source = context.source(settings, socket ? null : connect!.value.host);
  const expect = context.test(settings.expect?.value);
  if (source === undefined || expect === undefined) return null;
  if (socket !== undefined) warnSocketSource(settings, context);
  const to = socket === undefined ? connect!.value : { unixSocket: socket.value };
  return { kind: "tcp", to, send: send?.value ?? null, expect, ...source };
}

/** Warns of a source of a connection that never leaves this host. */
export function warnSocketSource(settings: Settings<typeof SOURCE>, context: ProbeContext): void {
  for (const keyword of ["source_address", "device"] as const) {
    const found = settings[keyword];
    if (found === undefined) continue;
    const message = `${keyword} has no effect beside unix_socket`;
    context.tell("warning", found.position, message, "Delete the line");
  }
}

/** The probe of a `dns` block; null after a report. */
export function buildDns(
  settings: Settings<typeof DNS_PROBE>,
  context: ProbeContext,
): DnsProbe | null {
  const { server, name, type, answer, tcp } = settings;
  if (server === undefined) return context.missing("server");
  if (name === undefined) return context.missing("name");
  const source = context.source(settings, server.value.address);
  if (source === undefined) return null;
  return {
    kind: "dns",
    server: server.value.address,
    port: server.value.port,
    name: withoutDot(name.value),
    type: type?.value ?? "A",
    answer: answer === undefined ? null : withoutDot(answer.value),
    tcp: tcp !== undefined,
    ...source,
  };
}

/** The root stays ".". */
function withoutDot(name: string): string {
  return name.length > 1 && name.endsWith(".") ? name.slice(0, -1) : name;
}

/** The probe of a `ping` block; null after a report. */
export function buildPing(
  settings: Settings<typeof PING_PROBE>,
  context: ProbeContext,
): PingProbe | null {
  const { host, size } = settings;
  if (host === undefined) return context.missing("host");
  const source = context.source(settings, host.value);
  if (source === undefined) return null;
  return { kind: "ping", host: host.value, payloadBytes: size?.value ?? PING_BYTES, ...source };
}
