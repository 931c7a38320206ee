/** Why AH or `auth_hmac` refuse an advert, each with its counter. */

/** `auth_ext…` are keepalived 2.4's words for what `auth_hmac` counts, and RFC 2787's for the rest. */
export const AUTHENTICATION_COUNTERS = {
  /** An AH sequence number that is not greater than the last. */
  authSequence: "authFailures",
  /** `mode enforce`, and there is no trailer. */
  authMissing: "authExtMissing",
  /** What is behind the advert is no trailer. */
  authMalformed: "authExtMalformed",
  authUnknownKey: "authExtUnknownKey",
  authInvalidHmac: "authExtInvalidHmac",
  /** The clock of the sender and ours differ too much, or it is an old packet. */
  authStale: "authExtStale",
  /** Signed, but received before. */
  authReplay: "authExtReplay",
} as const;
