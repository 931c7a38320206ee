/** Which configuration is read, and in which language: keepalived.conf or OpenWrt's UCI. */

import type { Problem } from "../../config/mod.ts";
import {
  configFile,
  exists,
  hostFacts,
  loadConfig,
  type LoadedConfig,
  readConfig,
  unreadable,
} from "./load.ts";
import type { Reading } from "./include_files.ts";
import { logicalInterfaces } from "./ubus.ts";

/** The file of OpenWrt's keepalived package. */
export const UCI_CONFIG_FILE = "/etc/config/keepalived";

/** Only OpenWrt has it. */
const OPENWRT_RELEASE = "/etc/openwrt_release";

/** What the command line says about the configuration. */
export interface ConfigArguments {
  /** `-f`. */
  readonly file?: string | undefined;
  /** `--uci`. */
  readonly uci?: boolean | undefined;
  /** `--id`, or keepalived's `-i`: which conditional lines count. */
  readonly id?: string | undefined;
  /** keepalived's `-e`: every include must succeed. */
  readonly checkIncludes?: boolean | undefined;
  /** keepalived's `-s`: the daemon stays in the network namespace that it is in. */
  readonly stays?: boolean | undefined;
}

/** A file and its language. */
export interface ConfigChoice {
  readonly file: string;
  readonly uci: boolean;
  /** How it is to be read, as far as the command line says; the next image reads it so, too. */
  readonly reading?: Reading;
}

/** A configuration that was looked for, and found or not. */
export interface ChosenConfig extends LoadedConfig {
  /** The file that counts: another than the one chosen after `alt_config_file`. */
  readonly file: string;
  /** False after `option enabled 0`: the daemon is not to run. */
  readonly enabled: boolean;
}

/** UCI is read when asked for, and on OpenWrt when no file is named. @param root Of the host. */
export function chooseConfig(given: ConfigArguments, root = ""): ConfigChoice {
  const { file, uci } = given, reading = readingOf(given);
  const how = Object.keys(reading).length === 0 ? {} : { reading };
  const isOpenWrt = () => exists(root + OPENWRT_RELEASE) && exists(root + UCI_CONFIG_FILE);
  if (uci || (file === undefined && isOpenWrt())) {
    return { file: file ?? root + UCI_CONFIG_FILE, uci: true, ...how };
  }
  return { file: configFile(file), uci: false, ...how };
}

function readingOf({ id, checkIncludes, stays }: ConfigArguments): Reading {
  return {
    ...id === undefined ? {} : { id },
    ...checkIncludes ? { checkIncludes } : {},
    ...stays ? { stays } : {},
  };
}

/** Reads and checks what was chosen. Never throws for what is in it. */
export async function loadChosen(
  { file, uci, reading }: ConfigChoice,
  daemon: "this process" | "root",
): Promise<ChosenConfig> {
  if (!uci) return { ...await loadConfig(file, daemon, reading), file, enabled: true };
  const text = readConfig(file);
  if (text instanceof Error) return { ...unreadable(file, text), file, enabled: true };
  const { parseUciConfig } = await import("../../config/uci_config.ts");
  const options = reading?.anywhere ? {} : { facts: await hostFacts(text, daemon) };
  let parsed = parseUciConfig(text, file, options);
  // netifd is asked only if there is something to ask: a hand-over waits for this.
  if (parsed.unknownDevices.size > 0) {
    parsed = parseUciConfig(text, file, { ...options, devices: await logicalInterfaces() });
  }
  const { enabled, altConfigFile: other } = parsed;
  if (other === null || !enabled) return { ...parsed, file, readable: true, enabled };
  if (exists(other.text)) {
    return { ...await loadConfig(other.text, daemon, reading), file: other.text, enabled };
  }
  const missing: Problem = {
    severity: "error",
    position: other.position,
    message: `There is no file "${other.text}": the sections of this file count instead`,
    remedy: "Correct alt_config_file, or delete the line",
    line: new TextDecoder().decode(text).split("\n")[other.position.line - 1] ?? "",
  };
  return { ...parsed, problems: [missing, ...parsed.problems], file, readable: true, enabled };
}
