import type { Certificate, TempDir } from "./program.ts";
import { programOf } from "./needs.ts";

const KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";

async function openssl(args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(programOf("openssl"), {
    args: [...args],
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

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
  }

  /** Makes one. @param name Of its files; two in one folder differ in it. */
  static async make(dir: TempDir, name: string): Promise<ClientAuthority> {
    await openssl([
      ...["req", "-x509", ...KEY.split(" "), "-subj", `/CN=${name}`],
      ...["-keyout", dir.path(`${name}.key`), "-out", dir.path(`${name}.crt`)],
    ]);
    return new ClientAuthority(dir, name);
  }

  /** Signs a new certificate. @param subject As OpenSSL reads it: `/O=Example/CN=CP1`. */
  async issue(subject: string): Promise<Certificate> {
    const [certFile, keyFile] = [this.#dir.path("issued.crt"), this.#dir.path("issued.key")];
    await openssl([
      ...["req", "-x509", ...KEY.split(" "), "-subj", subject],
      ...["-addext", "basicConstraints=critical,CA:FALSE"],
      ...["-CA", this.#dir.path(`${this.#name}.crt`)],
      ...["-CAkey", this.#dir.path(`${this.#name}.key`)],
      ...["-keyout", keyFile, "-out", certFile],
    ]);
    return { cert: await Deno.readTextFile(certFile), key: await Deno.readTextFile(keyFile) };
  }
}
