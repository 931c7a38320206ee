/**
 * Authorities and certificates for tests: just enough DER (X.690) and RFC 5280 for ECDSA on P-256,
 * signed with Web Crypto, so that no tool and no library is needed.
 */

/** PEM texts of a certificate and its key, as servers and clients want them. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says. */
export interface CertificateSpec {
  /** DNS names, and addresses of 4 or 16 bytes. */
  readonly names: readonly (string | Uint8Array)[];
  /** Relative to now, in days. */
  readonly fromDays?: number;
  readonly toDays?: number;
}

const DAY_MS = 86_400_000;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

type Der = Uint8Array<ArrayBuffer>;

function join(parts: readonly Uint8Array[]): Der {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function lengthOf(n: number): number[] {
  if (n < 0x80) return [n];
  return n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 0xff];
}

function tlv(tag: number, ...parts: Uint8Array[]): Der {
  const body = join(parts);
  return join([Uint8Array.of(tag, ...lengthOf(body.length)), body]);
}

const bytes = (...values: number[]) => Uint8Array.from(values);
const ascii = (text: string) => new TextEncoder().encode(text);
const sequence = (...parts: Uint8Array[]) => tlv(0x30, ...parts);
const bitString = (body: Uint8Array) => tlv(0x03, bytes(0), body);
const octetString = (body: Uint8Array) => tlv(0x04, body);
const integer = (value: Uint8Array) =>
  tlv(0x02, value[0]! >= 0x80 ? join([bytes(0), value]) : value);

/** Object identifiers, encoded: X.520, RFC 5280 section 4.2.1, RFC 5758 section 3.2. */
const OID = {
  commonName: bytes(0x06, 3, 0x55, 4, 3),
  keyUsage: bytes(0x06, 3, 0x55, 0x1d, 15),
  altName: bytes(0x06, 3, 0x55, 0x1d, 17),
  basicConstraints: bytes(0x06, 3, 0x55, 0x1d, 19),
  ecdsaWithSha256: bytes(0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2),
};

const SIGNATURE = sequence(OID.ecdsaWithSha256);
const named = (name: string) =>
  sequence(tlv(0x31, sequence(OID.commonName, tlv(0x0c, ascii(name)))));
const extension = (oid: Uint8Array, body: Uint8Array, critical = false) =>
  sequence(oid, ...(critical ? [bytes(1, 1, 0xff)] : []), octetString(body));

/** GeneralizedTime: YYYYMMDDHHMMSSZ. */
function time(days: number): Der {
  const iso = new Date(Date.now() + days * DAY_MS).toISOString();
  return tlv(0x18, ascii(`${iso.slice(0, 19).replaceAll(/\D/g, "")}Z`));
}

/** An ECDSA signature as Web Crypto has it (r, s) becomes a SEQUENCE of two INTEGERs. */
function signature(raw: Uint8Array): Der {
  const number = (part: Uint8Array) => {
    const first = part.findIndex((byte) => byte !== 0);
    return integer(part.subarray(first));
  };
  return sequence(number(raw.subarray(0, 32)), number(raw.subarray(32)));
}

function pem(label: string, der: Uint8Array): string {
  const text = btoa(String.fromCharCode(...der)).replaceAll(/.{64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${text.trimEnd()}\n-----END ${label}-----\n`;
}

interface Signer {
  readonly name: string;
  readonly key: CryptoKey;
}

async function certificate(
  { subject, key, issuer, extensions, fromDays = -10, toDays = 300 }: {
    subject: string;
    key: CryptoKey;
    issuer: Signer;
    extensions: Uint8Array[];
    fromDays?: number;
    toDays?: number;
  },
): Promise<string> {
  const tbs = sequence(
    tlv(0xa0, integer(bytes(2))),
    integer(join([bytes(1), crypto.getRandomValues(new Uint8Array(15))])),
    SIGNATURE,
    named(issuer.name),
    sequence(time(fromDays), time(toDays)),
    named(subject),
    new Uint8Array(await crypto.subtle.exportKey("spki", key)),
    tlv(0xa3, sequence(...extensions)),
  );
  const raw = new Uint8Array(await crypto.subtle.sign(ALGORITHM, issuer.key, tbs));
  return pem("CERTIFICATE", sequence(tbs, SIGNATURE, bitString(signature(raw))));
}

function keyPair(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

/** What only an authority's certificate may do. */
const AUTHORITY_EXTENSIONS = [
  extension(OID.basicConstraints, sequence(bytes(1, 1, 0xff)), true),
  // keyCertSign and cRLSign: bits 5 and 6, one bit of the byte unused.
  extension(OID.keyUsage, bytes(0x03, 2, 1, 0x06), true),
];

type Validity = Pick<CertificateSpec, "fromDays" | "toDays">;

/** A certificate authority of one test. */
export class Authority {
  private constructor(
    /** Its own certificate, as PEM. */
    readonly cert: string,
    private readonly signer: Signer,
    /** What servers must send besides their own certificate. */
    private readonly chain: string,
  ) {}

  /** Makes one that signed itself. */
  static async create(name = "Test authority"): Promise<Authority> {
    const { publicKey, privateKey } = await keyPair();
    const signer = { name, key: privateKey };
    const cert = await certificate({
      subject: name,
      key: publicKey,
      issuer: signer,
      extensions: AUTHORITY_EXTENSIONS,
    });
    return new Authority(cert, signer, "");
  }

  /** Makes an authority that this one has signed; who trusts this one, trusts that one. */
  async intermediate(name: string, validity: Validity = {}): Promise<Authority> {
    const { publicKey, privateKey } = await keyPair();
    const cert = await certificate({
      ...validity,
      subject: name,
      key: publicKey,
      issuer: this.signer,
      extensions: AUTHORITY_EXTENSIONS,
    });
    return new Authority(cert, { name, key: privateKey }, cert + this.chain);
  }

  /** Signs a certificate for names and addresses; good from 10 days ago for 300 days unless told. */
  async issue({ names, ...validity }: CertificateSpec): Promise<Identity> {
    const { publicKey, privateKey } = await keyPair();
    const alternatives = names.map((name) =>
      typeof name === "string" ? tlv(0x82, ascii(name)) : tlv(0x87, name)
    );
    const cert = await certificate({
      ...validity,
      subject: typeof names[0] === "string" ? names[0] : "by address",
      key: publicKey,
      issuer: this.signer,
      extensions: [extension(OID.altName, sequence(...alternatives))],
    });
    const key = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
    return { cert: cert + this.chain, key: pem("PRIVATE KEY", key) };
  }
}
