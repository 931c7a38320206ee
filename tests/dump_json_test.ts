/** vigie's state in the form of keepalived's JSON dump. */

import assert from "node:assert/strict";
import { parseConfig } from "../config/mod.ts";
import { ip } from "../lib/core/address.ts";
import { micros, seconds } from "../lib/core/time.ts";
import { dumpJson } from "../lib/daemon/dump_json.ts";
import { createCounters } from "../lib/engine/counters.ts";
import type { InstanceStatus } from "../lib/engine/messages.ts";
import { heldBy } from "./lab/addresses.ts";
import { file, router, VIP } from "./lab/config.ts";
import { labTest } from "./lab/lab.ts";
import { runVigie } from "./lab/vigie.ts";

const TEXT = `
vrrp_script chk {
 script "/usr/bin/true"
 weight 5
}
vrrp_instance VI_1 {
 interface eth0
 virtual_router_id 51
 priority 254
 advert_int 1
 nopreempt
 authentication {
  auth_type PASS
  auth_pass 1234
 }
 virtual_ipaddress {
  10.0.0.9/24 label eth0:1
 }
 virtual_ipaddress_excluded {
  10.0.0.19/24
 }
 track_script {
  chk
 }
 notify_master "/usr/bin/true x"
}
`;

/** Captured from keepalived 2.2.7, master with this configuration for three adverts. */
const KEEPALIVED = `[{"data":{"iname":"VI_1","dont_track_primary":0,"skip_check_adv_addr":0,\
"strict_mode":0,"vmac_ifname":"","ifp_ifname":"eth0","master_priority":0,\
"last_transition":1795206779.332888,"garp_delay":5,"garp_refresh":0,"garp_rep":5,\
"garp_refresh_rep":1,"garp_lower_prio_delay":5,"garp_lower_prio_rep":5,"lower_prio_no_advert":0,\
"higher_prio_send_advert":0,"vrid":51,"base_priority":254,"effective_priority":254,"vipset":true,\
"promote_secondaries":false,"adver_int":1,"master_adver_int":1,"accept":1,"nopreempt":true,\
"preempt_delay":0,"state":2,"wantstate":2,"version":2,"smtp_alert":false,"notify_deleted":false,\
"script_master":"'\\/usr\\/bin\\/true' 'x'",\
"vips":["10.0.0.9\\/24 dev eth0 scope global label eth0:1 set"],\
"evips":["10.0.0.19\\/24 dev eth0 scope global set"],"track_script":["'\\/usr\\/bin\\/true'"],\
"auth_type":1,"auth_data":"1234"},"stats":{"advert_rcvd":0,"advert_sent":3,"become_master":1,\
"release_master":0,"packet_len_err":0,"advert_interval_err":0,"ip_ttl_err":0,\
"invalid_type_rcvd":0,"addr_list_err":0,"invalid_authtype":0,"authtype_mismatch":0,\
"auth_failure":0,"pri_zero_rcvd":0,"pri_zero_sent":0}}]`.replaceAll("\\\n", "");

const MASTER: InstanceStatus = {
  name: "VI_1",
  state: "master",
  priority: 254,
  master: { address: ip("10.0.0.1"), priority: 254 },
  primaryAddress: ip("10.0.0.1"),
  masterAdvertIntervalUs: seconds(1),
  changedAgoUs: micros(2_500_000),
  faults: [],
  waitsFor: [],
  counters: { ...createCounters(), sentAdvertisements: 3, masterTransitions: 1 },
};

function dump(text: string, status: Partial<InstanceStatus> = {}) {
  const { config } = parseConfig(text, "t.conf");
  const loop = { timersFired: 0, worstLatenessUs: 0 };
  const instances = [{ ...MASTER, ...status }];
  const all = { kind: "status", id: 1, instances, loop, strays: {} } as const;
  return dumpJson(config, all, 1_795_206_781_832.888) as {
    data: Record<string, unknown>;
    stats: Record<string, unknown>;
  }[];
}

Deno.test("dumpJson() says what keepalived's dump says, but for the password", () => {
  const [theirs] = JSON.parse(KEEPALIVED);
  const [ours] = dump(TEXT);
  const { last_transition: ourTime, ...ourData } = ours!.data;
  const { last_transition: theirTime, ...theirData } = theirs.data;
  assert.deepEqual(ourData, { ...theirData, auth_data: "********" });
  assert.deepEqual(Object.keys(ours!.data).sort(), Object.keys(theirs.data).sort());
  assert.ok(Math.abs(Number(ourTime) - theirTime) < 0.001, `${ourTime}`);
  assert.deepEqual(ours!.stats, theirs.stats);
});

Deno.test("dumpJson() says who is master to a backup, and what has left", () => {
  const master = { address: ip("10.0.0.2"), priority: 255 };
  const [found] = dump(TEXT, { state: "backup", master });
  const { data, stats } = found!;
  assert.deepEqual([data.state, data.master_priority, data.vipset], [1, 255, false]);
  assert.deepEqual(data.vips, ["10.0.0.9/24 dev eth0 scope global label eth0:1"]);
  assert.equal(stats.release_master, 1);
});

labTest("vigie dump asks the running daemon", async (lab) => {
  const [a, b] = lab.pair();
  await lab.vigie(a, file([], router({ priority: 200 })));
  await heldBy(a, [a, b], VIP);
  const read = async () => {
    const { code, text } = await runVigie(a, ["dump"]);
    assert.equal(code, 0, text);
    return JSON.parse(text)[0].data;
  };
  const first = await read();
  assert.deepEqual([first.iname, first.state, first.effective_priority], ["VI_1", 2, 200]);
  assert.ok(Math.abs(first.last_transition - Date.now() / 1000) < 60);
  const { code, text } = await runVigie(a, ["restart"]);
  assert.equal(code, 0, text);
  const second = await read();
  assert.ok(
    Math.abs(second.last_transition - first.last_transition) < 0.1,
    "a restart is no transition",
  );
  const nobody = await runVigie(b, ["dump"]);
  assert.deepEqual([nobody.code, /No vigie runs/.test(nobody.text)], [1, true]);
});
