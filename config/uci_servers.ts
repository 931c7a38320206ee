/** Virtual servers with their real servers and URLs. */

import type { UciWord } from "./uci.ts";
import type { Section } from "./uci_sections.ts";
import { at, missingOption, settings, type Translation, word } from "./uci_write.ts";

/** The checks, and which options of the real server each has. */
const CHECKS: Readonly<Record<string, readonly string[]>> = {
  PING_CHECK: [],
  TCP_CHECK: ["connect_timeout", "connect_port"],
  MISC_CHECK: ["misc_path"],
  HTTP_GET: ["connect_timeout", "connect_port", "nb_get_retry", "delay_before_retry"],
  SSL_GET: ["connect_timeout", "connect_port", "nb_get_retry", "delay_before_retry"],
};

/** One `virtual_server`, unless it is switched off. */
export function writeServers(to: Translation, section: Section): void {
  const { text, sections } = to;
  if (!section.isOn("enabled", true)) return;
  const ipaddr = section.value("ipaddr"), port = section.value("port");
  if (!ipaddr || !port) {
    missingOption(to, section, ipaddr ? "port" : "ipaddr", "what clients connect to");
    return;
  }
  text.block([word("virtual_server", section), text.word(ipaddr), text.word(port)], () => {
    settings(to, section, [
      ...["fwmark", "delay_loop", "lb_kind", "persistence_timeout", "persistence_granularity"],
      ...["virtualhost", "protocol"],
    ]);
    const algorithm = section.value("lb_algo") ?? { text: "rr", position: section.position };
    text.line({ text: "lb_algo", at: at(section, "lb_algo") }, text.word(algorithm));
    const sorry = ["sorry_server_ip", "sorry_server_port"].map((name) => section.value(name));
    if (sorry[0] && sorry[1]) {
      const keyword = { text: "sorry_server", at: at(section, "sorry_server_ip") };
      text.line(keyword, text.word(sorry[0]), text.word(sorry[1]));
    }
    for (const value of section.list("real_server")) {
      const server = sections.refer(value, ["real_server"]);
      if (server?.isOn("enabled", true)) writeServer(to, server);
    }
  });
}

function writeServer(to: Translation, server: Section): void {
  const { text, report } = to;
  const [ipaddr, port, weight] = ["ipaddr", "port", "weight"].map((name) => server.value(name));
  for (const [name, value] of Object.entries({ ipaddr, port, weight })) {
    if (!value) missingOption(to, server, name, "a value: the package needs it too");
  }
  if (!ipaddr || !port || !weight) return;
  text.block([word("real_server", server), text.word(ipaddr), text.word(port)], () => {
    settings(to, server, ["weight"]);
    const check = server.value("check");
    if (!check) return;
    if (!Object.hasOwn(CHECKS, check.text)) {
      report({
        severity: "error",
        position: check.position,
        message: `Unknown check "${check.text}": the server is not checked`,
        remedy: `Write one of ${Object.keys(CHECKS).join(", ")}`,
      });
      return;
    }
    text.block([{ text: check.text, at: check.position }], () => {
      settings(to, server, CHECKS[check.text]!);
      if (!check.text.endsWith("_GET")) return;
      for (const value of server.list("url")) writeUrl(to, value);
    });
  });
}

function writeUrl(to: Translation, value: UciWord): void {
  const url = to.sections.refer(value, ["url"]);
  if (!url) return;
  if (!url.value("path")) return missingOption(to, url, "path", "the path that is asked for");
  to.text.block([word("url", url)], () => settings(to, url, ["path", "digest"]));
}
