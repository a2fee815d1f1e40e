import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { readClientCertificate } from "../../lib/door/client_certificate.ts";
import { ClientAuthority } from "../support/client_certificate.ts";
import { testWith } from "../support/needs.ts";
import { TempDir } from "../support/program.ts";

/** The bytes of a PEM certificate, and the header that a proxy makes of them. */
function headerOf(pem: string): { der: Uint8Array; header: string } {
  const base64 = pem.replaceAll(/-----[A-Z ]+-----|\s/g, "");
  return { der: Uint8Array.fromBase64(base64), header: `:${base64}:` };
}

testWith(
  ["openssl"],
  "a Client-Cert header is read: who, by whose number, of what fingerprint",
  async (t) => {
    using dir = new TempDir();
    const authority = await ClientAuthority.make(dir, "stations");
    const rows: [subject: string, CN: string | null, O: string | null][] = [
      ["/O=Example, Inc./CN=CP1", "CP1", "Example, Inc."],
      ["/O=x,CN=CP2/CN=CP1", "CP1", "x,CN=CP2"],
      ["/O=x\nCN=CP2/CN=CP1", "CP1", "x\nCN=CP2"],
      ["/C=DE/CN=a\\/b", "a/b", null],
      ["/O=Only", null, "Only"],
      ["/CN=A/CN=B/O=Two", null, "Two"],
    ];
    for (const [subject, CN, O] of rows) {
      await t.step(JSON.stringify(subject), async () => {
        const { cert } = await authority.issue(subject);
        const { header, der } = headerOf(cert);
        const { serialNumber, fingerprint256 } = new X509Certificate(cert);
        // The runtime leaves a zero at its beginning out, which one in sixteen has.
        const digits = serialNumber.padStart(serialNumber.length + serialNumber.length % 2, "0");
        const told = { subject: { CN, O }, serialNumber: digits, fingerprint256 };
        deepStrictEqual(readClientCertificate(header), told);
        deepStrictEqual(readClientCertificate(` ${header}\t`), told);
        match(told.serialNumber, /^(?:[0-9A-F]{2})+$/);
        strictEqual(BigInt(`0x${told.serialNumber}`), BigInt(`0x${serialNumber}`));
        const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", der as BufferSource));
        strictEqual(fingerprint256.replaceAll(":", ""), hash.toHex().toUpperCase());
      });
    }
  },
);

testWith(
  ["openssl"],
  "a Client-Cert header that is not exactly one certificate cannot be read",
  async (t) => {
    using dir = new TempDir();
    const authority = await ClientAuthority.make(dir, "stations");
    const { cert } = await authority.issue("/O=Example/CN=CP1");
    const { der, header } = headerOf(cert);
    const base64 = header.slice(1, -1);
    const behind = new Uint8Array([...der, 0]);
    const rows: [name: string, header: string][] = [
      ["nothing", ""],
      ["no bytes", "::"],
      ["no colons", base64],
      ["one colon", `:${base64}`],
      ["in quotes", `"${base64}"`],
      ["a certificate twice", `${header}, ${header}`],
      ["with a parameter", `${header};q=1`],
      ["PEM", `:${btoa(cert)}:`],
      ["PEM, escaped for a URL", encodeURIComponent(cert)],
      ["no base64", `:${"!".repeat(100)}:`],
      ["base64 for URLs", `:-_${base64.slice(2)}:`],
      ["cut short", `:${der.subarray(0, -1).toBase64()}:`],
      ["a byte behind it", `:${behind.toBase64()}:`],
      ["another one behind it", `:${new Uint8Array([...der, ...der]).toBase64()}:`],
      ["zeros", `:${new Uint8Array(500).toBase64()}:`],
      ["a word", "(null)"],
    ];
    for (const [name, text] of rows) {
      await t.step(name, () => strictEqual(readClientCertificate(text), undefined));
    }
    await t.step("bytes that were changed never throw", () => {
      const changes = fc.array(fc.tuple(fc.nat(der.length - 1), fc.nat(255)), {
        minLength: 1,
        maxLength: 4,
      });
      fc.assert(fc.property(changes, (list) => {
        const changed = der.slice();
        for (const [at, byte] of list) changed[at] = byte;
        const read = readClientCertificate(`:${changed.toBase64()}:`);
        ok(read === undefined || read.fingerprint256.length === 95);
      }));
    });
    await t.step("any text is a certificate or none", () => {
      fc.assert(fc.property(fc.string(), (text) => readClientCertificate(text) === undefined));
      const bytes = fc.uint8Array({ maxLength: 300 });
      fc.assert(
        fc.property(bytes, (each) => readClientCertificate(`:${each.toBase64()}:`) === undefined),
      );
    });
  },
);
