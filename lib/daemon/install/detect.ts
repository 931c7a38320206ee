/** Which service manager a host has, and whether it starts vigie. */

import { type Init, INITS } from "./files.ts";

/** Paths of which one must be there; the first init that has one is it. */
const SIGNS: readonly { readonly init: Init; readonly paths: readonly string[] }[] = [
  { init: "procd", paths: ["/sbin/procd", "/etc/openwrt_release"] },
  // What runs (sd_booted(3), openrc(8)) comes before what is merely installed.
  { init: "systemd", paths: ["/run/systemd/system"] },
  { init: "openrc", paths: ["/run/openrc"] },
  { init: "systemd", paths: ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"] },
  { init: "openrc", paths: ["/sbin/openrc-run", "/usr/sbin/openrc-run", "/usr/bin/openrc-run"] },
  { init: "sysvinit", paths: ["/etc/init.d"] },
];

/** The service manager of the host at a root; null if there is no sign of any. */
export function detectInit(root: string): Init | null {
  const found = SIGNS.find(({ paths }) => paths.some((path) => isThere(root + path)));
  return found?.init ?? null;
}

/** A name that somebody gave; null if it is none. */
export function initNamed(name: string): Init | null {
  return INITS.find((init) => init === name) ?? null;
}

/** Where an enabled service is linked: folders, and names in them. */
const ENABLED: Readonly<
  Record<Init, { readonly folders: RegExp; readonly at: string; readonly link: RegExp }>
> = {
  procd: { at: "/etc", folders: /^rc\.d$/, link: /^S\d+vigie$/ },
  systemd: { at: "/etc/systemd/system", folders: /\.(wants|requires)$/, link: /^vigie\.service$/ },
  openrc: { at: "/etc/runlevels", folders: /./, link: /^vigie$/ },
  sysvinit: { at: "/etc", folders: /^rc[0-6S]\.d$/, link: /^S\d+vigie$/ },
};

/** The links that start vigie with the host; empty if it is not enabled. */
export function enabledLinks(root: string, init: Init): readonly string[] {
  const { at, folders, link } = ENABLED[init];
  return namesIn(root + at).filter((name) => folders.test(name)).flatMap((folder) =>
    namesIn(`${root}${at}/${folder}`).filter((name) => link.test(name))
      .map((name) => `${at}/${folder}/${name}`)
  );
}

function namesIn(folder: string): readonly string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  } catch {
    // No such folder, so nothing is in it.
    return [];
  }
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
