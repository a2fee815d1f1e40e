import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { type ClientCaFiles, readAuthorities } from "../../lib/config/client_ca.ts";
import { type ReadLists, readLists } from "../../lib/config/crl.ts";
import { derIn, serialOf } from "../../lib/config/der.ts";
import { ClientAuthority } from "../support/client_certificate.ts";
import { testWith } from "../support/needs.ts";
import { TempDir } from "../support/program.ts";

function pemOf(bytes: Uint8Array, kind = "X509 CRL"): string {
  return `-----BEGIN ${kind}-----\n${bytes.toBase64()}\n-----END ${kind}-----\n`;
}

function bytesOf(pem: string): Uint8Array {
  return Uint8Array.fromBase64(pem.replaceAll(/-----.*-----|\s/g, ""));
}

/** Reads it; fails when that throws, or takes far longer than reading it can take. */
function read(text: string): ReadLists {
  const since = performance.now();
  const lists = readLists(text);
  ok(performance.now() - since < 2000, "it takes far too long");
  return lists;
}

Deno.test("any bytes are read as values without a fault of ours, and lose nothing", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      let length = 0;
      try {
        for (const { content, whole } of derIn(bytes)) {
          ok(whole.length > content.length);
          length += whole.length;
        }
        strictEqual(length, bytes.length);
      } catch (error) {
        strictEqual((error as Error).constructor.name, "DerError");
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("any text, and any bytes as a list, are a fault and never a throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      strictEqual(read(pemOf(bytes)).ok, false);
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 300, unit: "binary" }), (text) => {
      strictEqual(read(text).ok, false);
      strictEqual(readAuthorities({ ca: text, crl: undefined }).ok, false);
      const inside = `-----BEGIN CERTIFICATE-----${text}-----END CERTIFICATE-----`;
      strictEqual(readAuthorities({ ca: inside, crl: text }).ok, false);
    }),
    { numRuns: 2000 },
  );
});

testWith(
  ["openssl"],
  "a list with bytes changed, taken out or put in never counts as one of its authority",
  async () => {
    using dir = new TempDir();
    for (const key of ["ec", "rsa", "ed25519"] as const) {
      const authority = await ClientAuthority.make(dir, key, key);
      const certificates = key === "ec"
        ? [await authority.issue("/CN=a"), await authority.issue("/CN=b")]
        : [];
      const list = bytesOf(await authority.revoke(...certificates));
      const files = (bytes: Uint8Array): ClientCaFiles => ({
        ca: authority.cert,
        crl: pemOf(bytes),
      });
      const whole = readAuthorities(files(list));
      deepStrictEqual(
        whole.ok && [...whole.authorities[0]!.lists[0]!.serials].sort(),
        certificates.map(({ cert }) => serialOf(new X509Certificate(cert).serialNumber)).sort(),
      );
      const at = fc.nat({ max: list.length - 1 });
      const change = fc.oneof(
        // One byte is another.
        fc.tuple(at, fc.integer({ min: 1, max: 255 })).map(([k, bits]) =>
          list.with(k, list[k]! ^ bits)
        ),
        // Cut short.
        at.map((k) => list.subarray(0, k)),
        // Some are missing, or there are more.
        fc.tuple(at, fc.integer({ min: 1, max: 20 })).map(([k, n]) =>
          Uint8Array.from([...list.subarray(0, k), ...list.subarray(k + n)])
        ),
        fc.tuple(at, fc.uint8Array({ minLength: 1, maxLength: 20 })).map(([k, more]) =>
          Uint8Array.from([...list.subarray(0, k), ...more, ...list.subarray(k)])
        ),
      );
      fc.assert(
        fc.property(change, (bytes) => {
          const { ok: isTaken, ...rest } = readAuthorities(files(bytes));
          strictEqual(isTaken, false, JSON.stringify(rest));
        }),
        { numRuns: 1000 },
      );
    }
  },
);

testWith(["openssl"], "a file that was cut short is a fault, not what is left of it", async (t) => {
  using dir = new TempDir();
  const [a, b] = [await ClientAuthority.make(dir, "a"), await ClientAuthority.make(dir, "b")];
  const lists = [await a.list(), await b.revoke(await b.issue("/CN=CP1"))];
  const whole = { ca: a.cert + b.cert, crl: lists.join("") };
  const second = (text: string): number => text.lastIndexOf("-----BEGIN");
  strictEqual(readAuthorities(whole).ok, true);
  for (const beyond of [30, 60, 150]) {
    await t.step(`the second list, ${beyond} characters of it`, () => {
      const read = readAuthorities({
        ...whole,
        crl: whole.crl.slice(0, second(whole.crl) + beyond),
      });
      deepStrictEqual(read.ok ? "" : read.flag, "client-crl");
      match(read.ok ? "" : read.fault, /its list 2 cannot be read/);
    });
    await t.step(`the second CA, ${beyond} characters of it`, () => {
      const read = readAuthorities({
        ca: whole.ca.slice(0, second(whole.ca) + beyond),
        crl: undefined,
      });
      match(read.ok ? "" : read.fault, /its certificate 2 cannot be read/);
    });
  }
});

testWith(
  ["openssl"],
  "lists of another authority, for a part, with changes alone, or signed in another way are refused",
  async (t) => {
    using dir = new TempDir();
    const authority = await ClientAuthority.make(dir, "stations");
    using elsewhere = new TempDir();
    const namesake = await ClientAuthority.make(elsewhere, "stations");
    const rows: [name: string, crl: string, fault: RegExp][] = [
      ["of one with the same name", await namesake.list(), /signed by none/],
      [
        "of changes, which need not be known",
        await authority.list(["-crldays", "2", "-crlexts", "lax_delta"]),
        /for a part/,
      ],
      [
        "for a part, which need not be known",
        await authority.list(["-crldays", "2", "-crlexts", "lax_part"]),
        /for a part/,
      ],
      [
        "with SHA-1",
        await authority.list(["-crldays", "2", "-md", "sha1"]),
        /signed in a way that is not known/,
      ],
    ];
    for (const [name, crl, fault] of rows) {
      await t.step(name, () => {
        const read = readAuthorities({ ca: authority.cert, crl });
        match(read.ok ? "it was taken" : read.fault, fault);
      });
    }
  },
);
