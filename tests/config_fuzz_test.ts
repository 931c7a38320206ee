/** Random configurations: the answer always comes, soon, and speaks of places that there are. */

import fc from "fast-check";
import { files } from "./fuzz/files.ts";
import { isSound } from "./fuzz/sound.ts";

Deno.test("parseConfig() answers when several files hold any of the preprocessor's language", () => {
  fc.assert(fc.property(files, isSound), { numRuns: 300 });
});
