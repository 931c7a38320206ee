/** Writes docs/keywords.md anew: `deno task docs`. */

import { keywordsPage } from "../../config/manual.ts";

Deno.writeTextFileSync(new URL("../../docs/keywords.md", import.meta.url), keywordsPage());
