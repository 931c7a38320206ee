/** Which known word a misspelled one was probably meant to be. */

/** Words longer than this are not compared: no keyword is as long, and the cost grows with the square. */
const LONGEST = 64;

/** The candidate with the least edit distance, if it is near enough to be a misspelling; else null. */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > LONGEST) return null;
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: { readonly text: string; readonly distance: number } | null = null;
  for (const text of candidates) {
    if (Math.abs(text.length - word.length) > limit) continue;
    const distance = editDistance(word.toLowerCase(), text.toLowerCase());
    if (distance <= limit && (best === null || distance < best.distance)) best = { text, distance };
  }
  return best?.text ?? null;
}

/** `nearest`, for a file's many words: after a hundred it has no more proposals. */
export type Nearest = typeof nearest;

/** A new one of a hundred proposals, so that a file of nonsense is answered in good time. */
export function limitedNearest(): Nearest {
  let left = 100;
  return (word, candidates) => left-- > 0 ? nearest(word, candidates) : null;
}

/**
 * The fewest insertions, deletions, substitutions and swaps of neighbours between two words
 * (optimal string alignment).
 */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let row = 1; row <= a.length; row++) {
    const here = [row];
    for (let at = 1; at <= b.length; at++) {
      const same = a[row - 1] === b[at - 1] ? 0 : 1;
      let cost = Math.min(above[at]! + 1, here[at - 1]! + 1, above[at - 1]! + same);
      if (row > 1 && at > 1 && a[row - 1] === b[at - 2] && a[row - 2] === b[at - 1]) {
        cost = Math.min(cost, before[at - 2]! + 1);
      }
      here.push(cost);
    }
    [before, above] = [above, here];
  }
  return above[b.length]!;
}
