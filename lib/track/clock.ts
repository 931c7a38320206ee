/** Time as this folder needs it; tests bring their own. */

/** Two clocks and a timer. */
export interface Clock {
  /** Milliseconds, with fractions, that never go back: for deadlines and latencies. */
  monotonicMs(): number;
  /** Milliseconds since the epoch: for people. */
  wallMs(): number;
  /** Calls once after so many milliseconds; what it returns takes that back. */
  after(ms: number, run: () => void): () => void;
}

/** The clocks and the timer of this process. */
export const SYSTEM_CLOCK: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
