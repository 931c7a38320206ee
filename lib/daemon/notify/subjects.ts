/** Instances and groups, and who is told of each. */

import type { Config, NotifyDefs, Webhook } from "../../../config/model.ts";
import type { Clock } from "../../track/clock.ts";
import type { Logger } from "../logger.ts";
import { subjectKey, subjectTitle, type SubjectType } from "./announcement.ts";
import { ScriptTarget, type StartProgram } from "./script_target.ts";
import type { Poster, WebhookOrigin } from "./webhook.ts";
import { WebhookTarget } from "./webhook_target.ts";

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
}

/** Makes the targets of every instance and group; those with one webhook share its queue. */
export function buildSubjects(parts: SubjectParts): Subjects {
  const { config, start, log, ...common } = parts;
  const { scriptUser } = config.global;
  const webhooks = new Map<string, WebhookTarget>();
  const webhookTarget = (webhook: Webhook) => {
    const key = JSON.stringify([webhook.url, webhook.secret]);
    const target = webhooks.get(key) ?? new WebhookTarget({ webhook, log, ...common });
    webhooks.set(key, target);
    return target;
  };
  const subject = (type: SubjectType, name: string, defs: NotifyDefs): [string, Subject] => {
    const title = subjectTitle({ type, name });
    const scripts = new ScriptTarget({ title, scripts: defs.scripts, scriptUser, start, log });
    const told = [...new Set(defs.webhooks.map(webhookTarget))];
    return [subjectKey({ type, name }), { type, name, defs, scripts, webhooks: told }];
  };
  const byKey = new Map([
    ...config.groups.map(({ name, notify }) => subject("group", name, notify)),
    ...config.instances.map(({ name, notify }) => subject("instance", name, notify)),
  ]);
  return { byKey, webhooks: [...webhooks.values()] };
}
