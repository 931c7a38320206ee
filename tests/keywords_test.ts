/** No keyword of keepalived is missing, and docs/keywords.md says what the tables say. */

import assert from "node:assert/strict";
import { keywordsPage, keywordTable } from "../config/manual.ts";

/** Of keepalived 2.4: block, keyword, arguments, default, range, area; made from its parsers. */
const TSV = Deno.readTextFileSync(new URL("keepalived/keywords.tsv", import.meta.url))
  .split("\n").filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => line.split("\t"))
  .flatMap(([block, keyword, , , , area]) =>
    // Two rows of it name several words at once.
    (block!.endsWith(" entry") ? keyword!.split(/ \/ |\|/) : [keyword!])
      .map((word) => ({ block: block!, keyword: word, area: area! }))
  );

/** What concerns VRRP: each of these is read with its arguments. */
const AREAS = new Set([
  "core",
  "vrrp",
  "track",
  "notify",
  "address-route",
  "vmac",
  "nftables-iptables",
  "process",
  "smtp",
]);

/** Blocks of parts that vigie does not have yet, whatever area their words are of. */
const OTHER_PARTS = /^(virtual_server|bfd_instance|SSL|lvs_sync_daemon|linkbeat_interfaces)/;

Deno.test("keywordTable() has every keyword of keepalived, and its state", () => {
  const table = keywordTable();
  const missing = TSV.filter(({ block, keyword }) =>
    !table.get(block)?.some((line) => line.keyword === keyword)
  );
  assert.deepEqual(missing, []);
  assert.ok(TSV.length > 670, `${TSV.length}`);
});

/** Of other areas, though the table of keywords counts them among these. */
const NOT_YET = new Set([
  // Load balancing and its checkers.
  "global_defs smtp_alert_checker",
  "global_defs no_checker_emails",
  "global_defs nftables_ipvs",
  "global_defs nftables_ipvs_priority",
  "global_defs nftables_ipvs_start_fwmark",
  "global_defs lvs_notify_fifo",
  "global_defs lvs_notify_fifo_script",
  // What the signals write into files: they log instead.
  "global_defs data_use_instance",
  "global_defs json_version",
  "global_defs state_dump_file",
  "global_defs stats_dump_file",
  "global_defs json_dump_file",
  // Deno starts programs of another user without supplementary groups only.
  "global_defs set_supplementary_groups",
  // Words of a route's destination, which the sheet has among those of an address; refused there.
  "address entry default",
  "address entry any",
  "address entry all",
  "address entry default6",
]);

Deno.test("every keyword about VRRP works or is accepted without effect, but for those named here", () => {
  const table = keywordTable();
  const inactive = TSV.filter(({ block, keyword, area }) =>
    AREAS.has(area) && !OTHER_PARTS.test(block) &&
    table.get(block)?.find((line) => line.keyword === keyword)?.status === "not yet"
  ).map(({ block, keyword }) => `${block} ${keyword}`);
  assert.deepEqual(new Set(inactive), NOT_YET);
});

Deno.test("docs/keywords.md is what the tables say", () => {
  const page = Deno.readTextFileSync(new URL("../docs/keywords.md", import.meta.url));
  assert.ok(page === keywordsPage(), "Run `deno task docs`");
});
