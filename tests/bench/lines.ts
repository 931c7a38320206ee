/** Lines of what a program prints, one at a time. */

/** @returns A function that resolves to the next line, and to null when there is none any more. */
export function lineReader(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
): () => Promise<string | null> {
  const reader = bytes.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  return async () => {
    for (;;) {
      const end = rest.indexOf("\n");
      if (end >= 0) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 1);
        return line;
      }
      const { value, done } = await reader.read();
      if (done) return null;
      rest += value;
    }
  };
}
