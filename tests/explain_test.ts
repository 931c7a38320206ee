/** Who holds the addresses when what fails: the answers of `vigie explain`. */

import assert from "node:assert/strict";
import { parseConfig } from "../config/mod.ts";
import { reachOf } from "../lib/cli/explain/advice.ts";
import { type RouterFile, virtualRouters } from "../lib/cli/explain/routers.ts";
import { peerFindings } from "../lib/cli/explain/findings.ts";
import { type Story, storyOf } from "../lib/cli/explain/scenarios.ts";
import { storyLines } from "../lib/cli/explain/text.ts";

/** What two or more routers track in these tests. */
const OBJECTS = `
vrrp_check web {
  tcp {
    connect 127.0.0.1 80
  }
  interval 1
  timeout 0.5
  fall 3
}
vrrp_track_process nginx {
  process nginx
}
track_file maintenance {
  file /run/maintenance
}
`;

/** A router file: its priority, what it tracks ("check web weight -30"), and more lines. */
function file(priority: number, tracks: readonly string[] = [], ...lines: string[]): string {
  const blocks = tracks.map((track) => {
    const [kind, ...rest] = track.split(" ");
    return ` track_${kind} {\n  ${rest.join(" ")}\n }`;
  });
  return [
    OBJECTS,
    "vrrp_instance VI_1 {",
    " interface eth0",
    " virtual_router_id 51",
    ` priority ${priority}`,
    " virtual_ipaddress {",
    "  192.0.2.100/24",
    " }",
    ...blocks,
    ...lines,
    "}",
  ].join("\n");
}

function stories(...texts: string[]): Story[] {
  const files = texts.map((text, at) => {
    const { config, problems } = parseConfig(text, `${"abc"[at]}.conf`);
    assert.ok(config.instances.length > 0, JSON.stringify(problems));
    return { label: "ABC"[at]!, config };
  });
  const [first, ...others] = files;
  return virtualRouters([first!, ...others]).map(storyOf);
}

/** `event -> holder in LEAST-MOST us`, with "!" where a router holds what it should not. */
function told(...texts: string[]): string[] {
  return stories(...texts)[0]!.scenarios.map(({ event, outcome, isWrong }) => {
    const took = outcome.tookUs === null ? "" : ` in ${outcome.tookUs.join("-")}`;
    return `${event} -> ${outcome.holder?.label ?? "nobody"}${took}${isWrong ? " !" : ""}`;
  });
}

Deno.test("storyOf() says who takes over for a failing check, a stop and a crash", () => {
  assert.deepEqual(told(file(150, ["check web weight -100"]), file(100)), [
    "all is well -> A",
    // The last advert of A that B obeyed left up to one interval before: 2 to 3 s and a skew of 156/256 s.
    "A: check web -> B in 2609375-3609375",
    "A is stopped -> B in 609375-609375",
    "A crashes or is cut off -> B in 2609375-3609375",
  ]);
});

Deno.test("storyOf() reckons with the intervals and the skew of version 3", () => {
  const fast = ["version 3", "advert_int 0.1"];
  assert.deepEqual(told(file(150, [], ...fast), file(100, [], ...fast)).slice(1), [
    "A is stopped -> B in 60937-60937",
    "A crashes or is cut off -> B in 260937-360937",
  ]);
});

Deno.test("storyOf() shows that a weight is smaller than the gap to the peer", () => {
  assert.deepEqual(told(file(150, ["check web weight -20"]), file(100))[1], "A: check web -> A !");
});

Deno.test("storyOf() shows that a positive weight counts while all is well", () => {
  const lines = told(file(90, ["check web weight 20"]), file(100, ["check web weight 20"]));
  assert.deepEqual(lines.slice(0, 4), [
    "all is well -> B",
    "A: check web -> B",
    "B: check web -> A in 2570312-3570312",
    "check web on all routers -> B",
  ]);
});

Deno.test("storyOf() shows that nopreempt keeps a master with a failure", () => {
  const lines = told(file(150, ["check web weight -100"]), file(100, [], "nopreempt"));
  assert.equal(lines[1], "A: check web -> A !");
  assert.match(
    stories(file(150, ["check web weight -100"]), file(100, [], "nopreempt"))[0]!
      .scenarios[1]!.outcome.why,
    /nopreempt waits for a silence/,
  );
});

Deno.test("storyOf() adds preempt_delay where a lower master is alive", () => {
  const lines = told(file(150, ["check web weight -100"]), file(100, [], "preempt_delay 5"));
  assert.equal(lines[1], "A: check web -> B in 7609375-8609375");
  assert.equal(lines[2], "A is stopped -> B in 609375-609375", "who resigns is not waited for");
});

Deno.test("storyOf() makes a fault of weight 0, for a file of any number but 0", () => {
  const lines = told(file(150, ["file maintenance weight 0"]), file(100));
  assert.equal(lines[1], "A: file maintenance -> B in 609375-609375");
});

Deno.test("storyOf() combines failures, and leaves out what adds nothing to a fault", () => {
  const tracks = ["check web weight -30", "process nginx weight -30"];
  assert.deepEqual(told(file(150, tracks), file(100)).slice(1, 4), [
    "A: check web -> A !",
    "A: process nginx -> A !",
    "A: check web, process nginx -> B in 2609375-3609375",
  ]);
  const fatal = ["check web weight 0", "process nginx weight -30"];
  assert.equal(
    told(file(150, fatal), file(100)).filter((line) => /, process/.test(line)).length,
    0,
  );
});

Deno.test("storyOf() says that nobody is left when what all depend on fails", () => {
  const both = ["check web weight 0"];
  const lines = told(file(150, both), file(100, both));
  assert.ok(lines.includes("check web on all routers -> nobody"), lines.join("\n"));
  const text = storyLines(stories(file(150, both), file(100, both))[0]!, []).join("\n");
  assert.match(text, /Nobody holds the addresses: check web on all routers/);
});

Deno.test("storyOf() faults all members of a sync group for one", () => {
  const group = "vrrp_sync_group G {\n group {\n  VI_1\n  VI_2\n }\n}\n";
  const second = file(150, ["check web"]).replace(OBJECTS, "").replace("VI_1", "VI_2")
    .replace("router_id 51", "router_id 52").replace("2.100", "2.101");
  const peers = `${group}${file(100)}\n${second.replace("priority 150", "priority 100")}`;
  const lines = told(`${group}${file(150)}\n${second}`, peers);
  assert.equal(lines[1], "A: check web -> B in 609375-609375");
});

Deno.test("storyOf() lets a sync group move only when all of its members can", () => {
  const group =
    "vrrp_sync_group G {\n group {\n  VI_1\n  VI_2\n }\n sync_group_tracking_weight\n}\n";
  const second = (priority: number, tracks: readonly string[] = []) =>
    file(priority, tracks).replace(OBJECTS, "").replace("VI_1", "VI_2")
      .replace("router_id 51", "router_id 52").replace("2.100", "2.101");
  const own = `${group}${file(150, ["check web weight -30"])}\n${second(150)}`;
  const split = told(own, `${group}${file(140)}\n${second(100)}`);
  assert.equal(split[1], "A: check web -> A !", "VI_2 is not outbid");
  assert.equal(split[2], "A is stopped -> B in 609375-609375", "the skew of the lower member");
  const tracks = ["check web weight -30"];
  const lower = `${group}${file(150, tracks)}\n${second(120, tracks)}`;
  assert.equal(
    told(lower, `${group}${file(140)}\n${second(100)}`)[1],
    "A: check web -> B in 2609375-3609375",
    "now it is",
  );
});

Deno.test("storyOf() says who holds the addresses when all is well again", () => {
  const after = (...texts: string[]) =>
    stories(...texts)[0]!.scenarios.map(({ mended }) => mended.holder?.label);
  const own = file(150, ["check web weight 0"]);
  assert.deepEqual(after(own, file(100)), ["A", "A", "A", "A"]);
  const staying = file(150, ["check web weight 0"], "nopreempt");
  assert.deepEqual(after(staying, file(100)), ["A", "B", "B", "B"]);
  const text = storyLines(stories(staying, file(100))[0]!, []).join("\n");
  assert.match(
    text,
    /When it is over \(A: check web\), B goes on: A would be higher, but nopreempt/,
  );
});

Deno.test("storyOf() notices an interface after its down delay", () => {
  const delays = "interface_up_down_delays {\n eth1 1.5\n}\n";
  const [story] = stories(`${delays}${file(150, ["interface eth1"])}`, file(100));
  assert.equal(story!.scenarios[1]!.noticedUs, 1_500_000);
});

Deno.test("storyOf() counts down_timer_adverts of the router that waits", () => {
  const lines = told(file(150), file(100, [], "down_timer_adverts 10"));
  assert.equal(lines[2], "A crashes or is cut off -> B in 9609375-10609375");
});

Deno.test("storyOf() says within what time a failure is noticed", () => {
  const [story] = stories(
    file(150, ["check web weight -30", "process nginx weight -30"]),
    file(100),
  );
  assert.deepEqual(story!.scenarios.slice(0, 4).map(({ noticedUs }) => noticedUs), [
    null,
    3_500_000,
    0,
    3_500_000,
  ]);
});

Deno.test("virtualRouters() finds a peer's instance by VRID and family, whatever its name", () => {
  const other = file(100).replace("VI_1", "WEB");
  const none = file(90).replace("router_id 51", "router_id 9");
  const [story] = stories(file(150), other, none);
  assert.deepEqual(story!.router.members.map(({ label }) => label), ["A", "B"]);
});

Deno.test("reachOf() tells the priorities of a peer that takes over, and that there is none", () => {
  const reach = (...tracks: string[]) =>
    reachOf(stories(file(150, tracks))[0]!.router.members[0])
      .map(({ tracker, whenBad, peers }) => [tracker, whenBad, peers]);
  assert.deepEqual(reach("check web weight -30"), [["check web", 120, [121, 149]]]);
  assert.deepEqual(reach("check web weight -1"), [["check web", 149, null]]);
  assert.deepEqual(reach("check web weight 0"), [["check web", null, [1, 149]]]);
  assert.deepEqual(reach("check web weight 20"), [["check web", 150, [151, 169]]]);
});

Deno.test("storyLines() marks what is wrong and shows the formula", () => {
  const wrong = storyLines(stories(file(150, ["check web weight -20"]), file(100))[0]!, []);
  assert.ok(wrong.some((line) => /A: check web +130 +100 +A \(!\)/.test(line)), wrong.join("\n"));
  const right = storyLines(stories(file(150), file(100))[0]!, []).join("\n");
  assert.match(right, /3 x 1 s \+ \(256 - 100\)\/256 x 1 s/);
});

Deno.test("peerFindings() names the trackers whose failure leaves the addresses here", () => {
  const files = (...texts: string[]) =>
    texts.map((text, at) => ({
      label: "AB"[at]!,
      config: parseConfig(text, `${"ab"[at]}.conf`).config,
    })) as [RouterFile, ...RouterFile[]];
  const tracks = ["check web weight -20", "process nginx weight -60"];
  const found = peerFindings(files(file(150, tracks), file(100)));
  assert.deepEqual(found.map(({ message, position }) => [message, position.line]), [[
    "(VI_1) The failure of check web leaves the addresses with this router: its priority is 130, " +
    "B has 100; nobody is higher",
    file(150, tracks).split("\n").indexOf("  web weight -20") + 1,
  ]]);
  assert.deepEqual(peerFindings(files(file(150, tracks), file(140))), []);
  assert.deepEqual(peerFindings(files(file(150, tracks))), [], "there is nobody to take over");
});
