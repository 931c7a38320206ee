/** `authentication` and `auth_hmac` of an instance: what they mean, and what they do not do. */

import type { Family } from "../lib/core/address.ts";
import { type Micros, seconds } from "../lib/core/time.ts";
import { isStrict } from "./build_strict.ts";
import { keyFault, keyWeakness } from "./hmac_key.ts";
import { type InstanceContext, tell } from "./instance_context.ts";
import type { Found, Settings } from "./keyword.ts";
import type { VrrpInstance } from "./model.ts";
import type { Authentication, HmacDefs, HmacKey } from "./model_authentication.ts";
import type { AUTH_HMAC } from "./table_authentication.ts";

/** Of the router that owns the addresses (RFC 9568 5.2.4). */
const OWNER_PRIORITY = 255;

const NONE: Authentication = { type: "none" };

/** The authentication of VRRPv2; what cannot be used of it is none, reported. */
export function buildAuthentication(
  context: InstanceContext,
  family: Family,
  version: 2 | 3,
): Authentication {
  const { auth_type: type, auth_pass: password } = context.settings.authentication ?? {};
  if (type === undefined) return withoutType(context, password);
  if (version === 3) {
    const message = `VRRP version 3${family === "ipv6" ? ", which IPv6 needs," : ""} has no ` +
      "authentication: it is ignored";
    tell(context, "error", type, message, "Delete the authentication block, or use version 2");
    return NONE;
  }
  if (isStrict(context)) {
    const message = "Strict mode has no authentication, as RFC 3768 has none: it is ignored";
    tell(
      context,
      "error",
      type,
      message,
      'Delete the authentication block, or write "strict_mode off"',
    );
    return NONE;
  }
  if (password === undefined) {
    const message = "Authentication specified but no password given: it is ignored";
    tell(context, "error", type, message, 'Write "auth_pass PASSWORD" into the block');
    return NONE;
  }
  return {
    type: type.value === "AH" ? "ah" : "pass",
    password: truncate(context, password),
  };
}

/** `state MASTER` is none with AH: a backup must hear the counter before it speaks. */
export function stateWithAuthentication(
  context: InstanceContext,
  { type }: Authentication,
  { state, priority }: Pick<VrrpInstance, "state" | "priority">,
): VrrpInstance["state"] {
  if (type !== "ah" || state !== "MASTER" || priority === OWNER_PRIORITY) return state;
  const message = "state MASTER is read as BACKUP with auth_type AH: a router must hear the " +
    "others' sequence number first";
  tell(context, "warning", context.settings.state, message, 'Write "state BACKUP"');
  return "BACKUP";
}

function withoutType(
  context: InstanceContext,
  password: Found<string> | undefined,
): Authentication {
  if (password !== undefined) {
    const message = '"auth_pass" without "auth_type": there is no authentication';
    tell(context, "warning", password, message, 'Write "auth_type PASS" into the block');
  }
  return NONE;
}

/** Bytes of a password that go on the wire (RFC 2338 5.3.10). */
const PASSWORD_BYTES = 8;

function truncate(context: InstanceContext, password: Found<string>): string {
  const bytes = new TextEncoder().encode(password.value);
  if (bytes.length <= PASSWORD_BYTES) return password.value;
  const message = `Truncating auth_pass to ${PASSWORD_BYTES} characters: it has ${bytes.length}`;
  const remedy = `Write the first ${PASSWORD_BYTES} characters only: the wire carries no more`;
  // keepalived -t calls it an error too, yet it runs, and both sides agree on the same 8 bytes.
  tell(context, "warning", password, message, remedy);
  let text = "";
  for (const sign of password.value) {
    if (new TextEncoder().encode(text + sign).length > PASSWORD_BYTES) break;
    text += sign;
  }
  return text;
}

type HmacSettings = Settings<typeof AUTH_HMAC>;

/** The range of the default `time_window`, and how many adverts it lasts (keepalived-behaviour 3.4). */
const WINDOW = { minS: 5, maxS: 300, adverts: 3 } as const;

/**
 * `auth_hmac`; null without. One that cannot sign is kept, so that the router stays in FAULT rather
 * than speak unsigned.
 */
export function buildHmac(context: InstanceContext, intervalUs: Micros): HmacDefs | null {
  const { auth_hmac: settings } = context.settings;
  if (settings === undefined) return null;
  const keys = buildKeys(context, settings);
  if (settings.anti_replay?.value !== "monotonic") checkClock(context);
  return {
    keys,
    activeKey: activeKey(context, settings, keys),
    windowS: settings.time_window?.value ?? defaultWindow(intervalUs),
    antiReplay: settings.anti_replay?.value ?? "time",
    mode: settings.mode?.value ?? "enforce",
  };
}

function defaultWindow(intervalUs: Micros): number {
  const adverts = intervalUs * WINDOW.adverts / seconds(1);
  return Math.min(WINDOW.maxS, Math.max(WINDOW.minS, adverts));
}

function buildKeys(context: InstanceContext, { key: given = [] }: HmacSettings): HmacKey[] {
  const keys: HmacKey[] = [];
  for (const { value: { id, secret: { text: secret, position } } } of given) {
    const say = (severity: "error" | "warning", message: string, remedy: string) =>
      tell(context, severity, { position }, message, remedy);
    const fault = keyFault(secret);
    if (fault !== null) {
      say(
        "error",
        `Cannot use key ${id}: ${fault.why}`,
        `${fault.remedy}; until then it is ignored`,
      );
      continue;
    }
    checkFile(context, id, secret, say);
    if (keys.some((other) => other.id === id)) {
      const message = `Key ${id} is given twice: the first one counts`;
      say("error", message, "Give each key an id of its own");
      continue;
    }
    const same = keys.find((other) => other.secret === secret);
    if (same !== undefined) {
      say("warning", `Key ${id} is the same as key ${same.id}`, "Make a new key, or delete one");
    }
    const weakness = keyWeakness(secret);
    if (weakness !== null) say("warning", `Key ${id} ${weakness.why}`, weakness.remedy);
    keys.push({ id, secret, position });
  }
  return keys;
}

/** Times that are compared come from two clocks. */
function checkClock(context: InstanceContext): void {
  const fault = context.facts?.inspect?.clock?.() ?? null;
  if (fault === null) return;
  const message =
    `auth_hmac compares times, and ${fault}: adverts are dropped once the clocks of ` +
    "two routers differ by more than time_window";
  const remedy =
    'Run an NTP client on all routers, or write "anti_replay monotonic" into auth_hmac';
  tell(context, "warning", context.settings.auth_hmac?.anti_replay, message, remedy);
}

type Say = (severity: "error" | "warning", message: string, remedy: string) => void;

/** Of a key in a file, as far as this machine is known. It is read when the daemon starts. */
function checkFile({ facts }: InstanceContext, id: number, secret: string, say: Say): void {
  if (!secret.startsWith("file:")) return;
  const found = facts?.inspect?.keyFile(secret.slice("file:".length)) ?? null;
  if (found === null) return;
  const what = found.fails ? `Cannot use key ${id}` : `Key ${id} is no secret`;
  const until = found.fails ? "; until then nothing is signed or verified with it" : "";
  say("error", `${what}: ${found.message}`, found.remedy + until);
}

function activeKey(
  context: InstanceContext,
  { active_key: active, mode }: HmacSettings,
  keys: readonly HmacKey[],
): number | null {
  const until = mode?.value === "receive-only"
    ? "adverts leave unsigned anyway (receive-only)"
    : "the instance stays in FAULT";
  if (active === undefined) {
    const message = `No "active_key" in auth_hmac: nothing says which key signs, and ${until}`;
    tell(context, "error", undefined, message, 'Write "active_key ID" into auth_hmac');
    return null;
  }
  if (keys.some(({ id }) => id === active.value)) return active.value;
  const message = `active_key ${active.value} is no usable key of auth_hmac: ${until}`;
  const ids = keys.map(({ id }) => id).join(", ");
  const remedy = keys.length === 0
    ? `Write "key ${active.value} file:PATH" into auth_hmac, with 32 to 64 random bytes in the file`
    : `Name one of the keys that there are (${ids}), or add this one`;
  tell(context, "error", active, message, remedy);
  return null;
}
