/** Whether anybody looks at what is watched, and whether mail has a way out. */

import type { Built } from "./build.ts";
import type { Config, Position, VrrpInstance } from "./model.ts";
import type { ObjectKind } from "./objects.ts";
import type { Tree } from "./parser.ts";
import type { Report } from "./problem.ts";

const KINDS: readonly ObjectKind[] = ["script", "check", "process", "file"];

/** Warns of tracked objects that nobody names. */
export function checkUnused({ objects, named }: Built, report: Report): void {
  for (const kind of KINDS) {
    for (const { name, position } of objects[kind].values()) {
      if (named.has(`${kind} ${name}`)) continue;
      report({
        severity: "warning",
        position,
        message: `"${name}" is tracked by no instance: it has no effect`,
        remedy: `Name it in the track_${kind} block of an instance, or delete it`,
      });
    }
  }
}

/**
 * A router with nopreempt follows every master, also one whose priority a failure has lowered: such
 * a weight moves nothing to it.
 */
export function checkNopreempt(
  { name, preempt, tracks }: VrrpInstance,
  nopreempt: Position | undefined,
  report: Report,
): void {
  const weighted = tracks.find(({ weight }) => weight !== 0);
  if (preempt || nopreempt === undefined || weighted === undefined) return;
  report({
    severity: "warning",
    position: nopreempt,
    message: `(${name}) nopreempt keeps this router from taking over a master whose priority has ` +
      `been lowered, as the weight of "${weighted.name}" does it`,
    remedy: "Delete nopreempt, or write weight 0 on all routers: a failure is FAULT then",
  });
}

/** Warns once where mail is asked for and cannot be sent. */
export function checkMail(config: Config, tree: Tree, report: Report): void {
  const { server, recipients } = config.global.mail;
  const asked = whereAsked(tree);
  const wanted = [...config.instances, ...config.groups].some(({ notify }) => notify.mail);
  if (!wanted || asked === null || (server !== null && recipients.length > 0)) return;
  const missing = [
    ...(server === null ? ["smtp_server"] : []),
    ...(recipients.length === 0 ? ["notification_email"] : []),
  ];
  report({
    severity: "warning",
    position: asked,
    message: `No mail is sent: there is no ${missing.join(" and no ")}`,
    remedy: `Write ${missing.join(" and ")} into global_defs, or delete smtp_alert`,
  });
}

/** The first line of the file that turns mail on. */
function whereAsked(tree: Tree): Position | null {
  const { smtp_alert: all, smtp_alert_vrrp: vrrp } = tree.global_defs ?? {};
  const found = [
    all,
    vrrp,
    ...(tree.vrrp_sync_group ?? []).map(({ settings }) => settings.smtp_alert),
    ...(tree.vrrp_instance ?? []).map(({ settings }) => settings.smtp_alert),
  ].filter((found) => found?.value === true)
    .sort((a, b) => a!.order - b!.order);
  return found[0]?.position ?? null;
}
