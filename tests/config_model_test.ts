import { deepEqual, equal } from "node:assert/strict";
import { parseConfig, type VrrpInstance } from "../config/mod.ts";
import { seconds } from "../lib/core/time.ts";

/** The configuration without its positions, which other tests look at. */
function config(text: string): unknown {
  return JSON.parse(
    JSON.stringify(
      parseConfig(text, "f").config,
      (key, value) => key === "position" ? undefined : value,
    ),
  );
}

/** The only instance of a file that has one with these lines. */
function instance(lines: string): VrrpInstance {
  const { config } = parseConfig(
    `vrrp_instance V {\n interface eth0\n virtual_router_id 1\n${lines}\n}`,
    "f",
  );
  return config.instances[0]!;
}

const GLOBAL = {
  routerId: null,
  startupDelayUs: 0,
  delayAfterBootUs: 0,
  scriptUser: null,
  enableScriptSecurity: false,
  fifos: [],
  startupScript: null,
  shutdownScript: null,
  mail: {
    recipients: [],
    from: null,
    server: null,
    heloName: null,
    connectTimeoutUs: 30_000_000,
    tls: "opportunistic",
    login: null,
    noFaults: false,
  },
  reload: {
    file: null,
    writeStates: false,
    timeFile: null,
    repeat: false,
    saveFolder: null,
  },
  dynamicInterfaces: false,
  root: { netNamespace: null, instance: null, usePidFolder: false, stopWaitUs: 5_000_000 },
  realtimePriority: null,
  process: {
    name: null,
    engineName: null,
    niceness: null,
    processors: null,
    noSwap: false,
    realtimeLimitUs: null,
    umask: null,
    oomScoreAdjust: null,
  },
  firewall: { table: "keepalived", priority: -1, counters: false },
  noLocalIgmp: false,
  garpIntervalUs: 0,
  gnaIntervalUs: 0,
  garpGroups: [],
};

const ADDRESS = {
  prefixLength: 32,
  device: null,
  vmac: null,
  scope: 0,
  label: null,
  broadcast: null,
  peer: null,
  flags: 0,
  preferredLifetimeSeconds: null,
  track: true,
};

const INSTANCE = {
  name: "VI_1",
  interface: "eth0",
  family: "ipv4",
  version: 2,
  virtualRouterId: 51,
  state: "BACKUP",
  priority: 100,
  advertIntervalUs: 1_000_000,
  authentication: { type: "none" },
  hmac: null,
  checksumForm: "pseudo-header",
  protocol: {
    strict: false,
    accept: true,
    unicastTtl: 255,
    checkUnicastSource: false,
    peerTtls: [],
    lacksPeer: false,
    downTimerAdverts: 3,
    ownerIgnoresAdverts: false,
    timerExpiredPriority: null,
  },
  virtualAddresses: [],
  excludedAddresses: [],
  unicastPeers: [],
  sourceAddress: null,
  multicastGroup: "224.0.0.18",
  preempt: true,
  preemptDelayUs: 0,
  trackPrimary: true,
  promoteSecondaries: false,
  routes: [],
  rules: [],
  vmacs: [],
  extraGarp: { intervalUs: 0, all: false },
  announce: { repeat: 5, delayUs: 5_000_000, refreshUs: 0, refreshRepeat: 1 },
  lowerPriority: { repeat: 5, delayUs: 5_000_000, advert: true },
  higherPriorityAdvert: false,
  tracks: [],
  group: null,
  notify: { scripts: {}, mail: false, priorityChanges: false, deleted: false, webhooks: [] },
};

/** What is watched and who moves together, where nothing is and nobody does. */
const REST = {
  groups: [],
  checks: [],
  trackProcesses: [],
  trackFiles: [],
  statics: { addresses: [], routes: [], rules: [], groups: [] },
  linkDelays: [],
};

for (const priority of [255, 254]) {
  Deno.test(`parseConfig() reads an owner's pair when the priority is ${priority}`, () => {
    deepEqual(
      config(`vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority ${priority}
    advert_int 1
    virtual_ipaddress {
        192.168.0.254/24
    }
}`),
      {
        global: GLOBAL,
        instances: [{
          ...INSTANCE,
          state: priority === 255 ? "MASTER" : "BACKUP",
          priority,
          virtualAddresses: [{ ...ADDRESS, address: "192.168.0.254", prefixLength: 24 }],
        }],
        ...REST,
      },
    );
  });
}

for (const [state, priority] of [["MASTER", 100], ["BACKUP", 90]] as const) {
  Deno.test(`parseConfig() reads a simple pair when the state is ${state}`, () => {
    deepEqual(
      config(`vrrp_instance VI_1 {
    state ${state}
    interface eth0
    virtual_router_id 51
    priority ${priority}
    advert_int 1
    virtual_ipaddress {
        192.168.1.100
    }
}`),
      {
        global: GLOBAL,
        instances: [{
          ...INSTANCE,
          state,
          priority,
          virtualAddresses: [{ ...ADDRESS, address: "192.168.1.100" }],
        }],
        ...REST,
      },
    );
  });
}

for (const [state, priority] of [["MASTER", 100], ["BACKUP", 90]] as const) {
  Deno.test(`parseConfig() reads a pair with script, password and notify when it is ${state}`, () => {
    const ROOT = { user: "root", group: null };
    const command = (path: string) => ({ words: [path], user: ROOT });
    deepEqual(
      config(`global_defs {
    router_id ${state}_ROUTER
    script_user root
    enable_script_security
}
vrrp_script check_app {
    script "/usr/local/bin/check_app.sh"
    interval 2
    weight -20
    fall 3
    rise 2
}
vrrp_instance VI_1 {
    state ${state}
    interface eth0
    virtual_router_id 51
    priority ${priority}
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass P@ssw0rd123
    }
    virtual_ipaddress {
        192.168.1.100/24
    }
    track_script {
        check_app
    }
    notify_master "/usr/local/bin/notify_master.sh"
    notify_backup "/usr/local/bin/notify_backup.sh"
    notify_fault "/usr/local/bin/notify_fault.sh"
    preempt_delay 300
}`),
      {
        global: {
          ...GLOBAL,
          routerId: `${state}_ROUTER`,
          scriptUser: ROOT,
          enableScriptSecurity: true,
        },
        instances: [{
          ...INSTANCE,
          state,
          priority,
          authentication: { type: "pass", password: "P@ssw0rd" },
          virtualAddresses: [{ ...ADDRESS, address: "192.168.1.100", prefixLength: 24 }],
          preemptDelayUs: state === "MASTER" ? 0 : 300_000_000,
          tracks: [{ kind: "script", name: "check_app", weight: -20, reverse: false }],
          notify: {
            ...INSTANCE.notify,
            scripts: {
              notify_master: command("/usr/local/bin/notify_master.sh"),
              notify_backup: command("/usr/local/bin/notify_backup.sh"),
              notify_fault: command("/usr/local/bin/notify_fault.sh"),
            },
          },
        }],
        ...REST,
        checks: [{
          kind: "script",
          name: "check_app",
          weight: -20,
          reverse: false,
          spec: {
            tracker: "script check_app",
            probe: { kind: "script", words: ["/usr/local/bin/check_app.sh"], user: ROOT },
            intervalUs: 2_000_000,
            timeoutUs: 2_000_000,
            rise: 2,
            fall: 3,
            initial: "wait",
          },
        }],
      },
    );
  });
}

Deno.test("parseConfig() reads tracked processes, and their peer without any", () => {
  const router = (priority: number, track: string) =>
    `vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority ${priority}
    authentication {
        auth_type PASS
        auth_pass 1234
    }
    virtual_ipaddress {
        10.51.10.67
    }
${track}}`;
  const processes = ["nginx", "vsftpd", "named"];
  const names = ["chk_nginx", "chk_vsftpd", "chk_bind"];
  const blocks = names.map((name, at) =>
    `vrrp_track_process ${name} {\n process ${processes[at]}\n weight -11\n}\n`
  );
  const expected = {
    ...INSTANCE,
    authentication: { type: "pass", password: "1234" },
    virtualAddresses: [{ ...ADDRESS, address: "10.51.10.67" }],
  };
  deepEqual(config(blocks.join("") + router(100, ` track_process {\n${names.join("\n")}\n}\n`)), {
    global: GLOBAL,
    instances: [{
      ...expected,
      tracks: names.map((name) => ({ kind: "process", name, weight: -11, reverse: false })),
    }],
    ...REST,
    trackProcesses: names.map((name, at) => ({
      name,
      weight: -11,
      reverse: false,
      probe: {
        kind: "process",
        match: { words: [processes[at]], by: "comm" },
        quorum: 1,
        quorumMax: null,
        forkDelayUs: 0,
        terminateDelayUs: 0,
      },
    })),
  });
  deepEqual(config(router(90, "")), {
    global: GLOBAL,
    instances: [{ ...expected, priority: 90 }],
    ...REST,
  });
});

Deno.test("parseConfig() reads a script with quotes and redirections as the words of its command", () => {
  const shell = "timeout 3 openssl s_client -connect 127.0.0.1:443 -servername api.example.com " +
    "</dev/null 2>&1 | grep -q CONNECTED && exit 0 || exit 1";
  const { checks } = parseConfig(
    `global_defs {
    enable_snmp
    snmp_socket udp:127.0.0.1:161
}
vrrp_script chk {
    script "/bin/sh -c '${shell}'"
}
vrrp_instance V {
    interface eth0
    virtual_router_id 1
    track_script {
        chk
    }
}`,
    "f",
  ).config;
  deepEqual(checks.map(({ spec }) => spec), [{
    tracker: "script chk",
    probe: { kind: "script", words: ["/bin/sh", "-c", shell], user: null },
    intervalUs: seconds(1),
    timeoutUs: seconds(1),
    rise: 1,
    fall: 1,
    initial: "wait",
  }]);
});

Deno.test("parseConfig() reads every setting of global_defs", () => {
  deepEqual(
    config(`global_defs {
 router_id r1
 vrrp_garp_interval 0.5
 vrrp_gna_interval 0.25
 vrrp_startup_delay 1.5
 dynamic_interfaces allow_if_changes
 vrrp_rt_priority 50
 vrrp_no_swap
}`),
    {
      global: {
        ...GLOBAL,
        routerId: "r1",
        garpIntervalUs: 500_000,
        gnaIntervalUs: 250_000,
        startupDelayUs: 1_500_000,
        dynamicInterfaces: true,
        realtimePriority: 50,
        process: { ...GLOBAL.process, noSwap: true },
      },
      instances: [],
      ...REST,
    },
  );
});

Deno.test("parseConfig() takes the instance's value, else the global one, else the built-in one", () => {
  const global = "global_defs {\n vrrp_version 3\n vrrp_mcast_group4 224.0.0.99\n" +
    " v3_checksum_as_v2\n vrrp_garp_master_repeat 3\n vrrp_garp_master_delay 7\n" +
    " vrrp_garp_master_refresh 60\n vrrp_garp_master_refresh_repeat 2\n}\n";
  const block = (name: string, id: number, lines: string) =>
    `vrrp_instance ${name} {\n interface eth0\n virtual_router_id ${id}\n` +
    ` virtual_ipaddress {\n  10.0.0.${id}\n }\n${lines}}\n`;
  const own = " version 2\n mcast_dst_ip 224.0.0.100\n v3_checksum_as_v2 off\n" +
    " garp_master_repeat 1\n garp_master_delay 0\n garp_master_refresh 9\n" +
    " garp_master_refresh_repeat 4\n";
  const [a, b] = parseConfig(block("A", 1, "") + block("B", 2, own) + global, "f").config.instances;
  const pick = (i?: VrrpInstance) => [i?.version, i?.multicastGroup, i?.checksumForm, i?.announce];
  deepEqual(pick(a), [3, "224.0.0.99", "message-only", {
    repeat: 3,
    delayUs: 7_000_000,
    refreshUs: 60_000_000,
    refreshRepeat: 2,
  }]);
  deepEqual(pick(b), [2, "224.0.0.100", "pseudo-header", {
    repeat: 1,
    delayUs: 0,
    refreshUs: 9_000_000,
    refreshRepeat: 4,
  }]);
});

Deno.test("parseConfig() fixes the family by the first address of any kind", () => {
  const list = (name: string, address: string) => ` ${name} {\n  ${address}\n }\n`;
  const table = [
    ["", "ipv4"],
    [list("virtual_ipaddress", "fe80::1"), "ipv6"],
    [list("unicast_peer", "fe80::2") + list("virtual_ipaddress", "10.0.0.1"), "ipv6"],
    [list("virtual_ipaddress", "10.0.0.1") + list("unicast_peer", "fe80::2"), "ipv4"],
    [" mcast_src_ip fe80::9\n" + list("virtual_ipaddress", "10.0.0.1"), "ipv6"],
    [list("virtual_ipaddress_excluded", "fe80::1") + list("virtual_ipaddress", "10.0.0.1"), "ipv4"],
    [" native_ipv6\n", "ipv6"],
  ] as const;
  for (const [lines, family] of table) equal(instance(lines).family, family, lines);
  const six = instance(" version 2\n" + list("virtual_ipaddress", "fe80::1"));
  deepEqual([six.version, six.multicastGroup], [3, "ff02::12"]);
});

Deno.test("parseConfig() needs no interface for unicast with a source address", () => {
  const text = "vrrp_instance V {\n virtual_router_id 1\n unicast_src_ip 10.0.0.1\n" +
    " unicast_peer {\n  10.0.0.2\n  10.0.0.3\n }\n virtual_ipaddress {\n  10.0.0.9\n }\n}";
  const { config, problems } = parseConfig(text, "f");
  deepEqual(problems, []);
  equal(config.instances[0]?.interface, null);
  equal(config.instances[0]?.sourceAddress, "10.0.0.1");
  deepEqual(config.instances[0]?.unicastPeers, ["10.0.0.2", "10.0.0.3"]);
});

const PREEMPTION = [
  ["", true, 0],
  [" nopreempt", false, 0],
  [" preempt", true, 0],
  [" preempt_delay 2.5", true, 2_500_000],
  [" nopreempt\n preempt_delay 2", false, 0],
  [" state MASTER\n priority 100\n nopreempt\n preempt_delay 2", true, 0],
  [" priority 255\n nopreempt\n preempt_delay 2", true, 0],
  [" state MASTER\n nopreempt", true, 0],
] as const;

for (const [lines, preempt, delayUs] of PREEMPTION) {
  Deno.test(`parseConfig() makes preempt ${preempt} and its delay ${delayUs} of "${lines}"`, () => {
    const { preempt: found, preemptDelayUs } = instance(lines);
    deepEqual([found, preemptDelayUs], [preempt, delayUs]);
  });
}

const PRIORITIES = [
  ["", "BACKUP", 100],
  [" state MASTER", "MASTER", 255],
  [" state MASTER\n priority 300", "MASTER", 100],
  [" priority 255", "MASTER", 255],
  [" state BACKUP\n priority 255", "BACKUP", 255],
  [" state SLAVE\n priority 1", "BACKUP", 1],
] as const;

for (const [lines, state, priority] of PRIORITIES) {
  Deno.test(`parseConfig() makes ${state} with ${priority} of "${lines}"`, () => {
    deepEqual([instance(lines).state, instance(lines).priority], [state, priority]);
  });
}

const INTERVALS = [
  [2, "1", 1_000_000],
  [2, "0.5", 1_000_000],
  [2, "1.5", 2_000_000],
  [2, "255", 255_000_000],
  [2, "256", 1_000_000],
  [3, "0.01", 10_000],
  [3, "0.014", 10_000],
  [3, ".25", 250_000],
  [3, "40.95", 40_950_000],
  [3, "41", 40_950_000],
  [3, "0.009", 1_000_000],
  [3, "1e3", 1_000_000],
] as const;

for (const [version, text, intervalUs] of INTERVALS) {
  Deno.test(`parseConfig() makes ${intervalUs} us of advert_int ${text} in version ${version}`, () => {
    const lines = ` version ${version}\n advert_int ${text}`;
    equal(instance(lines).advertIntervalUs, intervalUs);
  });
}

const ADDRESSES: readonly (readonly [string, Readonly<Record<string, unknown>> | null])[] = [
  ["10.0.0.1", { ...ADDRESS, address: "10.0.0.1" }],
  ["10.0.0.1/24 brd +", {
    ...ADDRESS,
    address: "10.0.0.1",
    prefixLength: 24,
    broadcast: "10.0.0.255",
  }],
  ["10.0.5.1/22 brd -", {
    ...ADDRESS,
    address: "10.0.5.1",
    prefixLength: 22,
    broadcast: "10.0.4.0",
  }],
  ["10.0.0.1/24 broadcast 10.0.0.7", {
    ...ADDRESS,
    address: "10.0.0.1",
    prefixLength: 24,
    broadcast: "10.0.0.7",
  }],
  ["10.0.0.1/33", { ...ADDRESS, address: "10.0.0.1" }],
  ["10.0.0.1/24 dev eth1 label eth1:0 scope link no_track", {
    ...ADDRESS,
    address: "10.0.0.1",
    prefixLength: 24,
    device: "eth1",
    label: "eth1:0",
    scope: 253,
    track: false,
  }],
  ["10.0.0.1 peer 10.0.0.2", { ...ADDRESS, address: "10.0.0.1", peer: "10.0.0.2" }],
  ["10.0.0.1/24 peer 10.0.0.2/24", { ...ADDRESS, address: "10.0.0.1" }],
  ["10.0.0.1 noprefixroute home mngtmpaddr autojoin", {
    ...ADDRESS,
    address: "10.0.0.1",
    flags: 0x710,
  }],
  ["10.0.0.1 preferred_lft 60", { ...ADDRESS, address: "10.0.0.1", preferredLifetimeSeconds: 60 }],
  ["10.0.0.1 sideways", { ...ADDRESS, address: "10.0.0.1" }],
  ["10.0.0.1 label abcdefghijklmnop", null],
  ["10.0.0.1 dev", null],
  ["10.0.0.1 brd 1.2", null],
  ["10.0.0.256", null],
  ["2001:DB8::0:1", {
    ...ADDRESS,
    address: "2001:db8::1",
    prefixLength: 128,
    flags: 2,
    preferredLifetimeSeconds: 0,
  }],
  ["2001:db8::1 preferred_lft forever", {
    ...ADDRESS,
    address: "2001:db8::1",
    prefixLength: 128,
    flags: 2,
  }],
  ["2001:db8::1/64 -nodad", { ...ADDRESS, address: "2001:db8::1", prefixLength: 64 }],
];

for (const [text, expected] of ADDRESSES) {
  Deno.test(`parseConfig() reads the address entry "${text}"`, () => {
    const { virtualAddresses } = instance(` virtual_ipaddress {\n  ${text}\n }`);
    deepEqual(virtualAddresses, expected === null ? [] : [expected]);
  });
}

Deno.test("parseConfig() moves addresses beyond 255 to the excluded list", () => {
  const lines = Array.from({ length: 300 }, (_, n) => `  10.0.${n >> 8}.${n & 255}\n`).join("");
  const { virtualAddresses, excludedAddresses } = instance(
    ` virtual_ipaddress {\n${lines} }\n virtual_ipaddress_excluded {\n  fe80::1\n }`,
  );
  equal(virtualAddresses.length, 255);
  equal(excludedAddresses.length, 46);
  equal(excludedAddresses[0]?.address, "10.0.0.255");
  equal(excludedAddresses[45]?.address, "fe80::1");
});

Deno.test("parseConfig() adds the entries of a list that is given twice", () => {
  const list = (address: string) => ` virtual_ipaddress {\n  ${address}\n }\n`;
  const { virtualAddresses } = instance(list("10.0.0.1") + list("10.0.0.2"));
  deepEqual(virtualAddresses.map(({ address }) => address), ["10.0.0.1", "10.0.0.2"]);
});

Deno.test("parseConfig() reads the weights of trackers, and ignores those defined later", () => {
  const script = (name: string) =>
    `vrrp_script ${name} {\n script /bin/true\n weight 5 reverse\n}\n`;
  const text = script("a") + "vrrp_instance V {\n interface eth0\n virtual_router_id 1\n" +
    " track_script {\n  a weight -7 noreverse\n  b\n  c weight 254\n  a\n }\n}\n" + script("b");
  const { config } = parseConfig(text, "f");
  deepEqual(
    config.instances[0]?.tracks.map(({ name, weight, reverse }) => [name, weight, reverse]),
    [["a", -7, false]],
  );
  deepEqual(config.checks.map(({ name, weight, reverse }) => [name, weight, reverse]), [
    ["a", 5, true],
  ]);
});
