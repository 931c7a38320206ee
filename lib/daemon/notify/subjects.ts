/** Instances and groups, and who is told of each. */

import type { Config, NotifyDefs, Webhook } from "../../../config/model.ts";
import type { Clock } from "../../track/clock.ts";
import type { Logger } from "../logger.ts";
import { subjectKey, subjectTitle, type SubjectType } from "./announcement.ts";
import { ScriptTarget, type StartProgram } from "./script_target.ts";
import type { Poster, WebhookOrigin } from "./webhook.ts";
import { webhookKey, WebhookTarget } from "./webhook_target.ts";

/** One instance or group. */
export interface Subject {
  readonly type: SubjectType;
  readonly name: string;
  readonly defs: NotifyDefs;
  readonly scripts: ScriptTarget;
  readonly webhooks: readonly WebhookTarget[];
}

/** All of them, and every webhook once. */
export interface Subjects {
  /** By `subjectKey`, groups first. */
  readonly byKey: ReadonlyMap<string, Subject>;
  readonly webhooks: readonly WebhookTarget[];
}

/** What their targets need. */
export interface SubjectParts {
  readonly config: Config;
  readonly origin: WebhookOrigin;
  readonly start: StartProgram;
  readonly poster: Poster | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** Those of the configuration before: their targets go on where they are still wanted. */
  readonly before?: Subjects;
  /** What instances are called now, by what they were called before. */
  readonly renamed?: ReadonlyMap<string, string>;
}

/** Makes the targets of every instance and group; those with one webhook share its queue. */
export function buildSubjects(parts: SubjectParts): Subjects {
  const { config, start, log, before, renamed = new Map(), ...common } = parts;
  const scriptsBefore = scriptTargets(before, renamed);
  const webhooksBefore = new Map(before?.webhooks.map((target) => [target.key, target]));
  const { scriptUser } = config.global;
  const webhooks = new Map<string, WebhookTarget>();
  const webhookTarget = (webhook: Webhook) => {
    const key = webhookKey(webhook, common.origin);
    const target = webhooks.get(key) ?? webhooksBefore.get(key) ??
      new WebhookTarget({ webhook, log, ...common });
    webhooks.set(key, target);
    return target;
  };
  const subject = (type: SubjectType, name: string, defs: NotifyDefs): [string, Subject] => {
    const title = subjectTitle({ type, name });
    const key = subjectKey({ type, name });
    const known = scriptsBefore.get(key);
    const scripts = known ??
      new ScriptTarget({ title, scripts: defs.scripts, scriptUser, start, log });
    known?.configure({ title, scripts: defs.scripts, scriptUser });
    const told = [...new Set(defs.webhooks.map(webhookTarget))];
    return [key, { type, name, defs, scripts, webhooks: told }];
  };
  const byKey = new Map([
    ...config.groups.map(({ name, notify }) => subject("group", name, notify)),
    ...config.instances.map(({ name, notify }) => subject("instance", name, notify)),
  ]);
  return { byKey, webhooks: [...webhooks.values()] };
}

/** By the keys that their subjects have now. */
function scriptTargets(
  before: Subjects | undefined,
  renamed: ReadonlyMap<string, string>,
): ReadonlyMap<string, ScriptTarget> {
  return new Map([...before?.byKey.values() ?? []].map(({ type, name, scripts }) => {
    const now = type === "instance" ? renamed.get(name) ?? name : name;
    return [subjectKey({ type, name: now }), scripts];
  }));
}
