/** What OpenWrt's ubus knows about this router. */

/** How long ubus may take: netifd answers at once, or it is not there. */
const TIMEOUT_MS = 2000;

/** What is read of an interface: netifd names one by purpose, the kernel by device. */
interface NetifdInterface {
  readonly interface?: unknown;
  readonly l3_device?: unknown;
  readonly device?: unknown;
}

/**
 * The kernel's devices of netifd's logical interfaces, by their names. Empty where there is no ubus,
 * or where it does not answer: then a name is a device's.
 *
 * @param command What ubus is called, for tests.
 */
export async function logicalInterfaces(command = "ubus"): Promise<ReadonlyMap<string, string>> {
  try {
    const { success, stdout } = await new Deno.Command(command, {
      args: ["-S", "call", "network.interface", "dump"],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).output();
    return success ? devicesIn(new TextDecoder().decode(stdout)) : new Map();
  } catch {
    // Not installed: names are the kernel's own.
    return new Map();
  }
}

/** The devices in the answer to `ubus call network.interface dump`; empty if it is none. */
export function devicesIn(json: string): ReadonlyMap<string, string> {
  const devices = new Map<string, string>();
  for (const { interface: name, l3_device, device } of interfacesIn(json)) {
    const found = l3_device ?? device;
    if (typeof name === "string" && typeof found === "string") devices.set(name, found);
  }
  return devices;
}

function interfacesIn(json: string): readonly NetifdInterface[] {
  try {
    const answer: unknown = JSON.parse(json);
    const list = (answer as { interface?: unknown } | null)?.interface;
    return Array.isArray(list) ? list.filter((item) => typeof item === "object" && item) : [];
  } catch {
    return [];
  }
}
