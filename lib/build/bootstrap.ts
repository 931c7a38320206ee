/** What Deno is told to run in a packed program: a few lines that find the rest and call it. */

/** Exports of a module. */
type Exports = Readonly<Record<string, unknown>>;

/** What chunkFunction makes of a module. */
type Chunk = (
  load: (name: string) => Promise<Exports>,
  late: (name: string) => unknown,
  require: (name: string) => unknown,
  url: string,
) => Promise<Exports>;

/** The name of the module that is the program. */
export const MAIN = "main";

/**
 * Runs in the packed program, in each of its threads, without anything else of this repository: its text
 * is taken from here. The modules lie in memory already, as the loader mapped them from the file; their
 * place is known from the entry point, whose address the kernel passed on (getauxval(3), AT_ENTRY).
 *
 * @param url The program's own module, for its worker.
 * @param distance From the entry point to the cargo, in bytes.
 * @param given Variables that the entry point added for Deno's start. They end here: the caller's own of
 * that name, which stands behind the added one and is the one that toObject() answers, comes back.
 */
async function runPacked(
  url: string,
  distance: bigint,
  given: Readonly<Record<string, string>>,
): Promise<void> {
  const callers = Deno.env.toObject();
  for (const [name, value] of Object.entries(given)) {
    if (callers[name] === value) Deno.env.delete(name);
    else if (callers[name] !== undefined) Deno.env.set(name, callers[name]);
  }
  const AT_ENTRY = 9n;
  const libc = Deno.dlopen("libc.so.6", {
    getauxval: { parameters: ["usize"], result: "usize" },
  });
  const cargo = libc.symbols.getauxval(AT_ENTRY) + distance;
  libc.close();
  const textAt = (at: number) =>
    Deno.UnsafePointerView.getCString(Deno.UnsafePointer.create(cargo + BigInt(at))!);
  const places: Readonly<Record<string, number>> = JSON.parse(textAt(0));
  const node = globalThis as unknown as {
    process: { getBuiltinModule(name: string): Record<PropertyKey, unknown> | undefined };
  };
  const builtin = (name: string) => {
    const module = node.process.getBuiltinModule(name);
    if (module === undefined) throw new Error(`Cannot find module ${name}`);
    return module;
  };
  const late = (name: string) =>
    new Proxy({}, {
      get(_, key) {
        const module = builtin(name), value = module[key];
        return typeof value === "function" ? value.bind(module) : value;
      },
    });
  const modules = new Map<string, Promise<Exports>>();
  const load = (name: string): Promise<Exports> => {
    let module = modules.get(name);
    if (module === undefined) {
      const chunk: Chunk = (0, eval)(textAt(places[name]!));
      module = chunk(load, late, builtin, url);
      modules.set(name, module);
    }
    return module;
  };
  await load("main");
}

/**
 * The program that Deno is given, as a `data:` URL.
 *
 * @param distance From the entry point to the cargo, in bytes. It does not change the URL's length.
 */
export function bootstrapUrl(distance: number, given: Readonly<Record<string, string>>): string {
  const number = String(distance).padStart(DISTANCE_DIGITS, " ");
  const code = `await (${runPacked})(import.meta.url, ${number}n, ${JSON.stringify(given)});`;
  return `data:application/javascript,${escapeUrl(code.replaceAll(/\s*\n\s*/g, "\n"))}`;
}

const DISTANCE_DIGITS = 10;

/** A URL parser drops line ends and tabs, stops at `?` and `#`, and reads `%` as an escape. */
function escapeUrl(code: string): string {
  return code.replaceAll(/[%#?]|[^\x20-\x7e]/gu, encodeURIComponent);
}

/** Modules by name, as they lie in the program: their places as JSON, then each, all ending in a zero. */
export function cargoOf(modules: ReadonlyMap<string, string>): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const texts = [...modules].map(([name, text]) => ({ name, bytes: encoder.encode(`${text}\0`) }));
  for (const { name, bytes } of texts) {
    // As long as its text: ASCII, which V8 keeps in one byte a character.
    if (bytes.length !== modules.get(name)!.length + 1) {
      throw new RangeError(`${name} is not ASCII`);
    }
    if (bytes.indexOf(0) !== bytes.length - 1) throw new RangeError(`${name} holds a zero`);
  }
  const places = (start: number): Uint8Array => {
    let at = start;
    const entries = texts.map(({ name, bytes }) => [name, (at += bytes.length) - bytes.length]);
    return encoder.encode(`${JSON.stringify(Object.fromEntries(entries))}\0`);
  };
  // The places depend on the length of their own text: a guess that is long enough is filled up.
  const length = places(Number.MAX_SAFE_INTEGER / 2).length;
  const index = new Uint8Array(length).fill(0x20);
  index.set(places(length));
  index.set([0x20], places(length).length - 1);
  index[length - 1] = 0;
  const cargo = new Uint8Array(texts.reduce((sum, { bytes }) => sum + bytes.length, length));
  cargo.set(index);
  let at = length;
  for (const { bytes } of texts) {
    cargo.set(bytes, at);
    at += bytes.length;
  }
  return cargo;
}
