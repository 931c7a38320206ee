/** The answer to one HTTP/1.1 request, read as its bytes arrive (RFC 9112). */

/** What stands before the body. */
export interface AnswerHead {
  /** 100 to 999; interim answers (1xx) are skipped, except for 101. */
  readonly status: number;
  /** By lower-case name; several of a name are joined by ", " (RFC 9110 section 5.3). */
  readonly headers: ReadonlyMap<string, string>;
}

/** What came is no answer that RFC 9112 knows; the message says so. */
export class NotHttp extends Error {
  constructor(detail?: string) {
    super(detail === undefined ? "not an HTTP answer" : `not an HTTP answer: ${detail}`);
  }
}

/** All that may come before a body, interim answers and all: servers themselves take 8 to 64 KiB. */
const MAX_HEAD_BYTES = 65_536;
/** A chunk's size with its extensions; trailers count as a head. */
const MAX_CHUNK_LINE_BYTES = 4096;

/** What every answer begins with. */
const SIGN = "HTTP/1.";
const STATUS_LINE = /^HTTP\/1\.[0-9] ([1-9][0-9]{2})(?: .*)?$/;
/** Field names are tokens (RFC 9110 section 5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What tells where the body ends: of these nothing is guessed. */
const FRAMING = /^(?:content-length|transfer-encoding)(?![!#$%&'*+\-.^_`|~0-9A-Za-z])/i;
const CHUNK_LINE = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;.*)?$/;
const LF = 10;
const SWITCHING_PROTOCOLS = 101;

type State =
  | "status line"
  | "headers"
  | "chunk size"
  | "chunk"
  | "chunk end"
  | "trailers"
  | "counted"
  | "until close"
  | "done";

/** Reads one answer. Bytes behind its end are left alone. */
export class AnswerReader {
  /** The final head, once it has come. */
  head: AnswerHead | null = null;
  #state: State = "status line";
  /** A line whose end has not come yet; bytes as characters. */
  #line = "";
  #headBytes = 0;
  #status = 0;
  #headers = new Map<string, string>();
  #lastName = "";
  /** Of the body or of the chunk. */
  #bytesLeft = 0;
  readonly #method: string;
  readonly #onBody: (part: Uint8Array) => void;

  /**
   * @param method Of the request: nothing follows the head of the answer to HEAD.
   * @param onBody Gets the body, in parts, without the chunks' framing.
   */
  constructor(method: string, onBody: (part: Uint8Array) => void) {
    this.#method = method;
    this.#onBody = onBody;
  }

  /** The answer is complete. */
  get done(): boolean {
    return this.#state === "done";
  }

  /** Takes what has come. @throws {NotHttp} */
  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && this.#state !== "done") {
      switch (this.#state) {
        case "counted":
        case "chunk":
          at += this.#counted(bytes.subarray(at, at + this.#bytesLeft));
          break;
        case "until close":
          this.#onBody(bytes.subarray(at));
          return;
        default:
          at = this.#take(bytes, at);
      }
    }
  }

  /** The connection was closed. @returns Why that is too early; null if the answer is complete. */
  end(): string | null {
    if (this.#state === "until close") this.#state = "done";
    if (this.#state === "done") return null;
    if (this.head !== null) return "connection closed in the middle of the body";
    return this.#headBytes === 0
      ? "connection closed before the answer"
      : "connection closed in the middle of the answer's header";
  }

  #counted(part: Uint8Array): number {
    this.#bytesLeft -= part.length;
    // The state first: whoever hears of the last part may ask whether it was.
    if (this.#bytesLeft === 0) this.#state = this.#state === "chunk" ? "chunk end" : "done";
    this.#onBody(part);
    return part.length;
  }

  /** Takes the rest of a line. @returns Where the next one begins. */
  #take(bytes: Uint8Array, from: number): number {
    const lf = bytes.indexOf(LF, from);
    const to = lf < 0 ? bytes.length : lf;
    this.#count(to - from + 1);
    const isBegun = this.#line.length >= SIGN.length;
    this.#line += latin1(bytes.subarray(from, to));
    if (this.#state === "status line" && !isBegun) this.#looksLikeHttp();
    if (this.#state === "chunk end" && !/^\r?$/.test(this.#line)) {
      throw new NotHttp("chunk longer than its size");
    }
    if (lf < 0) return bytes.length;
    // A lone LF ends a line too (RFC 9112 section 2.2).
    const line = this.#line.endsWith("\r") ? this.#line.slice(0, -1) : this.#line;
    this.#line = "";
    this.#use(line);
    return lf + 1;
  }

  #count(bytes: number): void {
    if (this.#state === "chunk size" || this.#state === "chunk end") {
      if (this.#line.length + bytes > MAX_CHUNK_LINE_BYTES) throw new NotHttp("endless chunk size");
      return;
    }
    this.#headBytes += bytes;
    if (this.#headBytes > MAX_HEAD_BYTES) throw new NotHttp("header beyond 64 KiB");
  }

  /** Whoever speaks something else is recognised at once, without waiting for the end of a line. */
  #looksLikeHttp(): void {
    if (!SIGN.startsWith(this.#line.slice(0, SIGN.length))) throw new NotHttp();
  }

  #use(line: string): void {
    switch (this.#state) {
      case "status line":
        return this.#statusLine(line);
      case "headers":
        return line === "" ? this.#headEnds() : this.#header(line);
      case "chunk size":
        return this.#chunkSize(line);
      case "chunk end":
        this.#state = "chunk size";
        return;
      case "trailers":
        if (line === "") this.#state = "done";
    }
  }

  #statusLine(line: string): void {
    const status = STATUS_LINE.exec(line)?.[1];
    if (status === undefined) throw new NotHttp();
    this.#status = Number(status);
    this.#headers = new Map();
    this.#lastName = "";
    this.#state = "headers";
  }

  /**
   * Takes a line of the header. As other clients do, it bears with blanks before the colon (which
   * RFC 9112 section 5.1 forbids) and leaves out what is no field: the service answers all the same.
   */
  #header(line: string): void {
    // A line that begins with a blank goes on with the one before (RFC 9112 section 5.2).
    if (isBlank(line[0])) {
      if (this.#lastName === "") return;
      this.#headers.set(this.#lastName, `${this.#headers.get(this.#lastName)} ${trimmed(line)}`);
      return;
    }
    const colon = line.indexOf(":");
    const name = colon < 0 ? "" : trimmed(line.slice(0, colon));
    if (FRAMING.test(line) && name.length !== colon) throw new NotHttp("malformed header");
    this.#lastName = TOKEN.test(name) ? name.toLowerCase() : "";
    if (this.#lastName === "") return;
    const value = trimmed(line.slice(colon + 1));
    const before = this.#headers.get(this.#lastName);
    this.#headers.set(this.#lastName, before === undefined ? value : `${before}, ${value}`);
  }

  #headEnds(): void {
    if (this.#status < 200 && this.#status !== SWITCHING_PROTOCOLS) {
      this.#state = "status line";
      return;
    }
    this.#state = this.#framing();
    this.head = { status: this.#status, headers: this.#headers };
  }

  /** How the end of the body is known: RFC 9112 section 6.3. */
  #framing(): State {
    const status = this.#status;
    if (this.#method === "HEAD" || status < 200 || status === 204 || status === 304) return "done";
    const coding = this.#headers.get("transfer-encoding");
    if (coding !== undefined) {
      return /(?:^|,)[ \t]*chunked$/i.test(coding) ? "chunk size" : "until close";
    }
    const length = this.#headers.get("content-length");
    if (length === undefined) return "until close";
    const lengths = new Set(length.split(",").map((one) => one.trim()));
    const [only] = lengths;
    if (lengths.size !== 1 || !/^\d{1,15}$/.test(only!)) throw new NotHttp("malformed length");
    this.#bytesLeft = Number(only);
    return this.#bytesLeft === 0 ? "done" : "counted";
  }

  #chunkSize(line: string): void {
    const size = CHUNK_LINE.exec(line)?.[1];
    if (size === undefined) throw new NotHttp("malformed chunk size");
    this.#bytesLeft = Number.parseInt(size, 16);
    this.#state = this.#bytesLeft === 0 ? "trailers" : "chunk";
  }
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t";
}

/** Without the blanks at both ends; a regular expression for those at the end would take n² steps. */
function trimmed(text: string): string {
  let from = 0, to = text.length;
  while (from < to && isBlank(text[from])) from++;
  while (from < to && isBlank(text[to - 1])) to--;
  return text.slice(from, to);
}

/** Bytes as characters; for a line's few, a TextDecoder takes ten times as long. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
