/** `http` and `https` blocks. */

import type { HttpProbe, TlsSpec } from "../lib/core/probe_spec.ts";
import type { Settings } from "./keyword.ts";
import type { ProbeContext } from "./probe_context.ts";
import { warnSocketSource } from "./build_probe_net.ts";
import type { HTTP_PROBE, HTTPS_PROBE } from "./table_probe_http.ts";

/** Any success (RFC 9110 15.3). */
const DEFAULT_STATUS = [{ low: 200, high: 299 }];

/** The probe of an `http` block, or with `tls` of an `https` block; null after a report. */
export function buildHttp(
  settings: Settings<typeof HTTP_PROBE> | Settings<typeof HTTPS_PROBE>,
  tls: Settings<typeof HTTPS_PROBE> | null,
  context: ProbeContext,
): HttpProbe | null {
  const { url, unix_socket: socket } = settings;
  if (url === undefined) return context.missing("url");
  const source = context.source(settings, socket ? null : new URL(url.value).hostname);
  const body = context.test(settings.body?.value);
  const secure = tls === null ? null : buildTls(tls, context);
  if (source === undefined || body === undefined || secure === undefined) return null;
  if (socket !== undefined) warnSocketSource(settings, context);
  return {
    kind: "http",
    url: url.value,
    method: settings.method?.value ?? "GET",
    host: settings.host?.value ?? null,
    headers: (settings.header ?? []).map(({ value }) => value),
    status: settings.status?.value ?? DEFAULT_STATUS,
    body,
    redirects: settings.redirects?.value ?? 0,
    unixSocket: socket?.value ?? null,
    tls: secure,
    ...source,
  };
}

/** Undefined after a report. */
function buildTls(
  settings: Settings<typeof HTTPS_PROBE>,
  context: ProbeContext,
): TlsSpec | undefined {
  const { ca_file: ca, client_cert: client, certificate_days: fail } = settings;
  const warn = settings.certificate_warn_days;
  const usable = [
    ca === undefined || context.pem(ca.value, "certificate"),
    client === undefined || context.pem(client.value.cert, "certificate"),
    client === undefined || context.pem(client.value.key, "key"),
  ];
  if (usable.includes(false)) return undefined;
  if (warn !== undefined && warn.value <= (fail?.value ?? 0)) {
    const message = `certificate_warn_days ${warn.value} never warns: the check fails before it`;
    context.tell("warning", warn.position, message, "Write more days than certificate_days has");
  }
  if (settings.insecure !== undefined && ca !== undefined) {
    const message = "ca_file has no effect: insecure verifies nothing";
    context.tell("warning", ca.position, message, 'Delete "insecure", or this line');
  }
  return {
    serverName: settings.server_name?.value ?? null,
    caFile: ca?.value.text ?? null,
    clientCertificate: client === undefined
      ? null
      : { certFile: client.value.cert.text, keyFile: client.value.key.text },
    insecure: settings.insecure !== undefined,
    failDays: fail?.value ?? null,
    warnDays: warn?.value ?? null,
  };
}
