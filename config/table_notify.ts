/** Who is told of changes: the keywords that instances, groups and global_defs share. */

import type { Reader, Table } from "./keyword.ts";
import type { Webhook } from "./model.ts";
import { bool } from "./readers.ts";
import { script } from "./readers_script.ts";

const notifyScript = {
  kind: "setting",
  status: "works",
  usage: "SCRIPT [USER [GROUP]]",
  default: "none",
  repeat: "first",
  read: script("fatal"),
} as const;

/** The script keywords that instances and groups share; what each is run with is in its text. */
export const NOTIFY_SCRIPTS = {
  notify: {
    ...notifyScript,
    doc: "Run on every change, with INSTANCE or GROUP, the name, the state and the priority.",
  },
  notify_master: { ...notifyScript, doc: "Run on becoming master." },
  notify_backup: { ...notifyScript, doc: "Run on becoming backup." },
  notify_fault: { ...notifyScript, doc: "Run on entering FAULT." },
  notify_stop: { ...notifyScript, doc: "Run when the daemon stops." },
} as const satisfies Table;

/** The row of a script that only instances have. */
export const instanceScript = notifyScript;

/** Mail and priorities: the instance's or the group's own, else what global_defs says. */
export const NOTIFY_SWITCHES = {
  smtp_alert: {
    kind: "setting",
    status: "works",
    usage: "[BOOL]",
    default: "smtp_alert_vrrp, then the global smtp_alert, then off",
    doc: "Sends mail on every change of state.",
    read: bool,
  },
  notify_priority_changes: {
    kind: "setting",
    status: "works",
    usage: "[BOOL]",
    default: "vrrp_notify_priority_changes",
    doc: "Writes changes of the priority to the FIFOs.",
    read: bool,
  },
} as const satisfies Table;

const WEBHOOK_URL = 'a URL that begins with "http://" or "https://"';
const NO_WEBHOOK = "nobody is told by this line";

/** `URL [secret SECRET]`. */
const webhook: Reader<Webhook> = (args) => {
  const given = args.must(WEBHOOK_URL, "error", NO_WEBHOOK);
  if (given === undefined) return undefined;
  const url = parseUrl(given.text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    return args.refuse(given, WEBHOOK_URL, NO_WEBHOOK);
  }
  const option = args.take();
  if (option === undefined) return { url: url.href, secret: null, position: given.position };
  if (option.text !== "secret") {
    return args.refuse(option, '"secret SECRET" or nothing', NO_WEBHOOK);
  }
  const secret = args.must('a secret, or "file:PATH"', "error", NO_WEBHOOK);
  if (secret === undefined) return undefined;
  if (secret.text === "" || secret.text === "file:") {
    return args.refuse(secret, 'a secret, or "file:PATH"', NO_WEBHOOK);
  }
  return { url: url.href, secret: secret.text, position: given.position };
};

/** An absolute URL; null if the text is none. */
export function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

/** Who is told by HTTP. */
export const NOTIFY_WEBHOOK = {
  notify_webhook: {
    kind: "setting",
    status: "works",
    usage: "URL [secret SECRET|secret file:PATH]",
    default: "none",
    repeat: "all",
    doc: "Told of every change by an HTTP POST of JSON, signed if there is a secret; vigie's.",
    read: webhook,
  },
} as const satisfies Table;
