/** The configuration of a real user: three daemons of other people decide who has the address. */

import assert from "node:assert/strict";
import { heldBy } from "./lab/addresses.ts";
import { Container } from "./lab/container.ts";
import { isInstalled } from "./lab/installed.ts";
import { KEEPALIVED, startKeepalived } from "./lab/keepalived.ts";
import { peerTest } from "./lab/lab.ts";

const VIP = "192.0.2.67";

const TRACKING = `
vrrp_track_process chk_nginx {
  process nginx
  weight -11
}
vrrp_track_process chk_vsftpd {
  process vsftpd
  weight -11
}
vrrp_track_process chk_bind {
  process named
  weight -11
}
`;

function instance(priority: number, ...lines: string[]): string {
  return `vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 51
  priority ${priority}
  advert_int 1
  authentication {
    auth_type PASS
    auth_pass 1234
  }
  virtual_ipaddress {
    ${VIP}
  }
${lines.join("\n")}
}
`;
}

const TRACK = `  track_process {
    chk_nginx
    chk_vsftpd
    chk_bind
  }`;

/** How each service is started: in the foreground of a folder of its own, on ports that are free. */
const SERVICES: Readonly<Record<string, (folder: string) => [string, ...string[]]>> = {
  nginx: (folder) => {
    const file = `${folder}/nginx.conf`;
    Deno.writeTextFileSync(
      file,
      `daemon off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events {} http { access_log off; server { listen 127.0.0.1:8080; } }`,
    );
    return ["/usr/sbin/nginx", "-c", file, "-p", folder, "-e", `${folder}/nginx.log`];
  },
  vsftpd: (folder) => {
    const file = `${folder}/vsftpd.conf`;
    const empty = `${folder}/empty`;
    Deno.mkdirSync(empty, { recursive: true });
    Deno.writeTextFileSync(
      file,
      `listen=YES\nbackground=NO\nlisten_address=127.0.0.1\nlisten_port=8021\nsecure_chroot_dir=${empty}\n`,
    );
    return ["/usr/sbin/vsftpd", file];
  },
  named: (folder) => {
    const file = `${folder}/named.conf`;
    Deno.writeTextFileSync(
      file,
      `options { directory "${folder}"; pid-file none; session-keyfile none; listen-on port 8053 { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; };\ncontrols { };\n`,
    );
    return ["/usr/sbin/named", "-g", "-c", file];
  },
};

const PROGRAMS = ["/usr/sbin/nginx", "/usr/sbin/vsftpd", "/usr/sbin/named", "/usr/bin/nsenter"];
const PEERS = {
  name: "keepalived, nginx, vsftpd, bind9 or util-linux",
  installed: KEEPALIVED.installed && PROGRAMS.every((path) => isInstalled(path)),
};

peerTest(
  PEERS,
  "the address leaves when nginx, vsftpd or named is killed, and returns with it",
  async (lab) => {
    const [a, b] = lab.pair(), hosts = [a, b];
    const folder = Deno.makeTempDirSync({ prefix: "vigie-lab-services-" });
    lab.use({ [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) });
    const container = lab.use(await Container.on(a));
    const start = (name: string) => {
      const [command, ...args] = SERVICES[name]!(folder);
      return lab.keep(container.start(name, command, ...args));
    };
    for (const name of Object.keys(SERVICES)) start(name);
    const names = Object.keys(SERVICES);
    const runs = await Promise.all(names.map((name) => container.runs(name)));
    assert.deepEqual(runs, names.map(() => true));
    const vigie = lab.keep(container.vigie(TRACKING + instance(100, TRACK)));
    await vigie.saw(/Startup complete/);
    lab.keep(await startKeepalived(b, instance(90)));
    await heldBy(a, hosts, VIP);
    for (const name of Object.keys(SERVICES)) {
      await container.kill(name);
      await vigie.saw(/Changing effective priority from 100 to 89/);
      await heldBy(b, hosts, VIP);
      start(name);
      await vigie.saw(/Changing effective priority from 89 to 100/);
      await heldBy(a, hosts, VIP);
    }
    assert.deepEqual(vigie.said(/error/i), []);
  },
);
