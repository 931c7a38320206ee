/** From the sections of /etc/config/keepalived to the keepalived.conf that they mean. */

import type { Position } from "./model.ts";
import type { UciWord } from "./uci.ts";
import { addressLine, routeLine } from "./uci_entries.ts";
import type { Section } from "./uci_sections.ts";
import { writeServers } from "./uci_servers.ts";
import type { Piece } from "./uci_text.ts";
import {
  at,
  devicePiece,
  LITERAL_ADDRESS,
  missingOption,
  settings,
  type Translation,
  word,
} from "./uci_write.ts";

/** Writes everything. @param start Where the file begins, for what nobody wrote. */
export function translate(to: Translation, start: Position): void {
  const { sections, text } = to;
  writeGlobals(to, start);
  for (const kind of ["static_ipaddress", "static_routes"] as const) writeStatic(to, kind);
  writeDelays(to);
  for (const section of sections.of("vrrp_script")) {
    const script = section.value("script");
    text.block([word("vrrp_script", section), text.word(section.name!)], () => {
      if (script) text.line({ text: "script", at: at(section, "script") }, text.script(script));
      settings(to, section, ["interval", "weight", "fall", "rise", "timeout"]);
    });
  }
  for (const section of sections.of("bfd_instance")) {
    text.block([word("bfd_instance", section), text.word(section.name!)], () => {
      settings(to, section, [
        ...["neighbor_ip", "source_ip", "min_rx", "min_tx", "idle_tx", "hoplimit", "max_hops"],
      ]);
    });
  }
  for (const section of sections.of("vrrp_sync_group")) writeGroup(to, section);
  for (const section of sections.of("vrrp_instance")) writeInstance(to, section);
  for (const section of sections.of("virtual_server")) writeServers(to, section);
}

/** The options whose names are keywords without arguments. */
function flags({ text }: Translation, section: Section, names: readonly string[]): void {
  for (const name of names) {
    if (section.hasFlag(name)) text.line({ text: name, at: at(section, name) });
  }
}

/** A block with one line a value; no block without any. */
function list(
  { text }: Translation,
  section: Section,
  name: string,
  entry: (value: UciWord) => void,
): void {
  const values = section.list(name);
  if (values.length === 0) return;
  text.block([{ text: name, at: at(section, name) }], () => values.forEach(entry));
}

/** What OpenWrt's hotplug scripts are told with, word for word. */
function hotplug(action: string, more: string): string {
  return `/bin/busybox env -i ACTION=${action}${more} /sbin/hotplug-call keepalived`;
}

/** Seconds that hotplug scripts may take at the start and at the stop, as the package has it. */
const HOTPLUG_TIMEOUT = "10";

const GLOBAL_SETTINGS = ("notification_email_from smtp_server smtp_connect_timeout router_id " +
  "vrrp_mcast_group4 vrrp_mcast_group6 vrrp_startup_delay").split(" ");

function writeGlobals(to: Translation, start: Position): void {
  const { sections, text } = to;
  const globals = sections.of("globals");
  const place = globals[0]?.position ?? start;
  const own = (...words: readonly string[]) =>
    text.line(...words.map((text) => ({ text, at: place })));
  for (const section of globals) {
    if (section.isOn("linkbeat_use_polling", false)) {
      text.line({ text: "linkbeat_use_polling", at: at(section, "linkbeat_use_polling") });
    }
  }
  text.block([{ text: "global_defs", at: place }], () => {
    own("script_user", "root");
    own("enable_script_security");
    for (const action of ["startup", "shutdown"]) {
      own(`${action}_script`, `"${hotplug(action, "")}"`);
      own(`${action}_script_timeout`, HOTPLUG_TIMEOUT);
    }
    for (const section of globals) {
      list(to, section, "notification_email", (value) => text.line(text.word(value)));
      settings(to, section, GLOBAL_SETTINGS);
    }
  });
}

function writeStatic(to: Translation, kind: "static_ipaddress" | "static_routes"): void {
  const [option, entry] = kind === "static_ipaddress"
    ? ["address", addressLine] as const
    : ["route", routeLine] as const;
  for (const section of to.sections.of(kind)) {
    const values = section.list(option);
    if (values.length === 0) continue;
    to.text.block([word(kind, section)], () => values.forEach((value) => entry(to, value)));
  }
}

function writeDelays(to: Translation): void {
  const { sections, text } = to;
  for (const section of sections.of("interface_up_down_delays")) {
    const device = section.value("device");
    if (!device) continue;
    text.block([word("interface_up_down_delays", section)], () => {
      const [down, up] = ["down_delay", "up_delay"].map((name) => section.value(name));
      text.line(
        devicePiece(to, device),
        down ? text.word(down) : { text: "0", at: device.position },
        ...up ? [text.word(up)] : [],
      );
    });
  }
}

function notifications(
  { text }: Translation,
  { name, position }: Section,
  type: "INSTANCE" | "GROUP",
  keywords: readonly string[],
): void {
  for (const keyword of keywords) {
    const command = hotplug(keyword.toUpperCase(), ` TYPE=${type} NAME=${name!.text}`);
    text.line({ text: keyword, at: position }, { text: `"${command}"`, at: position });
  }
}

function writeGroup(to: Translation, section: Section): void {
  const { sections, text } = to;
  text.block([word("vrrp_sync_group", section), text.word(section.name!)], () => {
    list(to, section, "group", (member) => {
      if (sections.refer(member, ["vrrp_instance"])) text.line(text.word(member));
    });
    list(to, section, "track_script", (value) => trackScript(to, value));
    flags(to, section, ["smtp_alert", "global_tracking"]);
    const states = ["notify_backup", "notify_master", "notify_fault", "notify_stop"];
    notifications(to, section, "GROUP", [...states, "notify"]);
  });
}

const INSTANCE_SETTINGS = [
  ...["mcast_src_ip", "unicast_src_ip", "virtual_router_id", "version", "priority", "advert_int"],
  ...["preempt_delay", "debug", "lvs_sync_daemon_interface", "garp_master_delay"],
  ...["garp_master_refresh", "garp_master_repeat", "garp_master_refresh_repeat"],
];

const INSTANCE_FLAGS = [
  ...["vmac_xmit_base", "native_ipv6", "accept", "no_accept", "dont_track_primary", "smtp_alert"],
  ...["nopreempt", "use_vmac"],
];

function writeInstance(to: Translation, section: Section): void {
  const { text, sections } = to;
  text.block([word("vrrp_instance", section), text.word(section.name!)], () => {
    writeAuthentication(to, section);
    settings(to, section, ["state"]);
    const own = section.value("interface");
    if (own) text.line({ text: "interface", at: at(section, "interface") }, devicePiece(to, own));
    settings(to, section, INSTANCE_SETTINGS);
    flags(to, section, INSTANCE_FLAGS);
    const states = ["notify_backup", "notify_master", "notify_fault", "notify_stop"];
    notifications(to, section, "INSTANCE", states);
    for (const name of ["virtual_ipaddress", "virtual_ipaddress_excluded"]) {
      list(to, section, name, (value) => addressLine(to, value));
    }
    list(to, section, "virtual_routes", (value) => routeLine(to, value));
    list(to, section, "track_script", (value) => trackScript(to, value));
    list(to, section, "track_interface", (value) => trackInterface(to, value));
    list(to, section, "track_bfd", (value) => {
      const found = sections.refer(value, ["bfd_instance"]);
      if (found) text.line(text.word(value), ...weightOf(to, found));
    });
    writePeers(to, section);
  });
}

function writeAuthentication({ text }: Translation, section: Section): void {
  const type = section.value("auth_type"), password = section.value("auth_pass");
  if (!type && !password) return;
  text.block([{ text: "authentication", at: (type ?? password)!.position }], () => {
    if (type) text.line({ text: "auth_type", at: at(section, "auth_type") }, text.word(type));
    if (password) {
      text.line({ text: "auth_pass", at: at(section, "auth_pass") }, text.word(password));
    }
  });
}

function weightOf({ text }: Translation, section: Section): readonly (Piece | null)[] {
  const weight = section.value("weight");
  return weight ? [{ text: "weight", at: at(section, "weight") }, text.word(weight)] : [];
}

function directionOf({ report, text }: Translation, section: Section): readonly (Piece | null)[] {
  const direction = section.value("direction");
  if (!direction) return [];
  if (["reverse", "noreverse"].includes(direction.text)) return [text.word(direction)];
  report({
    severity: "error",
    position: direction.position,
    message: `Cannot read direction "${direction.text}": must be reverse or noreverse`,
    remedy: "Write reverse or noreverse; until then the weight counts as it is",
  });
  return [];
}

/** A `vrrp_script`, whose weight its own block has; or a `track_script` that stands for one. */
function trackScript(to: Translation, value: UciWord): void {
  const found = to.sections.refer(value, ["vrrp_script", "track_script"]);
  if (!found) return;
  if (found.type === "vrrp_script") {
    to.text.line(to.text.word(value), ...directionOf(to, found));
    return;
  }
  const script = found.value("value");
  if (!script) return missingOption(to, found, "value", "the name of a vrrp_script");
  if (!to.sections.refer(script, ["vrrp_script"])) return;
  to.text.line(
    to.text.word({ text: script.text, position: value.position }),
    ...weightOf(to, found),
    ...directionOf(to, found),
  );
}

function trackInterface(to: Translation, value: UciWord): void {
  const found = to.sections.refer(value, ["track_interface"]);
  if (!found) return;
  const device = found.value("value");
  if (!device) return missingOption(to, found, "value", "the name of a device");
  to.text.line(devicePiece(to, device), ...weightOf(to, found));
}

/** Without a peer that can be used, adverts would go to the multicast group, which nobody asked for. */
function writePeers(to: Translation, section: Section): void {
  let usable = 0;
  list(to, section, "unicast_peer", (value) => usable += Number(writePeer(to, value)));
  if (usable > 0 || section.list("unicast_peer").length === 0) return;
  to.report({
    severity: "fatal",
    position: at(section, "unicast_peer"),
    message: `(${section.name!.text}) None of the peers can be used: its adverts would go to the ` +
      "multicast group instead",
    remedy: "Correct the list, or delete it if multicast is meant",
  });
}

/** @returns Whether there is a peer now. */
function writePeer(to: Translation, value: UciWord): boolean {
  const { text, sections } = to;
  if (sections.find("peer", value.text) === null && LITERAL_ADDRESS.test(value.text)) {
    text.line(text.word(value));
    return true;
  }
  const found = sections.refer(value, ["peer"], "an IP address");
  if (!found) return false;
  const address = found.value("address");
  if (!address) {
    missingOption(to, found, "address", "the address of the other router");
    return false;
  }
  const limits = ["min_ttl", "max_ttl"].flatMap((name) => {
    const limit = found.value(name);
    return limit ? [{ text: name, at: at(found, name) }, text.word(limit)] : [];
  });
  text.line(text.word(address), ...limits);
  return true;
}
