/** Signals while the engine, which takes them otherwise, does not run: before its start, after its end. */

import type { Logger } from "./logger.ts";

/** They end the daemon. */
const STOP = ["SIGTERM", "SIGINT"] as const;

/** They would end a process that does not catch them (signal(7)), and ask what cannot be told yet. */
const OTHERS = ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const;

/** Catches signals until `end`. */
export class EarlySignals {
  /** Resolves when a signal asks the daemon to stop. */
  readonly stopped: Promise<void>;
  readonly #listeners: readonly (readonly [Deno.Signal, () => void])[];

  constructor(log: Logger) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.stopped = promise;
    const stop = () => {
      log({ level: "info", text: "Stopping" });
      resolve();
    };
    const ignore = (signal: Deno.Signal) => () =>
      log({ level: "info", text: `${signal} has come before the start is complete: ignored` });
    this.#listeners = [
      ...STOP.map((signal) => [signal, stop] as const),
      ...OTHERS.map((signal) => [signal, ignore(signal)] as const),
    ];
    for (const [signal, listener] of this.#listeners) Deno.addSignalListener(signal, listener);
  }

  /** From now on they are somebody else's. */
  end(): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
  }
}
