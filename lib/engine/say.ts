/** Log lines about an instance: at once, or once for what repeats. */

import type { LogLevel } from "../core/log.ts";
import type { Micros } from "../core/time.ts";
import type { LogLimiter } from "./log_limiter.ts";
import type { EngineEvent } from "./messages.ts";

/** Where events go. */
export interface Emitter {
  emit(event: EngineEvent): void;
}

/** Who a line is about. Its limiters are apart, so that forged packets cannot silence the host's. */
export interface Speaker {
  readonly name: string;
  readonly limiters: Readonly<Record<"packets" | "host", LogLimiter>>;
}

/** What a line that may repeat is about: what others send, or what this host refuses. */
export interface Repeated {
  readonly of: "packets" | "host";
  /** Names the kind of line; the same kind is said once, then summed up. */
  readonly key: string;
  readonly level: LogLevel;
  readonly text: string;
}

/** Logs a line about an instance. */
export function say(to: Emitter, { name }: Speaker, level: LogLevel, text: string): void {
  to.emit({ kind: "log", log: { level, text, instance: name } });
}

/** Logs what may repeat with every packet: once, then summed up. */
export function sayOnce(to: Emitter, speaker: Speaker, line: Repeated, now: Micros): void {
  const text = speaker.limiters[line.of].say(line.key, line.text, now);
  if (text !== null) say(to, speaker, line.level, text);
}
