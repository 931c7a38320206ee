/** Whole configurations: keepalived -t and keepalived's own dump say of them what vigie says. */

import assert from "node:assert/strict";
import type { Host } from "../lib/net/topology.ts";
import { addressesOn, holds } from "./lab/addresses.ts";
import { router, VIP } from "./lab/config.ts";
import { configsIn, CORPUS, CorpusFiles, corpusHost, keepalivedSamples } from "./lab/corpus.ts";
import { keepalivedValues, keepalivedVerdict, vigieVerdicts } from "./lab/corpus_peers.ts";
import { type Effective, effectiveOf } from "./lab/effective.ts";
import { KEEPALIVED, startKeepalived } from "./lab/keepalived.ts";
import { type Lab, peerTest } from "./lab/lab.ts";
import { until } from "./lab/until.ts";

/** How many keepalived run at once, each in a host of its own. */
const AT_ONCE = 4;

const NOT_ACTIVE = "vigie does not do it, and must not pass over it";
const KILLED = "2.2.7 ends itself under -t when a script has another user than root";
const UNTRACKED = "vigie looks after an entry without an interface, which keepalived cannot";
const ZERO = "2.2.7 wants more than 0 and keeps its 0; the line is in many distributions' files";
const IPV6_OF_2 = "2.2.7 sends IPv6 adverts of version 2, which nobody has defined";

/** By file: how keepalived -t ends, how vigie's does, and why that is meant. */
type Others = Readonly<Record<string, readonly [number, number, string]>>;

const OTHER_VERDICTS: Others = {
  "bad_route_without_interface.conf": [5, 0, UNTRACKED],
  "bad_static_rule_tracked.conf": [5, 0, UNTRACKED],
  "bad_version_conflict.conf": [0, 5, IPV6_OF_2],
  "bfd_neighbor.conf": [0, 5, NOT_ACTIVE],
  "four_nodes_lowest.conf": [5, 0, ZERO],
  "haproxy_pair_standby.conf": [143, 0, KILLED],
  "lvs_director.conf": [0, 5, NOT_ACTIVE],
};

const OTHER_SAMPLE_VERDICTS: Others = {
  "keepalived.conf.track_interface": [5, 0, UNTRACKED],
  "keepalived.conf.vrrp.static_ipaddress": [5, 0, UNTRACKED],
};

/** Values that are others, "file: record: key: ...", and why that is meant. */
const OTHER_VALUES: readonly RegExp[] = [
  // 2.2.7 takes 1 for a repeat that is no number, though it says that it ignores the line.
  /^bad_numbers.conf: instance a: announce: vigie \[5,5,0,1\], keepalived \[5,1,0,1\]$/,
  // VRRP of version 2 knows no IPv6: vigie sends version 3, and says so.
  /^bad_version_conflict.conf: instance a: version: vigie 3, keepalived 2$/,
  // 2.2.7 says that it takes 32 for a length that is none, and takes 0.
  /^bad_address_edges.conf: instance edge: addresses: .*"192\.0\.2\.189 scope .*"192\.0\.2\.189\/0 /,
  // 2.4 knows fractions of seconds here, and "reverse" and "noreverse" behind every name.
  /^bad_tracking.conf: script good: intervalS: vigie 0.5, keepalived 1$/,
  /^bad_tracking.conf: instance turned: tracks: vigie \["file f -2 reverse","script weighted 5"\]/,
  // How often announcements are repeated that vrrp_min_garp turns off.
  /^minimal_announcements.conf: instance (few|many): announce: vigie \[(.,.),0,1\], keepalived \[\2,0,0\]$/,
  // keepalived keeps the number and cuts what it adds to a priority.
  /^bad_weight.conf: script chk: weight: vigie "253", keepalived "300"$/,
];

/** What is said, and rightly, about files that work: "file: severity: message". */
const RIGHT: readonly RegExp[] = [
  // What vigie does not do.
  /: error: "(bfd_instance|track_bfd)" is known, not active yet: /,
  /: error: "(virtual_server|virtual_server_group)" is known, not active yet: /,
  /: warning: "lvs_sync_daemon_interface" is known, not active yet: /,
  /^keepalived\.conf\.\w+(\.port)?: warning: .* has no vrrp_instance: there is nothing to do$/,
  // What keepalived says too.
  /^keepalived\.conf\.SSL_GET: warning: \(VI_1\) state MASTER is read as BACKUP with auth_type AH: /,
  /^keepalived\.conf\.conditional_conf: error: vrrp_script "check_VI_0" has no "script"/,
  /^keepalived\.conf\.conditional_conf: error: .* track_script "check_VI_0" not found/,
  /^keepalived\.conf\.vrrp\.lvs_syncd: error: \(VG1\) This vrrp_sync_group has no members/,
  /^keepalived\.conf\.vrrp\.lvs_syncd: error: Unknown keyword "VI_[23]"/,
  /^keepalived\.conf\.vrrp\.routes: warning: .* "(gw|or)" is an old spelling of /,
  /^keepalived\.conf\.vrrp\.rules: error: .*"to 192\.168\.[12]00\.\/24 table [12]": must be an IP/,
  /^keepalived\.conf\.vrrp\.rules: warning: .*This rule has no preference: it gets 1638[43], /,
  /^keepalived\.conf\.vrrp\.(scripts|sync): error: Script .* does not exist: /,
  /^maintenance_file_old\.conf: warning: vrrp_track_file is the old spelling of track_file/,
  /^no_address_v2\.conf: warning: .* No virtual address but excluded ones: /,
  /^dynamic_tracking\.conf: warning: \(t1\) Interface "ppp9" does not exist now: /,
  /^process_options\.conf: warning: .* Interface "ppp77" does not exist now: /,
  /^vmac_both_families\.conf: warning: \(peers\) .* vmac_xmit_base is turned on$/,
  /^unicast_details\.conf: warning: \(far6\) .* is the first virtual address: a link-local one /,
  // Traps that keepalived does not tell of.
  /^unquoted_script\.conf: warning: "killall" is ignored: keepalived runs \/usr\/bin\/env without it$/,
  /: warning: vrrp_script "\w+" starts a program at every turn for what a built-in check asks /,
  /^keepalived\.conf\.vrrp\.scripts: warning: No mail is sent: there is no smtp_server /,
  /^keepalived\.conf\.vrrp: warning: \(VI_1\) 192\.168\.200\.18 is given twice: /,
  /^twice_given_address\.conf: warning: \(twice\) 192\.0\.2\.147 is given twice: /,
  /^strict_v3\.conf: warning: .* will not answer, not even to ping: strict mode implies no_accept$/,
];

/** A sample about virtual servers, and what must be said of it. */
const VIRTUAL_SERVER = /^virtual_server/m;
const NAMED = /^error: "virtual_server(_group)?" is known, not active yet: /;

peerTest(KEEPALIVED, "keepalived -t ends as vigie -t for every file of the corpus", async (lab) => {
  const bench = benchOf(lab, CORPUS), names = ownNames();
  assert.ok(names.length >= 40, `${names.length} files`);
  assert.deepEqual(await verdictDifferences(bench, names, OTHER_VERDICTS), []);
});

peerTest(
  KEEPALIVED,
  "keepalived does with each file of the corpus what vigie reads",
  async (lab) => {
    assert.deepEqual(await valueDifferences(benchOf(lab, CORPUS), ownNames()), []);
  },
);

peerTest(KEEPALIVED, "keepalived does with its own samples what vigie reads", async (lab) => {
  const bench = benchOf(lab, await keepalivedSamples(lab)), names = sampleNames(bench);
  assert.ok(names.length > 20, names.join(" "));
  const verdicts = await verdictsOf(bench, names);
  const servers = names.filter((name) => VIRTUAL_SERVER.test(textOf(bench, name)));
  for (const name of servers) {
    const { problems } = verdicts[pathOf(bench, name)]!;
    assert.ok(problems.some((problem) => NAMED.test(problem)), `${name}:\n${problems.join("\n")}`);
  }
  const others = names.filter((name) => !servers.includes(name));
  assert.ok(others.length >= 8, others.join(" "));
  assert.deepEqual(await verdictDifferences(bench, others, OTHER_SAMPLE_VERDICTS), []);
  // Without a router, keepalived has nothing to run here; a connection daemon needs a kernel with IPVS.
  const routers = names.filter((name) =>
    /^vrrp_instance/m.test(textOf(bench, name)) && !/lvs_sync_daemon/.test(textOf(bench, name))
  );
  assert.deepEqual(await valueDifferences(bench, routers), []);
});

peerTest(KEEPALIVED, "check says nothing that is wrong about files that work", async (lab) => {
  const ours = benchOf(lab, CORPUS), theirs = benchOf(lab, await keepalivedSamples(lab));
  const good = ownNames().filter((name) => !name.startsWith("bad_"));
  const said = [
    ...await problemsOf(ours, good),
    ...await problemsOf(theirs, sampleNames(theirs)),
  ];
  assert.deepEqual(said.filter((line) => !RIGHT.some((pattern) => pattern.test(line))), []);
  const unused = RIGHT.filter((pattern) => !said.some((line) => pattern.test(line)));
  assert.deepEqual(unused, [], "nothing says this any more");
});

peerTest(
  KEEPALIVED,
  "keepalived takes adverts with an address that is given twice",
  async (lab) => {
    const [a, b] = lab.pair(), addresses = [`${VIP}/24`, `${VIP}/24 label eth0:1`];
    const theirs = lab.keep(await startKeepalived(a, router({ addresses, priority: 100 })));
    await theirs.saw(/\(VI_1\) Entering MASTER STATE/);
    const ours = await lab.vigie(b, router({ addresses, priority: 200 }));
    await theirs.saw(/\(VI_1\) Entering BACKUP STATE/);
    await until(() => holds(b, VIP) && !holds(a, VIP), "the address to move");
    assert.equal(addressesOn(b).filter(({ text }) => text === VIP).length, 1);
    assert.equal(await ours.stop(), 0);
    assert.ok(!holds(b, VIP));
  },
);

/** Configurations and where they are tried. */
interface Bench {
  readonly lab: Lab;
  readonly folder: string;
  readonly files: CorpusFiles;
  /** For what leaves nothing behind. */
  readonly host: Host;
}

function benchOf(lab: Lab, folder: string): Bench {
  return { lab, folder, files: lab.use(new CorpusFiles()), host: corpusHost(lab, "judge") };
}

function ownNames(): string[] {
  return configsIn(CORPUS, (name) => name.endsWith(".conf"));
}

function sampleNames({ folder }: Bench): string[] {
  return configsIn(folder, (name) => name.startsWith("keepalived.conf."));
}

function pathOf({ folder }: Bench, name: string): string {
  return `${folder}/${name}`;
}

function textOf(bench: Bench, name: string): string {
  return Deno.readTextFileSync(pathOf(bench, name));
}

function verdictsOf(bench: Bench, names: readonly string[]) {
  return vigieVerdicts(bench.host, bench.files, names.map((name) => pathOf(bench, name)));
}

async function problemsOf(bench: Bench, names: readonly string[]): Promise<string[]> {
  const verdicts = await verdictsOf(bench, names);
  return names.flatMap((name) =>
    verdicts[pathOf(bench, name)]!.problems.map((problem) => `${name}: ${problem}`)
  );
}

/** The files that end otherwise than they should. */
async function verdictDifferences(
  bench: Bench,
  names: readonly string[],
  meant: Others,
): Promise<string[]> {
  const ours = await verdictsOf(bench, names), differences: string[] = [];
  await inTurns(names, Array(AT_ONCE).fill(bench.host), async (name) => {
    const path = pathOf(bench, name),
      theirs = await keepalivedVerdict(bench.host, bench.files, path);
    const { code, problems } = ours[path]!;
    const [expected, own] = meant[name] ?? [theirs.code, theirs.code];
    if (theirs.code === expected && code === own) return;
    const said = [theirs.text, ...problems].join("\n");
    differences.push(`${name}: keepalived ${theirs.code}, vigie ${code}\n${said}`);
  });
  return differences;
}

/** What keepalived does and vigie reads otherwise, as "file: record: key: what each says". */
async function valueDifferences(bench: Bench, names: readonly string[]): Promise<string[]> {
  const ours = await verdictsOf(bench, names), differences: string[] = [];
  const hosts = Array.from({ length: AT_ONCE }, (_, at) => corpusHost(bench.lab, `lane${at}`));
  await inTurns(names, hosts, async (name, host) => {
    const path = pathOf(bench, name), { config, problems } = ours[path]!;
    const theirs = await keepalivedValues(host, bench.files, path);
    const isFatal = problems.some((problem) => problem.startsWith("fatal: "));
    if (isFatal !== (theirs === null)) {
      differences.push(`${name}: ${isFatal ? "vigie" : "keepalived"} alone refuses it`);
    }
    if (isFatal || theirs === null) return;
    for (const line of compare(effectiveOf(config), theirs)) {
      if (!OTHER_VALUES.some((pattern) => pattern.test(`${name}: ${line}`))) {
        differences.push(`${name}: ${line}`);
      }
    }
  });
  return differences;
}

/** Every value that is not the same, as "record: key: what each says". */
function compare(ours: Effective, theirs: Effective): string[] {
  const records = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  return [...records].flatMap((record) => {
    const own = ours[record] ?? {}, other = theirs[record] ?? {};
    const keys = new Set([...Object.keys(own), ...Object.keys(other)]);
    return [...keys].flatMap((key) => {
      const [text, wanted] = [own[key], other[key]].map((value) => JSON.stringify(value));
      if (text === wanted || (key === "state" && other[key] === null)) return [];
      return [`${record}: ${key}: vigie ${text}, keepalived ${wanted}`];
    });
  });
}

/** Does something for each name, in as many hosts at once as there are. */
async function inTurns(
  names: readonly string[],
  hosts: readonly Host[],
  work: (name: string, host: Host) => Promise<void>,
): Promise<void> {
  const waiting = [...names];
  await Promise.all(hosts.map(async (host) => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      await work(name, host);
    }
  }));
}
