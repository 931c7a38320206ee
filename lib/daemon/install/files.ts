/** What is installed besides the executable: the files of config/init, and where each belongs. */

import hotplugUbus from "../../../config/init/hotplug-ubus.sh" with { type: "text" };
import hotplugUser from "../../../config/init/hotplug-user.sh" with { type: "text" };
import keepalivedUci from "../../../config/init/keepalived.uci" with { type: "text" };
import rpcdKeepalived from "../../../config/init/rpcd-keepalived.sh" with { type: "text" };
import vigieConf from "../../../config/init/vigie.conf" with { type: "text" };
import vigieConfd from "../../../config/init/vigie.confd" with { type: "text" };
import vigieDefault from "../../../config/init/vigie.default" with { type: "text" };
import vigieOpenrc from "../../../config/init/vigie.openrc" with { type: "text" };
import vigieProcd from "../../../config/init/vigie.procd" with { type: "text" };
import vigieService from "../../../config/init/vigie.service" with { type: "text" };
import vigieSysvinit from "../../../config/init/vigie.sysvinit" with { type: "text" };

/** The service managers that vigie knows. */
export const INITS = ["procd", "systemd", "openrc", "sysvinit"] as const;

/** One of them. */
export type Init = typeof INITS[number];

/** A file to install. */
export interface ShippedFile {
  /** Where it belongs, without the root. */
  readonly path: string;
  readonly text: string;
  /** Permissions. */
  readonly mode: number;
  /** The administrator's from then on: never replaced once it is changed. */
  readonly isConfig: boolean;
}

/** The executable's path in the shipped files; replaced when it is elsewhere. */
export const SHIPPED_PROGRAM = "/usr/sbin/vigie";

const config = (path: string, text: string): ShippedFile => {
  return { path, text, mode: 0o644, isConfig: true };
};
const script = (path: string, text: string): ShippedFile => {
  return { path, text, mode: 0o755, isConfig: false };
};
const data = (path: string, text: string): ShippedFile => {
  return { path, text, mode: 0o644, isConfig: false };
};

const OWN_CONFIG = config("/etc/vigie/vigie.conf", vigieConf);

/** What each service manager gets. */
const FILES: Readonly<Record<Init, readonly ShippedFile[]>> = {
  procd: [
    script("/etc/init.d/vigie", vigieProcd),
    config("/etc/config/keepalived", keepalivedUci),
    // Sourced by hotplug-call, so they need not be executable.
    data("/etc/hotplug.d/keepalived/01-ubus", hotplugUbus),
    data("/etc/hotplug.d/keepalived/01-user", hotplugUser),
    script("/usr/libexec/rpcd/keepalived", rpcdKeepalived),
  ],
  systemd: [data("/etc/systemd/system/vigie.service", vigieService), OWN_CONFIG],
  openrc: [
    script("/etc/init.d/vigie", vigieOpenrc),
    config("/etc/conf.d/vigie", vigieConfd),
    OWN_CONFIG,
  ],
  sysvinit: [
    script("/etc/init.d/vigie", vigieSysvinit),
    config("/etc/default/vigie", vigieDefault),
    OWN_CONFIG,
  ],
};

/** The files for a service manager. @param program The executable's path on the host. */
export function shippedFiles(init: Init, program: string): readonly ShippedFile[] {
  return FILES[init].map((file) => ({
    ...file,
    text: file.text.replaceAll(SHIPPED_PROGRAM, program),
  }));
}

/** What the administrator is told to do next; a "#" begins what it is for. */
export const NEXT_STEPS: Readonly<Record<Init, readonly string[]>> = {
  procd: [
    "vigie check --uci               # after editing /etc/config/keepalived",
    "service keepalived disable      # if the keepalived package is installed: one of the two",
    "service rpcd reload             # so that ubus knows the object keepalived",
    "uci set keepalived.globals.enabled=1 && uci commit keepalived",
    "service vigie enable && service vigie start",
  ],
  systemd: [
    "vigie check                     # after editing /etc/vigie/vigie.conf",
    "systemctl daemon-reload",
    "systemctl enable --now vigie",
  ],
  openrc: [
    "vigie check                     # after editing /etc/vigie/vigie.conf",
    "rc-update add vigie default",
    "rc-service vigie start",
  ],
  sysvinit: [
    "vigie check                     # after editing /etc/vigie/vigie.conf",
    "update-rc.d vigie defaults      # or what adds services on this system",
    "/etc/init.d/vigie start",
  ],
};

/** How the service is stopped and disabled, so that its files can go. */
export const DISABLE: Readonly<Record<Init, string>> = {
  procd: "service vigie stop; service vigie disable",
  systemd: "systemctl disable --now vigie",
  openrc: "rc-service vigie stop; rc-update del vigie",
  sysvinit: "/etc/init.d/vigie stop; update-rc.d vigie disable",
};
