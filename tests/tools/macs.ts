/** The hashes that authentication needs, from node:crypto as in the engine. */

import { createHmac } from "node:crypto";
import type { Macs } from "../../lib/vrrp/mac.ts";

/** HMAC-MD5 and HMAC-SHA256. */
export const MACS: Macs = {
  md5: (key, data) => createHmac("md5", key).update(data).digest(),
  sha256: (key, data) => createHmac("sha256", key).update(data).digest(),
};
