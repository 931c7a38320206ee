/** Strict mode: the RFCs and nothing but the RFCs, so that other settings are taken back. */

import { type InstanceContext, tell } from "./instance_context.ts";
import type { Found } from "./keyword.ts";

/** Whether an instance keeps to the RFCs (`strict_mode`, else `vrrp_strict`). */
export function isStrict({ settings, globals }: InstanceContext): boolean {
  return (settings.strict_mode ?? globals.vrrp_strict)?.value ?? false;
}

/** Says of a line that it has no effect in strict mode; keepalived counts it as an error, too. */
export function tellTakenBack(context: InstanceContext, found: Found<unknown>, what: string): void {
  const message = `${what} is ignored in strict mode: the RFCs have no such thing`;
  tell(context, "error", found, message, "Delete the line, or do without strict mode");
}
