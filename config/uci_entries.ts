/** Lines of addresses and of routes, which stand in sections of their own and are named in lists. */

import type { UciWord } from "./uci.ts";
import type { Section } from "./uci_sections.ts";
import type { Piece } from "./uci_text.ts";
import { at, devicePiece, LITERAL_ADDRESS, missingOption, type Translation } from "./uci_write.ts";

/** The kernel's longest label: IFNAMSIZ of linux/if.h, less the NUL. */
const LABEL_MAX = 15;

/** What the package appends to the device's name. */
const LABEL_SUFFIX = "vip";

/** An address: the name of an `ipaddress` section, or the address itself. */
export function addressLine(to: Translation, value: UciWord): void {
  const { text, sections } = to;
  if (sections.find("ipaddress", value.text) === null && LITERAL_ADDRESS.test(value.text)) {
    text.line(text.word(value));
    return;
  }
  const found = sections.refer(value, ["ipaddress"], "an IP address");
  if (!found) return;
  const address = found.value("address");
  if (!address) return missingOption(to, found, "address", "an IP address and its prefix length");
  text.line(
    text.word(address),
    ...deviceOf(to, found),
    ...labelOf(to, found, address),
    ...pair(to, found, "scope", "scope"),
  );
}

/** A label is for IPv4 with a device; one that is too long is left out. */
function labelOf(to: Translation, section: Section, address: UciWord): readonly Piece[] {
  const device = section.value("device"), suffix = section.value("label_suffix");
  if (!device || address.text.includes(":")) return [];
  const label = `${to.device(device.text)}:${suffix?.text ?? LABEL_SUFFIX}`;
  const position = (suffix ?? device).position;
  const piece = to.text.word({ text: label, position });
  if (label.length <= LABEL_MAX) {
    return piece === null ? [] : [{ text: "label", at: position }, piece];
  }
  if (suffix) {
    to.report({
      severity: "warning",
      position,
      message: `The label "${label}" has more than ${LABEL_MAX} signs: the address gets none`,
      remedy: "Write a shorter label_suffix",
    });
  }
  return [];
}

/** A route: the name of a `route` section. */
export function routeLine(to: Translation, value: UciWord): void {
  const { text, sections } = to;
  const found = sections.refer(value, ["route"]);
  if (!found) return;
  const address = found.value("address");
  if (!address) return missingOption(to, found, "address", "the destination of the route");
  if (found.isOn("blackhole", false)) {
    text.line({ text: "blackhole", at: at(found, "blackhole") }, text.word(address));
    return;
  }
  text.line(
    ...pair(to, found, "src", "src_addr"),
    text.word(address),
    ...pair(to, found, "via", "gateway"),
    ...deviceOf(to, found),
    ...pair(to, found, "scope", "scope"),
    ...pair(to, found, "table", "table"),
  );
}

function deviceOf(to: Translation, section: Section): readonly (Piece | null)[] {
  const device = section.value("device");
  return device ? [{ text: "dev", at: at(section, "device") }, devicePiece(to, device)] : [];
}

function pair(
  { text }: Translation,
  section: Section,
  keyword: string,
  option: string,
): readonly (Piece | null)[] {
  const value = section.value(option);
  return value ? [{ text: keyword, at: at(section, option) }, text.word(value)] : [];
}
