/** The same measurement of both daemons, in turns, so that both see the same noise. */

/** A value of each daemon; keepalived's is null where it is not installed. */
export interface SideBySide<T> {
  readonly vigie: T;
  readonly keepalived: T | null;
}

/** Turns both values into others. */
export function mapSides<T, U>(sides: SideBySide<T>, map: (value: T) => U): SideBySide<U> {
  const { vigie, keepalived } = sides;
  return { vigie: map(vigie), keepalived: keepalived === null ? null : map(keepalived) };
}

/** Does something for one daemon, then for the other: never at the same time. */
export async function inTurn<T, U>(
  sides: SideBySide<T>,
  measure: (value: T) => Promise<U>,
): Promise<SideBySide<U>> {
  const vigie = await measure(sides.vigie);
  const keepalived = sides.keepalived === null ? null : await measure(sides.keepalived);
  return { vigie, keepalived };
}

/** Does something `times` times for each daemon, alternating. */
export async function alternating<T, U>(
  sides: SideBySide<T>,
  times: number,
  measure: (value: T) => Promise<U>,
): Promise<SideBySide<readonly U[]>> {
  const vigie: U[] = [], keepalived: U[] = [];
  for (let time = 0; time < times; time++) {
    const both = await inTurn(sides, measure);
    vigie.push(both.vigie);
    if (both.keepalived !== null) keepalived.push(both.keepalived);
  }
  return { vigie, keepalived: sides.keepalived === null ? null : keepalived };
}
