/** The HTTP check against a real nginx, from another host of the segment. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HttpProbe, TlsSpec } from "../lib/core/probe_spec.ts";
import type { Verdict } from "../lib/track/checker.ts";
import type { Place } from "./lab/addresses.ts";
import { isInstalled } from "./lab/installed.ts";
import { type Lab, peerTest } from "./lab/lab.ts";
import { Process } from "./lab/process.ts";
import { until } from "./lab/until.ts";
import { Authority } from "./tools/certificates.ts";
import { httpProbe, PLAIN_TLS } from "./tools/http_lab.ts";

const NGINX_PATH = "/usr/sbin/nginx";
const NGINX = { name: "nginx", installed: isInstalled(NGINX_PATH) };
const PROBE = fileURLToPath(new URL("tools/probe_http.ts", import.meta.url));

/** Nobody answers at 192.0.2.250, so what is passed on to it hangs. */
const SITES = `
  location /health { return 200 "all well\\n"; }
  location /ill { return 503; }
  location /moved { return 302 /health; }
  location /hangs { proxy_pass http://192.0.2.250; }
  location /slow { limit_rate 100; }
`;

function configuration(folder: string, address: string): string {
  return `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  root ${folder};
  server { listen ${address}:80; ${SITES} }
  server {
    listen ${address}:443 ssl;
    ssl_certificate ${folder}/own.pem;
    ssl_certificate_key ${folder}/own.key;
    ${SITES}
  }
  server {
    listen ${address}:444 ssl;
    ssl_certificate ${folder}/own.pem;
    ssl_certificate_key ${folder}/own.key;
    ssl_client_certificate ${folder}/ca.pem;
    ssl_verify_client on;
    ${SITES}
  }
}
`;
}

/** Starts nginx in a host. @returns Its process, and the folder with ca.pem, client.pem, client.key. */
async function startNginx(lab: Lab, host: Place, address: string) {
  const folder = await Deno.makeTempDir();
  lab.use({ [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) });
  const authority = await Authority.create();
  const own = await authority.issue({ names: ["www.example"], toDays: 10.5 });
  const client = await authority.issue({ names: ["client.example"] });
  const files = {
    "ca.pem": authority.cert,
    "own.pem": own.cert,
    "own.key": own.key,
    "client.pem": client.cert,
    "client.key": client.key,
    "slow": `${"x".repeat(100_000)} the end`,
    "nginx.conf": configuration(folder, address),
  };
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(join(folder, name), text);
  }
  const nginx = lab.keep(
    new Process({
      name: "nginx",
      namespace: host.namespace,
      command: NGINX_PATH,
      args: ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"],
    }),
  );
  return { folder, nginx };
}

/** Checks once, from a host. */
async function check(lab: Lab, from: Place, probe: HttpProbe, timeoutMs = 10_000) {
  const process = lab.keep(
    new Process({
      name: `probe of ${probe.url}`,
      namespace: from.namespace,
      command: Deno.execPath(),
      args: ["run", "-A", "--no-check", PROBE, JSON.stringify(probe), String(timeoutMs)],
    }),
  );
  await until(() => !process.running, "the verdict", timeoutMs + 60_000);
  await process.ended();
  const line = process.lines.find((line) => line.startsWith("{"));
  return line === undefined ? process.lines.join("\n") : wordsOf(JSON.parse(line) as Verdict);
}

function wordsOf(verdict: Verdict): string {
  if (!verdict.good) return `${verdict.kind}: ${verdict.why}`;
  return verdict.warning === undefined ? "good" : `good: ${verdict.warning}`;
}

/** Waits until nginx answers: it says nothing when it is ready. */
async function ready(lab: Lab, from: Place, url: string): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    if (await check(lab, from, httpProbe(url)) === "good") return;
  }
  throw new Error("nginx does not answer");
}

peerTest(NGINX, "checkHttp() sees a real nginx up, ill, hanging, slow and down", async (lab) => {
  const [web, client] = lab.pair();
  const { nginx } = await startNginx(lab, web, "192.0.2.1");
  const url = "http://192.0.2.1/health";
  await ready(lab, client, url);
  const at = (path: string, over: Partial<HttpProbe> = {}, timeoutMs?: number) =>
    check(lab, client, httpProbe(`http://192.0.2.1/${path}`, over), timeoutMs);

  const digest = "b4c1e11c1ba4bff5fbd2b65a9cbd8cd3d8b4bf6f1ba22f5d90c6a4ec5d6a5d5f";
  assert.equal(await at("health", { body: { kind: "contains", text: "all well" } }), "good");
  assert.match(
    await at("health", { body: { kind: "sha256", digest } }),
    /^failed: body has another SHA-256/,
  );
  assert.equal(await at("health", { method: "HEAD" }), "good");
  assert.equal(await at("ill"), "failed: HTTP 503");
  assert.equal(await at("nowhere"), "failed: HTTP 404");
  assert.equal(await at("moved"), "failed: HTTP 302");
  assert.equal(await at("moved", { redirects: 1 }), "good");
  assert.equal(await at("hangs", {}, 700), "failed: aborted");
  assert.equal(await at("slow"), "good");
  const end = { kind: "contains", text: "the end" } as const;
  assert.equal(await at("slow", { body: end }, 700), "failed: aborted");
  await nginx.stop();
  assert.equal(await at("health"), "failed: connection refused");
});

peerTest(NGINX, "checkHttp() verifies the certificate of a real nginx", async (lab) => {
  const [web, client] = lab.pair();
  const { folder } = await startNginx(lab, web, "192.0.2.1");
  await ready(lab, client, "http://192.0.2.1/health");
  const tls = { ...PLAIN_TLS, caFile: join(folder, "ca.pem"), serverName: "www.example" };
  const at = (port: number, over: Partial<TlsSpec> = {}) =>
    check(
      lab,
      client,
      httpProbe(`https://192.0.2.1:${port}/health`, { tls: { ...tls, ...over } }),
    );

  assert.equal(await at(443), "good");
  assert.equal(await at(443, { warnDays: 30 }), "good: certificate expires in 10 days");
  assert.equal(await at(443, { failDays: 14 }), "failed: certificate expires in 10 days");
  assert.equal(
    await at(443, { serverName: "other.example" }),
    "failed: certificate is for www.example, not other.example",
  );
  assert.match(
    await at(443, { caFile: null }),
    /unknown authority|this system has no file of trusted authorities/,
  );
  assert.equal(await at(443, { caFile: null, insecure: true }), "good");
  assert.equal(await at(80), "failed: TLS handshake failed: the server does not speak TLS");
  // nginx lets the handshake pass and answers in HTTP.
  assert.equal(await at(444), "failed: HTTP 400");
  const clientCertificate = {
    certFile: join(folder, "client.pem"),
    keyFile: join(folder, "client.key"),
  };
  assert.equal(await at(444, { clientCertificate }), "good");
});
