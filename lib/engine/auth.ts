/** AH and `auth_hmac` of an instance: the pure part's hashes and clock, and what is handed over. */

import {
  Authenticator,
  type AuthenticatorSpec,
  type AuthenticatorState,
} from "../vrrp/authenticator.ts";
import type { HmacSpec } from "../vrrp/hmac_exchange.ts";
import type { Mac, Macs } from "../vrrp/mac.ts";
import type { InstanceSpec } from "./messages.ts";

/** What of an instance's specification its authentication is made of; null if it has none. */
export function authenticatorSpec(
  { router, hmac }: Pick<InstanceSpec, "router" | "hmac">,
): AuthenticatorSpec | null {
  const { authentication, family, version, vrid, unicastPeers } = router;
  const ahPassword = authentication.type === "ah" ? authentication.password : null;
  if (ahPassword === null && (hmac ?? null) === null) return null;
  return { family, version, vrid, unicastPeers, ahPassword, hmac: hmac ?? null };
}

/** Made of plain data, here or in the guard of a hand-over. @param state Where another one stopped. */
export function createAuthenticator(
  spec: AuthenticatorSpec | null,
  state?: AuthenticatorState | null,
): Authenticator | null {
  if (spec === null) return null;
  const authenticator = new Authenticator(spec, macs(), () => Date.now());
  if (state) authenticator.restore(state);
  return authenticator;
}

/** Why an instance could not speak so that others believe it; null if it can. */
export function authenticationFault(hmac: HmacSpec | null | undefined): string | null {
  return hmac?.fault ?? null;
}

let loaded: Macs | null = null;

/** Loaded for the first instance that needs it: it takes about 9 MB and 20 ms. */
function macs(): Macs {
  if (loaded !== null) return loaded;
  const { createHmac } = process().getBuiltinModule("node:crypto");
  const mac = (name: string): Mac => (key, data) => createHmac(name, key).update(data).digest();
  loaded = { md5: mac("md5"), sha256: mac("sha256") };
  // What runs for the first time takes a millisecond, which the first advert need not.
  const nothing = new Uint8Array(8);
  for (const hash of Object.values(loaded)) hash(nothing, nothing);
  return loaded;
}

function process(): { getBuiltinModule(name: "node:crypto"): typeof import("node:crypto") } {
  return (globalThis as unknown as { process: ReturnType<typeof process> }).process;
}
