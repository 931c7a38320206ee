/**
 * Regular expressions that cannot run for ever: RE2 syntax, matched in linear time by re2js, which
 * is loaded when the first pattern is.
 */

/** Whether a text matches somewhere. */
export type Matches = (text: string) => boolean;

/** Compiled patterns, by their text: each is compiled once, however often its check runs. */
const compiled = new Map<string, Matches>();

/** A compiled pattern. @throws {SyntaxError} If it is none that RE2 has; `whyNot` says why. */
export async function compileRegex(pattern: string): Promise<Matches> {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const { RE2JS } = await import("re2js");
  try {
    const program = RE2JS.compile(pattern);
    const matches = (text: string) => program.test(text);
    compiled.set(pattern, matches);
    return matches;
  } catch (error) {
    throw new SyntaxError(reason(error), { cause: error });
  }
}

/** Why a pattern cannot be used; null if it can. */
export async function whyNot(pattern: string): Promise<string | null> {
  return (await patternJudge())(pattern);
}

/** `whyNot` for those who cannot wait: the engine is loaded once, then patterns are judged at once. */
export async function patternJudge(): Promise<(pattern: string) => string | null> {
  const { RE2JS } = await import("re2js");
  return (pattern) => {
    try {
      RE2JS.compile(pattern);
      return null;
    } catch (error) {
      return reason(error);
    }
  };
}

/** "error parsing regexp: invalid escape sequence: `\1`" without what the reader knows. */
function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^error parsing regexp: /, "");
}
