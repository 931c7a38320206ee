/** Who is told, and how: scripts, FIFOs, mail, webhooks, and what else global_defs gives instances. */

import { deepEqual, equal, match } from "node:assert/strict";
import { parseConfig } from "../config/mod.ts";

function read(global: string, instance = "", group: string | null = null) {
  const sync = group === null ? "" : `vrrp_sync_group G {\n group {\n V\n }\n${group}\n}\n`;
  const { config, problems } = parseConfig(
    `global_defs {\n${global}\n}\n${sync}vrrp_instance V {\n interface eth0\n` +
      ` virtual_router_id 1\n no_virtual_ipaddress\n${instance}\n}`,
    "f",
  );
  return { ...config, problems, instance: config.instances[0]! };
}

/** Global lines, the instance's, and who is told: mail, priority changes, DELETED. */
const SWITCHES: readonly (readonly [string, string, readonly boolean[]])[] = [
  ["", "", [false, false, false]],
  ["smtp_alert", "", [true, false, false]],
  ["smtp_alert\nsmtp_alert_vrrp off", "", [false, false, false]],
  ["smtp_alert off\nsmtp_alert_vrrp", "", [true, false, false]],
  ["smtp_alert", "smtp_alert no", [false, false, false]],
  ["", "smtp_alert yes", [true, false, false]],
  ["vrrp_notify_priority_changes", "", [false, true, false]],
  ["vrrp_notify_priority_changes", "notify_priority_changes off", [false, false, false]],
  ["", "notify_priority_changes", [false, true, false]],
  ["", "notify_deleted", [false, false, true]],
  ["", "notify_deleted /bin/d", [false, false, true]],
];

for (const [global, instance, expected] of SWITCHES) {
  const given = [global, instance].join(" / ").replaceAll("\n", "; ");
  Deno.test(`parseConfig() tells whom "${given}" says`, () => {
    const { notify } = read(global, instance).instance;
    deepEqual([notify.mail, notify.priorityChanges, notify.deleted], expected);
  });
}

Deno.test("parseConfig() gives a script its own user, else script_user, else none", () => {
  const script = "notify /bin/n u g\nnotify_stop /bin/s\nnotify_deleted '/bin/d x'";
  const scripts = (global: string) =>
    Object.entries(read(global, script).instance.notify.scripts)
      .map(([kind, command]) => [kind, command.words, command.user]);
  const own = { user: "u", group: "g" };
  deepEqual(scripts(""), [
    ["notify", ["/bin/n"], own],
    ["notify_stop", ["/bin/s"], null],
    ["notify_deleted", ["/bin/d", "x"], null],
  ]);
  deepEqual(scripts("script_user nobody :nogroup").map(([, , user]) => user), [
    own,
    { user: "nobody", group: "nogroup" },
    { user: "nobody", group: "nogroup" },
  ]);
});

Deno.test("parseConfig() keeps the first of two scripts of a kind", () => {
  const { instance, problems } = read(
    "",
    "notify_deleted\nnotify_deleted /b\nnotify /a\nnotify /b",
  );
  deepEqual(instance.notify.scripts.notify?.words, ["/a"]);
  equal(instance.notify.scripts.notify_deleted, undefined);
  equal(problems.length, 2);
});

Deno.test("parseConfig() gives a group its own scripts and the global switches", () => {
  const { groups } = read("smtp_alert", "notify /v", "notify /g\nnotify_priority_changes");
  const { scripts, mail, priorityChanges, deleted } = groups[0]!.notify;
  deepEqual(Object.keys(scripts), ["notify"]);
  deepEqual(scripts.notify?.words, ["/g"]);
  deepEqual([mail, priorityChanges, deleted], [true, true, false]);
});

const HOOKS: readonly (readonly [string, readonly unknown[] | null])[] = [
  ["http://h", ["http://h/", null]],
  ["HTTPS://h:8443/a?b secret file:/s", ["https://h:8443/a?b", "file:/s"]],
  ["https://h secret 's", ["https://h/", "'s"]],
  ["", null],
  ["h", null],
  ["ftp://h/", null],
  ["unix:/run/s", null],
  ["https://h secret", null],
  ["https://h secret file:", null],
  ["https://h token a", null],
];

for (const [words, expected] of HOOKS) {
  Deno.test(`parseConfig() reads "notify_webhook ${words}"`, () => {
    const { instance, problems } = read("", `notify_webhook ${words}`);
    const found = instance.notify.webhooks.map(({ url, secret }) => [url, secret]);
    deepEqual(found, expected === null ? [] : [expected]);
    deepEqual(problems.map(({ severity }) => severity), expected === null ? ["error"] : []);
  });
}

Deno.test("parseConfig() tells the global webhooks, then the instance's or the group's own", () => {
  const { instance, groups } = read(
    "notify_webhook http://a\nnotify_webhook http://b",
    "notify_webhook http://c",
    "notify_webhook http://d",
  );
  const urls = ({ notify }: typeof instance | typeof groups[number]) =>
    notify.webhooks.map(({ url }) => url);
  deepEqual(urls(instance), ["http://a/", "http://b/", "http://c/"]);
  deepEqual(urls(groups[0]!), ["http://a/", "http://b/", "http://d/"]);
});

/** Lines about mail: encryption, and words of the warning. */
const ENCRYPTION: readonly (readonly [string, string, RegExp | null])[] = [
  ["", "opportunistic", null],
  ["smtp_tls none", "none", null],
  ["smtp_tls tls", "tls", null],
  ["smtp_login u p", "starttls", null],
  ["smtp_login u p\nsmtp_tls tls", "tls", null],
  ["smtp_login u p\nsmtp_tls none", "none", /in the clear: smtp_tls is none/],
  ["smtp_login u p\nsmtp_tls opportunistic", "opportunistic", /in the clear if the server/],
  ["smtp_tls ssl", "opportunistic", /must be "none"/],
  ["smtp_login u", "opportunistic", /password.* is missing/],
];

for (const [lines, tls, warning] of ENCRYPTION) {
  Deno.test(`parseConfig() encrypts mail as "${lines.replace("\n", "; ")}" says`, () => {
    const { global, problems } = read(lines);
    equal(global.mail.tls, tls);
    equal(problems.length, warning === null ? 0 : 1);
    if (warning !== null) match(problems[0]!.message, warning);
  });
}

Deno.test("parseConfig() warns once of mail that has no way out", () => {
  const said = (global: string, instance = "") =>
    read(global, instance).problems.map(({ message }) => message);
  deepEqual(said("smtp_alert", "smtp_alert"), [
    "No mail is sent: there is no smtp_server and no notification_email",
  ]);
  deepEqual(said("smtp_server ::1 25\nsmtp_alert"), [
    "No mail is sent: there is no notification_email",
  ]);
  deepEqual(said("smtp_server ::1\nsmtp_alert\nnotification_email {\n a@b\n}"), []);
  deepEqual(said("smtp_alert", "smtp_alert off"), []);
});

Deno.test("parseConfig() reads FIFOs in their order, and a path once", () => {
  const { global } = read(
    "vrrp_notify_fifo /v u\nnotify_fifo /g\nvrrp_notify_fifo_script '/s a' x",
  );
  deepEqual(
    global.fifos.map(({ path, owner, script }) => [path, owner, script?.words, script?.user]),
    [
      ["/g", null, undefined, undefined],
      ["/v", { user: "u", group: null }, ["/s", "a"], { user: "x", group: null }],
    ],
  );
  const twice = read("vrrp_notify_fifo /f\nnotify_fifo /f");
  deepEqual(twice.global.fifos.map(({ position }) => position.line), [3]);
  match(twice.problems[0]!.message, /vrrp_notify_fifo is ignored/);
});

Deno.test("parseConfig() reads the scripts of start and end with their timeouts", () => {
  const { global } = read("startup_script /a u\nshutdown_script '/b c'\nshutdown_script_timeout 3");
  const { startupScript: start, shutdownScript: end } = global;
  deepEqual([start?.command.words, start?.timeoutUs], [["/a"], 10_000_000]);
  deepEqual([end?.command.words, end?.timeoutUs], [["/b", "c"], 3_000_000]);
});

/** Global lines, the instance's, and repeat, delay, advert, and the last advert to a higher router. */
const LOWER: readonly (readonly [string, string, readonly unknown[]])[] = [
  ["", "", [5, 5_000_000, true, false]],
  ["vrrp_garp_master_repeat 3\nvrrp_garp_master_delay 2", "", [3, 2_000_000, true, false]],
  ["", "garp_master_repeat 3\ngarp_master_delay 2", [5, 5_000_000, true, false]],
  ["vrrp_garp_lower_prio_repeat 0\nvrrp_garp_lower_prio_delay 0", "", [0, 0, true, false]],
  [
    "vrrp_garp_lower_prio_repeat 0\nvrrp_garp_lower_prio_delay 0",
    "garp_lower_prio_repeat 4\ngarp_lower_prio_delay 1",
    [4, 1_000_000, true, false],
  ],
  ["vrrp_lower_prio_no_advert\nvrrp_higher_prio_send_advert", "", [5, 5_000_000, false, true]],
  [
    "vrrp_lower_prio_no_advert\nvrrp_higher_prio_send_advert",
    "lower_prio_no_advert off\nhigher_prio_send_advert off",
    [5, 5_000_000, true, false],
  ],
  ["", "lower_prio_no_advert\nhigher_prio_send_advert", [5, 5_000_000, false, true]],
  ["", "garp_lower_prio_repeat -1\ngarp_lower_prio_delay 4295", [5, 5_000_000, true, false]],
];

for (const [global, instance, expected] of LOWER) {
  const given = [global, instance].join(" / ").replaceAll("\n", "; ");
  Deno.test(`parseConfig() treats lower and higher routers as "${given}" says`, () => {
    const { lowerPriority, higherPriorityAdvert } = read(global, instance).instance;
    const { repeat, delayUs, advert } = lowerPriority;
    deepEqual([repeat, delayUs, advert, higherPriorityAdvert], expected);
  });
}
