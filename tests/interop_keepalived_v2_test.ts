/** Version 2 with keepalived as the other router. */

import { block, type RouterText } from "./lab/config.ts";
import { KEEPALIVED } from "./lab/keepalived.ts";
import { peerTest } from "./lab/lab.ts";
import { rivalry } from "./lab/rivalry.ts";

/** Eight bytes count; keepalived cuts the rest off as well. */
const PASSWORD = block("authentication", ["auth_type PASS", "auth_pass P@ssw0rd123"]);

const FORMS: readonly (readonly [string, RouterText])[] = [
  ["version 2", { version: 2 }],
  ["version 2 with a password longer than 8", { version: 2, lines: [PASSWORD] }],
];

for (const [form, text] of FORMS) {
  peerTest(KEEPALIVED, `vigie as master hands over to keepalived in ${form}`, async (lab) => {
    await rivalry(lab, { master: "vigie", backup: "keepalived", text });
  });
  peerTest(KEEPALIVED, `keepalived as master hands over to vigie in ${form}`, async (lab) => {
    await rivalry(lab, { master: "keepalived", backup: "vigie", text });
  });
}
