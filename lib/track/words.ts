/** What went wrong, in the words that people see, for every way in which Deno and node: say it. */

/** By `code` of an error: POSIX names (errno(3)) and those of getaddrinfo as node:dns has them. */
const BY_CODE: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRINUSE: "no free source port",
  EADDRNOTAVAIL: "the source address is not on this host",
  EAI_AGAIN: "the name server did not answer",
  ECONNABORTED: "connection aborted",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EHOSTDOWN: "host is down",
  EHOSTUNREACH: "no route to host",
  EIO: "input/output error",
  EISDIR: "is a directory",
  ELOOP: "too many symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "name too long",
  ENETDOWN: "network is down",
  ENETUNREACH: "network is unreachable",
  ENFILE: "too many open files in the system",
  ENOBUFS: "no buffer space",
  ENODATA: "host name has no address",
  ENOENT: "no such file or directory",
  ENOEXEC: "not a program the kernel can run",
  ENOMEM: "out of memory",
  ENOTDIR: "a part of the path is not a directory",
  ENOTFOUND: "host name not found",
  EPERM: "not permitted",
  EPIPE: "connection closed",
  EPROTOTYPE: "the socket is of another type",
  ESTALE: "stale file handle",
  ETIMEDOUT: "connection timed out",
  ETXTBSY: "the program is being written",
};

/** By `name` of an error of Deno's own that carries no code. */
const BY_NAME: Readonly<Record<string, string>> = {
  ConnectionAborted: "connection aborted",
  ConnectionRefused: "connection refused",
  ConnectionReset: "connection reset",
  NotFound: "no such file or directory",
  PermissionDenied: "permission denied",
  TimedOut: "connection timed out",
  UnexpectedEof: "connection closed before the answer",
};

/** The code of an error ("ECONNREFUSED"); null if it has none. */
export function codeOf(error: unknown): string | null {
  const code = error instanceof Error && (error as { code?: unknown }).code;
  return typeof code === "string" ? code : null;
}

/** An error in a few words: "connection refused"; its own text if there are none for it. */
export function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = BY_CODE[codeOf(error) ?? ""] ?? BY_NAME[error.name];
  return known ?? (error.message.replace(/ \(os error \d+\)/, "") || error.name);
}
