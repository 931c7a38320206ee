/** Upgrades that come to nothing, or by the long way: process 1, drained restarts, two at once. */

import assert from "node:assert/strict";
import { heldBy, holds } from "./lab/addresses.ts";
import { block, router, VIP } from "./lab/config.ts";
import { except, GENUINE, Images } from "./lab/image.ts";
import { KEEPALIVED, startKeepalived } from "./lab/keepalived.ts";
import { labTest, peerTest } from "./lab/lab.ts";
import { Manager } from "./lab/service_manager.ts";
import { never, until } from "./lab/until.ts";
import { AS_PROCESS_1, besideChildOf, endSuccessor, packed } from "./lab/upgrading.ts";
import { runVigie } from "./lab/vigie.ts";

/** Longer than a new image may take (lib/daemon/handover_guard.ts), shorter than until it is let go. */
const SLOW_S = 10.5;

/** Longer than until a guard resigns for an image that it cannot end: 10 s, 1.5 s and 3 s. */
const STUCK_S = 25;

peerTest(
  KEEPALIVED,
  "as process 1 an image that is too slow goes back by itself, and nobody notices",
  async (lab) => {
    const [a, b] = lab.pair();
    using images = new Images();
    const vigie = packed(lab, a, images, router({ priority: 150, advertInt: 1 }), AS_PROCESS_1);
    await heldBy(a, [a, b], VIP);
    const peer = lab.keep(await startKeepalived(b, router({ priority: 100, advertInt: 1 })));
    const before = images.text("vigie");
    const { enter } = await besideChildOf(vigie.pid);
    const next = images.write("next", except("run", `sleep ${SLOW_S}; ${GENUINE}`));
    const args = ["upgrade", next, "--executable", images.path("vigie")];
    const { code, text } = await runVigie(a, args, enter);
    assert.equal(code, 1, text);
    assert.match(text, /rolled back to .*: it was not healthy within 10 s/);
    assert.equal(images.text("vigie"), before);
    assert.equal(vigie.running, true);
    assert.equal(vigie.said(/goes on in place of|has resigned/).length, 0);
    await never(() => !holds(a, VIP), "the address to go", 1500);
    assert.deepEqual(peer.said(/Entering MASTER/), [], "the peer is what it was");
    const again = await runVigie(a, ["restart"], enter);
    assert.equal(again.code, 0, again.text);
    assert.match(again.text, /\(process 1\)/);
  },
);

labTest(
  "as process 1 an image that hangs is no second daemon: the router resigns, and begins anew when it can",
  async (lab) => {
    const [a, b] = lab.pair();
    using images = new Images();
    const vigie = packed(lab, a, images, router({ priority: 150, advertInt: 1 }), AS_PROCESS_1);
    await heldBy(a, [a, b], VIP);
    await lab.vigie(b, router({ priority: 100, advertInt: 1 }));
    const { pid, enter } = await besideChildOf(vigie.pid), before = images.text("vigie");
    const wire = lab.listen(b);
    const next = images.write("next", except("run", `sleep ${STUCK_S}; ${GENUINE}`));
    const args = ["upgrade", next, "--executable", images.path("vigie")];
    const { code, text } = await runVigie(a, args, enter);
    assert.equal(code, 1, text);
    assert.match(text, /process 1 cannot be ended .* this router has resigned/);
    assert.equal(images.text("vigie"), before, "the executable is the old one");
    assert.equal(Deno.readTextFileSync(`/proc/${pid}/comm`), "vigie\n");
    await wire.sawAdvert(({ advert }) => advert.priority === 0, "the resignation");
    await heldBy(b, [a, b], VIP);
    wire.forget();
    await never(
      () => wire.adverts({ source: "192.0.2.1" as never }).length > 0,
      "an advert of one who has resigned",
      1500,
    );
    // It wakes up, and sees that it was given up.
    await until(() => vigie.said(/Startup complete/).length > 1, "a start", 30_000);
    await heldBy(a, [a, b], VIP);
    const again = await runVigie(a, ["restart"], enter);
    assert.equal(again.code, 0, again.text);
    assert.match(again.text, /\(process 1\)/);
  },
);

/** What a rehearsal says of a state that it does not understand. */
const FOREIGN = JSON.stringify({
  ok: false,
  isForeign: true,
  text: "version 1 of the state, it understands version 2",
  version: "9",
  leaving: [],
});
const REHEARSAL = `if [ "$1" = handover-rehearse ]; then echo '${FOREIGN}'; exit 1; fi`;

labTest("a state of another version means a drained restart, which is said", async (lab) => {
  const [a, b] = lab.pair();
  using images = new Images();
  const vigie = packed(lab, a, images, router({ priority: 150 }));
  await heldBy(a, [a], VIP);
  const wire = lab.listen(b);
  const next = images.write("next", `${REHEARSAL}\n${GENUINE}`);
  const { code, text } = await runVigie(a, ["upgrade", next, "--executable", images.path("vigie")]);
  assert.equal(code, 0, text);
  // Not before it has shown that it runs.
  assert.equal(vigie.said(/Startup complete/).length, 2);
  assert.match(text, /cannot be handed over .*understands version 2.*begins anew/s);
  assert.match(text, new RegExp(`has begun anew .* \\(process ${vigie.pid}\\)`));
  await wire.sawAdvert(({ advert }) => advert.priority === 0, "the resignation");
  await heldBy(a, [a], VIP);
  assert.equal(vigie.running, true);
});

/** How the new image of a drained restart fails. */
const FAILING_ANEW = [
  { of: "cannot run", run: `set -- run -f /nonexistent.conf`, keepsPid: true },
  { of: "crashes", run: "exit 1", keepsPid: false },
  { of: "is gone", run: null, keepsPid: true },
];

for (const { of, run, keepsPid } of FAILING_ANEW) {
  labTest(
    `a drained restart into an image that ${of} is rolled back, which is said`,
    async (lab) => {
      const a = lab.host("a");
      using images = new Images();
      const vigie = packed(lab, a, images, router({ priority: 150 }));
      await heldBy(a, [a], VIP);
      const before = images.text("vigie");
      const mischief = run === null
        ? `if [ "$1" = handover-rehearse ]; then rm "$0"; fi\n${REHEARSAL}\n${GENUINE}`
        : `${REHEARSAL}\n${except("run", run)}`;
      const next = images.write("next", mischief);
      const args = ["upgrade", next, "--executable", images.path("vigie")];
      const { code, text } = await runVigie(a, args);
      using _ = { [Symbol.dispose]: () => endSuccessor(vigie) };
      assert.equal(code, 1, text);
      assert.match(text, /rolled back to v[\d.]+(, as process \d+)?, which has begun anew: /);
      assert.equal(images.text("vigie"), before, "the executable is the old one");
      assert.equal(vigie.running, keepsPid);
      await heldBy(a, [a], VIP);
      const again = await runVigie(a, ["restart"]);
      assert.equal(again.code, 0, again.text);
    },
  );
}

labTest(
  "of two upgrades at once the second is refused, and the first is none the worse",
  async (lab) => {
    const a = lab.host("a");
    using images = new Images();
    const vigie = packed(lab, a, images, router({ priority: 150 }));
    await heldBy(a, [a], VIP);
    const begun = images.path("begun");
    // The second one comes while the first tries its file out.
    const slow = except(
      "version",
      `touch ${begun}; while [ -e ${begun} ]; do sleep 0.1; done; ${GENUINE}`,
    );
    const first = runVigie(a, [
      "upgrade",
      images.write("first", slow),
      "--executable",
      images.path("vigie"),
    ]);
    await until(() => images.has("begun"), "the first to try its file out");
    const other = images.write("second", `# second\n${GENUINE}`);
    const second = await runVigie(a, ["upgrade", other, "--executable", images.path("vigie")]);
    Deno.removeSync(begun);
    assert.equal(second.code, 1, second.text);
    assert.match(second.text, /Another upgrade of .* is under way/);
    const { code, text } = await first;
    assert.equal(code, 0, text);
    assert.doesNotMatch(images.text("vigie"), /# second/);
    assert.equal(vigie.said(/Handing over to/).length, 1);
  },
);

labTest("an executable that cannot be replaced stays, and so does the daemon", async (lab) => {
  const a = lab.host("a");
  using images = new Images();
  const vigie = packed(lab, a, images, router({ priority: 150 }));
  await heldBy(a, [a], VIP);
  const before = images.text("vigie");
  Deno.mkdirSync(images.path("vigie.old/in the way"), { recursive: true });
  const next = images.write("next", `# another\n${GENUINE}`);
  const { code, text } = await runVigie(a, ["upgrade", next, "--executable", images.path("vigie")]);
  assert.equal(code, 1, text);
  assert.match(text, /Cannot replace .*vigie, which is what it was: /);
  assert.equal(images.text("vigie"), before);
  assert.deepEqual(images.names(), ["next", "vigie", "vigie.old"]);
  assert.equal(vigie.said(/Handing over to/).length, 0);
});

labTest(
  "a guard that goes on as the daemon is the service's main process, and feeds the watchdog",
  async (lab) => {
    const a = lab.host("a");
    using images = new Images();
    using manager = new Manager("path");
    const service = `export NOTIFY_SOCKET=${manager.name} WATCHDOG_USEC=500000 WATCHDOG_PID=$$`;
    const launcher = ["sh", "-c", `${service}; exec "$@"`, "sh"] as const;
    const vigie = packed(lab, a, images, router({ priority: 150 }), launcher);
    await heldBy(a, [a], VIP);
    await manager.heard("WATCHDOG=1");
    const next = images.write("next", except("run", "exit 1"));
    const { code, text } = await runVigie(a, [
      "upgrade",
      next,
      "--executable",
      images.path("vigie"),
    ]);
    using _ = { [Symbol.dispose]: () => endSuccessor(vigie) };
    assert.equal(code, 1, text);
    const pid = /as process (\d+)/.exec(text)![1];
    await manager.heard(`MAINPID=${pid}`);
    const fed = manager.count("WATCHDOG=1");
    await until(() => manager.count("WATCHDOG=1") > fed + 1, "the watchdog to be fed");
  },
);

labTest(
  "an upgrade that cannot be noted for the uninstallation is one, and says so",
  async (lab) => {
    const a = lab.host("a");
    using images = new Images();
    const vigie = packed(lab, a, images, router({ priority: 150 }));
    await heldBy(a, [a], VIP);
    const broken = "mount -t tmpfs none /etc && mkdir /etc/vigie && " +
      'echo broken >/etc/vigie/installed.json && exec "$@"';
    const before = ["unshare", "--mount", "sh", "-c", broken, "sh"];
    const next = images.write("next", `# another\n${GENUINE}`);
    const args = ["upgrade", next, "--executable", images.path("vigie")];
    const { code, text } = await runVigie(a, args, before);
    assert.equal(code, 0, text);
    assert.match(text, /has gone on where/);
    assert.match(text, /could not be noted for "vigie uninstall": .*installed\.json/);
    assert.match(images.text("vigie"), /# another/);
    assert.equal(vigie.running, true);
  },
);

/** A network namespace with a name, and an interface like those of the lab's hosts; goes with it. */
function namedNamespace(): Disposable & { readonly name: string } {
  const name = `vigie-${crypto.randomUUID().slice(0, 8)}`;
  const run = (...args: string[]) => {
    const { code, stderr } = new Deno.Command("ip", { args, stderr: "piped" }).outputSync();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
  };
  run("netns", "add", name);
  run("-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", "eth1");
  return { name, [Symbol.dispose]: () => run("netns", "del", name) };
}

labTest("a restart does not leave the network namespace, where the addresses are", async (lab) => {
  const [a, b] = lab.pair();
  using images = new Images(), other = namedNamespace();
  const text = router({ priority: 150 }), elsewhere = `net_namespace ${other.name}\n${text}`;
  const vigie = packed(lab, a, images, text);
  await heldBy(a, [a, b], VIP);
  vigie.rewrite(elsewhere);
  const refused = await runVigie(a, ["restart"]);
  assert.equal(refused.code, 1, refused.text);
  assert.match(refused.text, /stays in its network namespace.*stop vigie and start it again/);
  // A reload stays too, and looks for interfaces where it is.
  vigie.rewrite(elsewhere.replace("interface eth0", "interface eth1"));
  const reloaded = await runVigie(a, ["reload"]);
  assert.equal(reloaded.code, 1, reloaded.text);
  assert.match(reloaded.text, /Interface "eth1" does not exist/);
  // The same after the rehearsal, when it is too late to refuse.
  vigie.rewrite(text);
  const file = images.write("elsewhere.conf", "");
  Deno.writeTextFileSync(file, elsewhere);
  const next = images.write("next", `[ "$1" = run ] && cp ${file} "$3"\n${GENUINE}`);
  const late = await runVigie(a, ["upgrade", next, "--executable", images.path("vigie")]);
  using _ = { [Symbol.dispose]: () => endSuccessor(vigie) };
  assert.equal(late.code, 0, late.text);
  assert.match(late.text, new RegExp(`process ${vigie.pid}\\b`));
  assert.equal(vigie.said(/Entering MASTER STATE/).length, 1);
  assert.equal(await vigie.stop(), 0);
  assert.equal(holds(a, VIP), false);
});

labTest("the guard of a roll-back repeats no sequence number of AH", async (lab) => {
  const [a, b] = lab.pair();
  using images = new Images();
  const lines = [block("authentication", ["auth_type AH", "auth_pass secret"])];
  const text = (priority: number) => router({ version: 2, priority, lines });
  const vigie = packed(lab, a, images, text(150));
  await heldBy(a, [a, b], VIP);
  const peer = await lab.vigie(b, text(100));
  await peer.saw(/Master set to/);
  // The guard sends two adverts before the new image goes back, and more before the old one is there.
  const late = except("run", "sleep 2.5; set -- run -f /nonexistent.conf");
  const next = images.write("next", late);
  const args = ["upgrade", next, "--executable", images.path("vigie")];
  const { code, text: said } = await runVigie(a, args);
  using _ = { [Symbol.dispose]: () => endSuccessor(vigie) };
  assert.equal(code, 1, said);
  assert.match(said, /rolled back to/);
  await never(() => peer.said(/already processed/).length > 0, "a number to come again", 1500);
  assert.deepEqual(peer.said(/Entering MASTER/), []);
});
