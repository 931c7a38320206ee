/** An answer that is either a value or a reason; for failures that are expected, such as bad input. */
export type Result<T, E> = { readonly ok: true; readonly value: T } | {
  readonly ok: false;
  readonly error: E;
};

/** A successful result. */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** A failed result. */
export function err<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error };
}

/** Reached only if a union grew and its reader did not: the compiler refuses the call until then. */
export function unreachable(value: never): never {
  throw new TypeError(`Cannot handle value: ${JSON.stringify(value)}`);
}
