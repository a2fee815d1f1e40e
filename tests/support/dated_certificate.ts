/**
 * Certificates for localhost with a beginning and an end of one's own, which nobody trusts.
 *
 * @module
 */

import { openssl, timeText } from "./openssl.ts";
import type { Certificate, TempDir } from "./program.ts";

const CA = (dir: string): string => `
[ca]
default_ca = own
[own]
database = ${dir}/db
new_certs_dir = ${dir}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = policy
x509_extensions = extensions
[policy]
commonName = supplied
[extensions]
subjectAltName = DNS:localhost,IP:127.0.0.1
`;

/**
 * Makes one that signs itself.
 *
 * @param from Milliseconds since 1970; whole seconds count.
 * @param to When it ends.
 */
export async function makeDatedCertificate(
  dir: TempDir,
  from: number,
  to: number,
): Promise<Certificate> {
  const [keyFile, requestFile] = [dir.path("dated.key"), dir.path("dated.csr")];
  const certFile = dir.path("dated.crt");
  dir.file("db", "");
  const config = dir.file("ca.cnf", CA(dir.path("").slice(0, -1)));
  await openssl([
    ..."req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split(" "),
    ...["-subj", "/CN=localhost", "-keyout", keyFile, "-out", requestFile],
  ]);
  await openssl([
    ...["ca", "-batch", "-config", config, "-selfsign", "-keyfile", keyFile, "-notext"],
    ...["-in", requestFile, "-out", certFile],
    ...["-startdate", timeText(from), "-enddate", timeText(to)],
  ]);
  return { cert: await Deno.readTextFile(certFile), key: await Deno.readTextFile(keyFile) };
}
