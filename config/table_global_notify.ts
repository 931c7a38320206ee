/** The keywords of `global_defs` about scripts, FIFOs and mail. */

import type { Reader, Table } from "./keyword.ts";
import type { Position } from "./model.ts";
import { bool, choice, duration, LENIENT, present, whole, wholeNumber, word } from "./readers.ts";
import { type GivenUser, givenUser, script, userAndGroup } from "./readers_script.ts";
import { NOTIFY_WEBHOOK } from "./table_notify.ts";

/** A FIFO as its line says it. */
export interface GivenFifo {
  readonly path: string;
  readonly owner: GivenUser | null;
  readonly position: Position;
}

/** `PATH [USER [GROUP]]`. */
const fifoPath: Reader<GivenFifo> = (args) => {
  const path = args.must("an absolute path");
  if (path === undefined) return undefined;
  if (!path.text.startsWith("/")) {
    return args.refuse(path, "an absolute path", "nothing is written to a FIFO by this line");
  }
  const user = args.take();
  const owner = user === undefined ? null : givenUser(user, args.take());
  return { path: path.text, owner, position: path.position };
};

/** RFC 5321 4.5.4.2. */
const SMTP_PORT = 25;

/** `IP-or-HOST [PORT]`. */
const smtpServer: Reader<{ readonly host: string; readonly port: number }> = (args) => {
  const host = args.must("a host name or an IP address");
  if (host === undefined) return undefined;
  if (host.text === "") return args.refuse(host, "a host name or an IP address", "no mail is sent");
  const given = args.take();
  if (given === undefined) return { host: host.text, port: SMTP_PORT };
  const port = wholeNumber(given.text, 1, 65535);
  return port === null
    ? args.refuse(given, "a port from 1 to 65535", "no mail is sent")
    : { host: host.text, port };
};

/** `USER PASSWORD`. */
const smtpLogin: Reader<{ readonly user: string; readonly password: string }> = (args) => {
  const user = args.must("a user name", "error");
  const password = user && args.must('a password, or "file:PATH"', "error");
  return password && { user: user!.text, password: password.text };
};

const MAIL_ADDRESS = "a mail address, such as ops@example.com";

/** One recipient. */
const recipient: Reader<string> = (args) => {
  const given = args.must(MAIL_ADDRESS);
  if (given === undefined) return undefined;
  // One that is no address would make the server refuse the mail to the others.
  return /^[^\s@<>]+(@[^\s@<>]+)?$/.test(given.text)
    ? given.text
    : args.refuse(given, MAIL_ADDRESS, "it gets no mail");
};

const fifo = {
  kind: "setting",
  status: "works",
  usage: "PATH [USER [GROUP]]",
  default: "none",
  repeat: "first",
  read: fifoPath,
} as const;

const globalScript = {
  kind: "setting",
  status: "works",
  usage: "SCRIPT [USER [GROUP]]",
  default: "none",
  repeat: "first",
  read: script("fatal"),
} as const;

const scriptTimeout = {
  kind: "setting",
  status: "works",
  usage: "SECONDS",
  default: "10",
  read: whole(1, 1000),
} as const;

/** Scripts of the daemon, FIFOs, webhooks. */
export const GLOBAL_NOTIFY = {
  script_user: {
    kind: "setting",
    status: "works",
    usage: "USER [GROUP]",
    default: "keepalived_script, else the daemon's user",
    doc: "Who runs scripts that name no user.",
    read: userAndGroup("error"),
  },
  enable_script_security: {
    kind: "setting",
    status: "works",
    usage: "[BOOL]",
    default: "off",
    doc: "Scripts that others than root could change are not run as root.",
    read: bool,
  },
  use_symlink_paths: {
    kind: "setting",
    status: "no effect",
    usage: "[BOOL]",
    default: "on",
    doc:
      "vigie runs a script by the path that is written, and follows links; keepalived 2.4 does " +
      "so with this keyword only.",
    read: bool,
  },
  set_supplementary_groups: {
    kind: "setting",
    status: "not yet",
    severity: "warning",
    usage: "[BOOL]",
    default: "off",
    doc:
      "Scripts of another user than the daemon's run with the user's one group, as in keepalived " +
      "without this keyword: give them what they need by `script_user USER GROUP`.",
    read: bool,
  },
  notify_fifo: { ...fifo, doc: "Told of every change, line by line." },
  notify_fifo_script: {
    ...globalScript,
    doc: "Started once with the path of notify_fifo as its last argument, to read it.",
  },
  vrrp_notify_fifo: { ...fifo, doc: "The same, for VRRP only." },
  vrrp_notify_fifo_script: {
    ...globalScript,
    doc: "Started once with the path of vrrp_notify_fifo as its last argument, to read it.",
  },
  vrrp_notify_priority_changes: {
    kind: "setting",
    status: "works",
    usage: "[BOOL]",
    default: "off",
    doc: "Writes changes of priorities to the FIFOs.",
    read: bool,
  },
  startup_script: { ...globalScript, doc: "Run before the first instance starts." },
  startup_script_timeout: { ...scriptTimeout, doc: "How long startup_script may take." },
  shutdown_script: { ...globalScript, doc: "Run after the last instance has stopped." },
  shutdown_script_timeout: { ...scriptTimeout, doc: "How long shutdown_script may take." },
  ...NOTIFY_WEBHOOK,
} as const satisfies Table;

/** Mail. */
export const GLOBAL_MAIL = {
  notification_email: {
    kind: "list",
    status: "works",
    usage: "{ one address a line }",
    default: "none",
    doc: "Who gets mail.",
    entry: recipient,
  },
  notification_email_from: {
    kind: "setting",
    status: "works",
    usage: "ADDRESS",
    default: "user@host of the daemon",
    doc: "The sender of mail.",
    read: word("a mail address"),
  },
  smtp_server: {
    kind: "setting",
    status: "works",
    usage: "IP-or-HOST [PORT]",
    default: `none: no mail; port ${SMTP_PORT}`,
    doc: "Who takes mail.",
    read: smtpServer,
  },
  smtp_helo_name: {
    kind: "setting",
    status: "works",
    usage: "NAME",
    default: "the host name",
    doc: "What the daemon calls itself to the server.",
    read: word("a name"),
  },
  smtp_connect_timeout: {
    kind: "setting",
    status: "works",
    usage: "SECONDS",
    default: "30",
    doc: "How long the server may take to answer.",
    read: duration(0, 4294),
  },
  smtp_alert: {
    kind: "setting",
    status: "works",
    usage: "[BOOL]",
    default: "off",
    doc: "Mail is sent on changes of state, unless something nearer says otherwise.",
    read: bool,
  },
  smtp_alert_vrrp: {
    kind: "setting",
    status: "works",
    usage: "[BOOL]",
    default: "smtp_alert",
    doc: "The same, for instances and groups.",
    read: bool,
  },
  no_email_faults: {
    kind: "setting",
    status: "works",
    usage: "",
    default: "off",
    doc: "No mail for FAULT.",
    read: present,
  },
  smtp_tls: {
    kind: "setting",
    status: "works",
    usage: "none|opportunistic|starttls|tls",
    default: "opportunistic, starttls with smtp_login",
    doc: "Encryption of mail: never, if offered, always, or from the first byte; vigie's.",
    read: choice(["none", "opportunistic", "starttls", "tls"], LENIENT),
  },
  smtp_login: {
    kind: "setting",
    status: "works",
    usage: "USER PASSWORD|USER file:PATH",
    default: "none",
    doc: "Who the server is told to take mail from; vigie's.",
    read: smtpLogin,
  },
} as const satisfies Table;
