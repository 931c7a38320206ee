/** The demo from beginning to end: what happens, what the client sees of it, and the table. */

import { type Micros, micros, millis } from "../../core/time.ts";
import { now } from "../../engine/loop.ts";
import type { Outage } from "../../net/probe.ts";
import { PING_MS } from "./client.ts";
import { backupSilence, backupSkew, formatRange, type Scene, SCENES } from "./scenes.ts";
import {
  ADVERT_SECONDS,
  CLIENT_ADDRESS,
  type RouterName,
  ROUTERS,
  Stage,
  VIRTUAL_ADDRESS,
} from "./stage.ts";
import { milliseconds, type Terminal } from "./terminal.ts";

/** How long a router must have answered alone before the story goes on. */
const STEADY_US = millis(400);

/** What a scene came to. */
interface Result {
  readonly scene: Scene;
  /** From the failure to the first answer of r2. */
  readonly takeoverUs: Micros;
  readonly outage: Outage;
}

/**
 * Gives the demo. Everything it makes is gone when it returns or throws.
 *
 * @param module The program's own module, for the daemons.
 * @param interruption Ends the demo early.
 * @throws What `interruption` was aborted with; an Error if something did not come about.
 */
export async function tellStory(
  terminal: Terminal,
  module: string,
  interruption: AbortSignal,
): Promise<void> {
  const breakage = new AbortController();
  const signal = AbortSignal.any([interruption, breakage.signal]);
  introduce(terminal);
  const results: Result[] = [];
  await using stage = new Stage(module, {
    said: (router, line) => {
      // What they say on being sent home is no part of the story.
      if (results.length < SCENES.length) quote(terminal, router, line);
    },
    broke: (error) => breakage.abort(error),
  });
  try {
    await begin(terminal, stage, signal);
    for (const scene of SCENES) results.push(await play(terminal, stage, scene, signal));
  } catch (error) {
    if (!interruption.aborted) terminal.paragraph("", "What the daemons said:", ...stage.logs());
    throw error;
  }
  conclude(terminal, results);
}

function introduce(terminal: Terminal): void {
  const { r1, r2 } = ROUTERS;
  terminal.heading("vigie demo: a virtual IP address that survives its router");
  terminal.paragraph(
    "",
    `                       +--- r1 ${r1.address}, priority ${r1.priority}`,
    `client --- bridge -----+                             virtual IP ${VIRTUAL_ADDRESS}`,
    `${CLIENT_ADDRESS}             +--- r2 ${r2.address}, priority ${r2.priority}`,
    "",
    `All in network namespaces of their own. VRRPv3, an advert every ${ADVERT_SECONDS * 1000} ms.`,
    `The client pings ${VIRTUAL_ADDRESS} every ${PING_MS} ms and sees which router answers.`,
  );
}

/** One after the other: an election would be a close race, with priorities as near as these. */
async function begin(terminal: Terminal, stage: Stage, signal: AbortSignal): Promise<void> {
  terminal.heading("Start");
  terminal.event("A bridge, a client and two routers are made; vigie starts on r1");
  stage.start("r1");
  await stage.answers("r1", micros(0), signal);
  terminal.event(`r1 is master: it answers for ${VIRTUAL_ADDRESS}; vigie starts on r2`, "green");
  stage.start("r2");
  await stage.backsUp("r2", signal);
  await stage.answers("r1", STEADY_US, signal);
  terminal.event("r2 is backup", "green");
}

async function play(
  terminal: Terminal,
  stage: Stage,
  scene: Scene,
  signal: AbortSignal,
): Promise<Result> {
  // Else every failure would come right after an advert, which the wait for r1 is in step with.
  await pause(millis(Math.random() * ADVERT_SECONDS * 1000));
  terminal.heading(scene.heading);
  const struckAt = now();
  scene.strike(stage);
  const takeoverUs = micros(await stage.answers("r2", STEADY_US, signal) - struckAt);
  const outage = stage.client.outageSince(struckAt);
  const times = `${milliseconds(takeoverUs)} (theory ${formatRange(scene.theory)})`;
  terminal.event(`r2 is master after ${times}; ${describe(outage)}`, "green");
  const mendedAt = now();
  await scene.mend(stage);
  await stage.answers("r1", STEADY_US, signal);
  const back = describe(stage.client.outageSince(mendedAt));
  terminal.event(`r1 is back and master again; ${back}`, "green");
  return { scene, takeoverUs, outage };
}

function pause(us: Micros): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, us / 1000));
}

function describe({ lost }: Outage): string {
  return `${lost === 0 ? "no" : lost} ${lost === 1 ? "ping" : "pings"} lost`;
}

/** The daemons' own words, as far as they tell the story. */
function quote(terminal: Terminal, router: RouterName, line: string): void {
  const transition = /\bEntering .*|removing VIPs left.*/.exec(line);
  if (transition !== null) terminal.quote(router, transition[0]);
}

function conclude(terminal: Terminal, results: readonly Result[]): void {
  terminal.heading("What the client saw");
  terminal.table(
    ["Event", "Outage", "Pings lost", "Takeover", "Theory"],
    results.map(({ scene, takeoverUs, outage }) => [
      scene.name,
      milliseconds(outage.us),
      String(outage.lost),
      milliseconds(takeoverUs),
      formatRange(scene.theory),
    ]),
  );
  const { r2: { priority } } = ROUTERS, interval = ADVERT_SECONDS * 1000;
  const skew = formatRange(backupSkew()), down = milliseconds(backupSilence().most);
  terminal.paragraph(
    "",
    "Outage:   how long the client's pings went unanswered.",
    "Takeover: from the event to the first answer from r2.",
    "Theory:   when r2 takes over (RFC 9568 6.1). If the master resigns, after a",
    `          skew of (256 - ${priority}) / 256 x ${interval} ms = ${skew}. If it falls silent,`,
    `          ${down} (3 x ${interval} ms + skew) after its last advert, which is up`,
    `          to ${interval} ms old by then.`,
    "Crash:    only vigie died. The kernel of r1 kept the address and answered",
    "          until r2 announced it (gratuitous ARP). Vigie on r1 removed it when",
    "          it was started again.",
    "",
    `With one advert a second: ${formatRange(backupSkew(1))} if it resigns, ` +
      `${formatRange(backupSilence(1))} if it fails.`,
    "",
  );
}
