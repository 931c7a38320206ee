/** How the engine's thread runs: its real-time priority, and what a reload changes of it. */

import { SysError } from "../../ffi/errno.ts";
import { setRealtimePriority } from "../../ffi/process.ts";
import { isSame } from "../core/same.ts";
import { applyToThread } from "../net/process_options.ts";
import { setLocalIgmp } from "../net/sysctl.ts";
import type { EngineOptions } from "./messages.ts";
import type { Emitter } from "./say.ts";

/** The thread that calls it. */
export class EngineThread {
  readonly #to: Emitter;
  #options: EngineOptions;
  #realtimePriority: number | null;

  /** @param options As they are in force already. */
  constructor(options: EngineOptions, to: Emitter) {
    this.#to = to;
    this.#options = options;
    this.#realtimePriority = options.thread.realtime?.priority ?? null;
  }

  /** Goes on with other options; those that are the same are left alone. */
  apply(options: EngineOptions): void {
    const { thread } = this.#options;
    this.#options = options;
    this.keepIgmpLocal();
    if (isSame(thread, options.thread)) return;
    this.#realtimePriority = options.thread.realtime?.priority ?? null;
    for (const { isConfigured, text } of applyToThread(options.thread)) {
      this.#log(isConfigured ? "warning" : "info", text);
    }
  }

  /** `disable_local_igmp`, or what was before it. @param isEnding Whatever is configured, no more. */
  keepIgmpLocal(isEnding = false): void {
    const { noLocalIgmp = false } = this.#options;
    for (const text of setLocalIgmp(noLocalIgmp && !isEnding)) this.#log("warning", text);
  }

  /** Who floods this host with packets must not get its processor for them, at real-time priority. */
  strained(isStrained: boolean): void {
    if (this.#realtimePriority === null) return;
    try {
      setRealtimePriority(isStrained ? 0 : this.#realtimePriority);
    } catch (error) {
      // Only what may not be done at all fails: then it was never real-time.
      if (!(error instanceof SysError)) throw error;
      this.#realtimePriority = null;
    }
  }

  #log(level: "warning" | "info", text: string): void {
    this.#to.emit({ kind: "log", log: { level, text } });
  }
}
