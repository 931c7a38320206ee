import { must } from "./errno.ts";
import { CAP_DATA, CAP_HEADER, HOST_ORDER, viewOf } from "./layout.ts";
import { libc } from "./libc.ts";

/** _LINUX_CAPABILITY_VERSION_3 (linux/capability.h): two words of 32 capabilities. */
const VERSION_3 = 0x20080522;

/** Capabilities by number: CAP_CHOWN is 0 (linux/capability.h, as of Linux 5.9). */
export const CAPABILITY_NAMES = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
] as const;

/** Name of a capability. */
export type Capability = typeof CAPABILITY_NAMES[number];

/** What the calling thread may do (`effective`) and may make effective (`permitted`). */
export interface Capabilities {
  readonly effective: ReadonlySet<Capability>;
  readonly permitted: ReadonlySet<Capability>;
}

/** Capabilities of the calling thread. They count in the user namespace that it is in. @throws {SysError} */
export function capabilities(): Capabilities {
  const header = new Uint8Array(CAP_HEADER.size), data = new Uint8Array(2 * CAP_DATA.size);
  viewOf(header).setUint32(CAP_HEADER.at.version, VERSION_3, HOST_ORDER);
  must("capget", libc.capget(header, data), "read the capabilities");
  const view = viewOf(data);
  const read = (field: number) => {
    const words = [0, 1].map((word) => view.getUint32(word * CAP_DATA.size + field, HOST_ORDER));
    return new Set(CAPABILITY_NAMES.filter((_, bit) => (words[bit >> 5]! >>> (bit & 31)) & 1));
  };
  return { effective: read(CAP_DATA.at.effective), permitted: read(CAP_DATA.at.permitted) };
}
