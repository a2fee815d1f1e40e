import type { Certificate, TempDir } from "./program.ts";
import { openssl, timeText } from "./openssl.ts";

const KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

/** As `openssl ca` wants it, beside the authority's own certificate and key. */
const CONFIG = (dir: string, name: string): string => `
[ca]
default_ca = own
[own]
database = ${dir}/${name}.db
crlnumber = ${dir}/${name}.number
new_certs_dir = ${dir}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = policy
x509_extensions = extensions
[policy]
commonName = optional
organizationName = optional
[extensions]
basicConstraints = critical,CA:FALSE
[delta]
2.5.29.27 = critical,DER:020101
[lax_delta]
2.5.29.27 = DER:020101
[lax_part]
2.5.29.28 = DER:30038101FF
`;

/** An authority that signs the certificates of clients. Nobody but the test trusts it. */
export class ClientAuthority {
  readonly #dir: TempDir;
  readonly #name: string;
  /** Its own certificate, PEM. */
  readonly cert: string;

  private constructor(dir: TempDir, name: string) {
    this.#dir = dir;
    this.#name = name;
    this.cert = Deno.readTextFileSync(dir.path(`${name}.crt`));
    dir.file(`${name}.db`, "");
    dir.file(`${name}.number`, "01\n");
    dir.file(`${name}.cnf`, CONFIG(dir.path("").slice(0, -1), name));
  }

  /**
   * Makes one.
   *
   * @param name Of its files; two in one folder differ in it.
   * @param key Which kind of key it has.
   */
  static async make(
    dir: TempDir,
    name: string,
    key: "ec" | "rsa" | "ed25519" = "ec",
  ): Promise<ClientAuthority> {
    const kinds = { ec: KEY, rsa: "-newkey rsa:2048 -nodes", ed25519: "-newkey ed25519 -nodes" };
    await openssl([
      ...["req", "-x509", ...kinds[key].split(" "), "-days", "2", "-subj", `/CN=${name}`],
      ...["-keyout", dir.path(`${name}.key`), "-out", dir.path(`${name}.crt`)],
    ]);
    return new ClientAuthority(dir, name);
  }

  /** One whose certificate and key are in files of this name already. */
  static of(dir: TempDir, name: string): ClientAuthority {
    return new ClientAuthority(dir, name);
  }

  /** Another one, whose certificate this one signs. @param extensions As OpenSSL reads them. */
  async below(name: string, extensions: readonly string[] = []): Promise<ClientAuthority> {
    await openssl([
      ...["req", "-x509", ...KEY.split(" "), "-days", "2", "-subj", `/CN=${name}`],
      ...this.#signs(["basicConstraints=critical,CA:TRUE", ...extensions]),
      ...["-keyout", this.#dir.path(`${name}.key`), "-out", this.#dir.path(`${name}.crt`)],
    ]);
    return new ClientAuthority(this.#dir, name);
  }

  /** Another certificate for its name and its key. @param extensions As OpenSSL reads them. */
  async again(name: string, extensions: readonly string[]): Promise<ClientAuthority> {
    const [key, cert] = [this.#dir.path(`${this.#name}.key`), this.#dir.path(`${name}.crt`)];
    await openssl([
      ...["req", "-x509", "-key", key, "-days", "2", "-subj", `/CN=${this.#name}`],
      ...extensions.flatMap((each) => ["-addext", each]),
      ...["-out", cert],
    ]);
    await Deno.copyFile(key, this.#dir.path(`${name}.key`));
    return new ClientAuthority(this.#dir, name);
  }

  /**
   * Signs a new certificate.
   *
   * @param subject As OpenSSL reads it: `/O=Example/CN=CP1`.
   * @param extensions As OpenSSL reads them: `extendedKeyUsage=serverAuth`.
   */
  async issue(subject: string, extensions: readonly string[] = []): Promise<Certificate> {
    await openssl([
      ...["req", "-x509", ...KEY.split(" "), "-days", "2", "-subj", subject],
      ...this.#signs(["basicConstraints=critical,CA:FALSE", ...extensions]),
      ...["-keyout", this.#dir.path("issued.key"), "-out", this.#dir.path("issued.crt")],
    ]);
    return await this.#issued();
  }

  /** Signs one that counts from one time to another, in milliseconds since 1970. */
  async issueDated(subject: string, from: number, to: number): Promise<Certificate> {
    const request = this.#dir.path("issued.csr");
    await openssl([
      ...["req", "-new", ...KEY.split(" "), "-subj", subject],
      ...["-keyout", this.#dir.path("issued.key"), "-out", request],
    ]);
    await openssl([
      ...this.#ca(["-batch", "-notext", "-in", request, "-out", this.#dir.path("issued.crt")]),
      ...["-startdate", timeText(from), "-enddate", timeText(to)],
    ]);
    return await this.#issued();
  }

  /**
   * Revokes certificates, beside those that it has revoked before.
   *
   * @returns The list of them, PEM.
   */
  async revoke(...certificates: readonly Pick<Certificate, "cert">[]): Promise<string> {
    for (const { cert } of certificates) {
      await openssl(this.#ca(["-revoke", this.#dir.file("revoked.crt", cert)]));
    }
    return await this.list();
  }

  /** Its list, PEM. @param options As `openssl ca` has them. */
  async list(options: readonly string[] = ["-crldays", "2"]): Promise<string> {
    const file = this.#dir.path(`${this.#name}.crl`);
    await openssl(this.#ca(["-gencrl", ...options, "-out", file]));
    return await Deno.readTextFile(file);
  }

  #signs(extensions: readonly string[]): string[] {
    return [
      ...extensions.flatMap((each) => ["-addext", each]),
      ...["-CA", this.#dir.path(`${this.#name}.crt`)],
      ...["-CAkey", this.#dir.path(`${this.#name}.key`)],
    ];
  }

  #ca(args: readonly string[]): string[] {
    const own = (end: string): string => this.#dir.path(`${this.#name}.${end}`);
    return ["ca", "-config", own("cnf"), "-cert", own("crt"), "-keyfile", own("key"), ...args];
  }

  async #issued(): Promise<Certificate> {
    const [cert, key] = await Promise.all(
      ["crt", "key"].map((end) => Deno.readTextFile(this.#dir.path(`issued.${end}`))),
    );
    return { cert: cert!, key: key! };
  }
}
