/** Who is told about an instance or a group: its own lines, else what global_defs says. */

import type { Found, Settings } from "./keyword.ts";
import type { NotifyDefs, NotifyKind, ScriptCommand } from "./model.ts";
import type { GivenScript } from "./readers_script.ts";
import type { Scripts } from "./scripts.ts";
import type { GLOBAL_DEFS } from "./table_global.ts";
import type { VRRP_SYNC_GROUP } from "./table_group.ts";
import type { VRRP_INSTANCE } from "./table_vrrp.ts";

/** What else it is made from. */
export interface NotifyInput {
  readonly globals: Settings<typeof GLOBAL_DEFS>;
  readonly scripts: Scripts;
  /** "(VI_1) ". */
  readonly prefix: string;
  /** `notify_priority_changes` of the instance's group. */
  readonly priorityChanges?: boolean;
}

const KINDS: readonly NotifyKind[] = [
  "notify",
  "notify_master",
  "notify_backup",
  "notify_fault",
  "notify_stop",
  "notify_deleted",
  "notify_master_rx_lower_pri",
];

/** The scripts that may run, and the switches. */
export function buildNotify(
  settings: Settings<typeof VRRP_INSTANCE> | Settings<typeof VRRP_SYNC_GROUP>,
  { globals, scripts, prefix, priorityChanges }: NotifyInput,
): NotifyDefs {
  const given: Readonly<Partial<Record<NotifyKind, Found<GivenScript | null>>>> = settings;
  const commands: Partial<Record<NotifyKind, ScriptCommand>> = {};
  for (const kind of KINDS) {
    const script = given[kind]?.value ?? null;
    const command = script && scripts.command(script, `${prefix}${kind} is not run`);
    if (command !== null) commands[kind] = command;
  }
  const mail = settings.smtp_alert ?? globals.smtp_alert_vrrp ?? globals.smtp_alert;
  const inherited = priorityChanges ?? globals.vrrp_notify_priority_changes?.value ?? false;
  return {
    scripts: commands,
    mail: mail?.value ?? false,
    priorityChanges: settings.notify_priority_changes?.value ?? inherited,
    deleted: given.notify_deleted !== undefined,
    webhooks: [...globals.notify_webhook ?? [], ...settings.notify_webhook ?? []]
      .map(({ value }) => value),
  };
}
