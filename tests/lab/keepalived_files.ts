/** Configurations with something wrong each, or nothing: keepalived -t judges them, and so must vigie. */

import { block, file, router } from "./config.ts";

const SECURE = ["enable_script_security", "script_user root"];
const SCRIPT = block("vrrp_script s", ["script /usr/bin/true"]);
const NET = "198.18.0.0/24";
const TRACKS = router({ lines: ["track_script {", "s", "}"] });

function version2(...lines: string[]): string {
  return router({ version: 2, advertInt: 1, lines });
}

/** What they are, and their text. */
export const KEEPALIVED_FILES: readonly (readonly [string, string])[] = [
  ["a good file", router()],
  ["an empty file", ""],
  ["an unknown keyword", version2("prioriti 3")],
  ["a number that is none", version2("garp_master_repeat x")],
  ["a priority out of range", router({ priority: 300 })],
  [
    "a password that is too long",
    version2("authentication {", "auth_type PASS", "auth_pass 123456789", "}"),
  ],
  ["a missing brace", router().replace(/}\s*$/, "")],
  ["a brace too many", `${router()}\n}\n`],
  ["an interface that does not exist", router({ interface: "eth77" })],
  ["no interface", router({ interface: null })],
  ["the loopback interface", router({ interface: "lo" })],
  ["a missing parameter", version2("priority")],
  ["a missing parameter and scripts", `${SCRIPT}\n${TRACKS.replace("priority 100", "priority")}`],
  ["no VRID", router().replace(/virtual_router_id.*/, "")],
  ["one VRID twice", `${router()}\n${router({ name: "VI_2" })}`],
  ["one name twice", `${router()}\n${router({ vrid: 52 })}`],
  ["a script without script security", `${SCRIPT}\n${TRACKS}`],
  ["the same with an unknown keyword", `${SCRIPT}\n${TRACKS}\nnonsense\n`],
  ["a script that nobody tracks", `${SCRIPT}\n${router()}`],
  ["a script with script security", file(SECURE, SCRIPT, TRACKS)],
  ["a script that is not there", file(SECURE, SCRIPT.replace("true", "nope"), TRACKS)],
  ["the same without script security", `${SCRIPT.replace("true", "nope")}\n${TRACKS}`],
  ["a notify script", router({ lines: ["notify_master /usr/bin/true"] })],
  [
    "a notify script with script security",
    file(SECURE, router({ lines: ["notify /usr/bin/true"] })),
  ],
  ["a notify script that is not there", router({ lines: ["notify_fault /no/such/script"] })],
  [
    "the same with script security",
    file(SECURE, router({ lines: ["notify_fault /no/such/script"] })),
  ],
  ["a notify script that is none", router({ lines: ["notify_fault /etc/passwd"] })],
  ["a startup script that is not there", file([...SECURE, "startup_script /no/such/x"], router())],
  [
    "a reader of a FIFO that is not there",
    file(
      [...SECURE, "notify_fifo /run/vigie-test.fifo", "notify_fifo_script /no/such/x"],
      router(),
    ),
  ],
  [
    "an old word in a route",
    router({ lines: [block("virtual_routes", [`${NET} gw 192.0.2.9 dev eth0`])] }),
  ],
  [
    "a rule without a preference",
    router({ lines: [block("virtual_rules", [`from ${NET} table 9`])] }),
  ],
  [
    "excluded addresses alone",
    version2(block("virtual_ipaddress_excluded", ["192.0.2.7"])).replace(
      /virtual_ipaddress \{[^}]*}/,
      "",
    ),
  ],
  ["a tracked script that is not defined", router({ lines: ["track_script {", "s", "}"] })],
  [
    "a tracked interface that does not exist",
    router({ lines: ["track_interface {", "eth9", "}"] }),
  ],
  ["version 3 without addresses", router({ addresses: [] })],
  ["version 2 without addresses", router({ version: 2, addresses: [] })],
  ["half a second in version 2", router({ version: 2, advertInt: 0.5 })],
  ["an address of the other family", router({ addresses: ["192.0.2.100/24", "fe80::1"] })],
  ["an address that is none", router({ addresses: ["192.0.2.900"] })],
  ["nopreempt for a master", version2("state MASTER", "priority 100", "nopreempt")],
  ["a sync group with a member too many", `${router()}\n${group("VI_1", "VI_9")}`],
  ["a sync group of one", `${router()}\n${group("VI_1")}`],
  ["process options", file(["vrrp_priority -5", "checker_priority 3", "umask 022"], router())],
  ["a niceness out of range", file(["vrrp_priority -21"], router())],
  ["a niceness without a number", file(["vrrp_priority"], router())],
  ["a limit without a number", file(["vrrp_rlimit_rttime"], router())],
  ["a name that is too long", file(["vrrp_process_name abcdefghijklmnopqrstu"], router())],
  ["no processor", file(["vrrp_cpu_affinity"], router())],
  ["a umask that is none", file(["umask 01000"], router())],
];

function group(...members: string[]): string {
  return block("vrrp_sync_group G", [block("group", members)]);
}
