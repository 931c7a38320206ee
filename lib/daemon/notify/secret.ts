/** Secrets that are given in the configuration or kept in a file beside it. */

const FILE = "file:";

/**
 * The secret itself; "file:PATH" is read, so that it can be changed without a reload.
 * @returns The content of the file without space around it.
 * @throws {Error} In words for people, if the file cannot be read or is empty.
 */
export async function readSecret(secret: string): Promise<string> {
  if (!secret.startsWith(FILE)) return secret;
  const path = secret.slice(FILE.length);
  let text: string;
  try {
    text = (await Deno.readTextFile(path)).trim();
  } catch (error) {
    throw new Error(`Cannot read the secret in "${path}": ${(error as Error).message}`);
  }
  if (text === "") throw new Error(`Cannot use the secret in "${path}": the file is empty`);
  return text;
}
