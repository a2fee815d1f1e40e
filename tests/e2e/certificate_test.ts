import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { get } from "node:https";
import { RecordingBackend } from "../support/backend.ts";
import { inTime } from "../support/deadline.ts";
import { makeDatedCertificate } from "../support/dated_certificate.ts";
import { testWith } from "../support/needs.ts";
import {
  type Certificate,
  makeCertificate,
  startProgram,
  TempDir,
  urlOf,
} from "../support/program.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

const DAY_MS = 86_400_000;

/** Writes the pair and gives the flags that name it. */
function put(dir: TempDir, { cert, key }: Certificate): string[] {
  return [
    `--tls-cert=${dir.file("a.crt", cert)}`,
    `--tls-key=${dir.file("a.key", key)}`,
    "--listen=127.0.0.1:0",
  ];
}

/** Days until the certificate ends, as the metrics have it; whether to trust it is not asked. */
function daysLeft(url: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const request = get(`${url}/metrics`, { rejectUnauthorized: false, agent: false }, (response) => {
    let text = "";
    response.on("data", (chunk) => text += chunk).on("end", () => resolve(text));
  });
  request.on("error", reject);
  return inTime(promise, "metrics").then((text) => {
    const value = /^ws2api_certificate_expiry_seconds (\S+)$/m.exec(text)?.[1];
    return Number(value) * 1000 / DAY_MS;
  });
}

for (const workers of [1, 2]) {
  test({
    needs: "openssl",
    name: `an expired certificate is served, and said, until SIGHUP: ${workers} workers`,
    async fn() {
      using dir = new TempDir();
      await using backend = new RecordingBackend();
      const now = Date.now();
      const expired = await makeDatedCertificate(dir, now - 9 * DAY_MS, now - 2 * DAY_MS);
      await using program = startProgram([
        ...put(dir, expired),
        ...[`--backend=${backend.url}`, `--workers=${workers}`, "--log-format=json"],
      ]);
      const url = await urlOf(program);
      const stderr = await program.logged("the certificate has expired");
      strictEqual(stderr.split("the certificate has expired").length, 2);
      match(
        stderr,
        new RegExp(`"notAfter":"${new Date(now - 2 * DAY_MS).toISOString().slice(0, 16)}`),
      );
      for (let i = 0; i < 2 * workers; i++) ok(Math.abs(await daysLeft(url) + 2) < 0.1);
      const renewed = await makeDatedCertificate(dir, now - DAY_MS, now + 300 * DAY_MS);
      put(dir, renewed);
      program.signal("SIGHUP");
      await program.logged("certificate read again");
      // Whichever worker is asked.
      for (let i = 0; i < 2 * workers; i++) ok(Math.abs(await daysLeft(url) - 300) < 0.1);
      // The renewed one is judged from now on, and the next one too.
      put(dir, expired);
      program.signal("SIGHUP");
      await program.logged("the certificate has expired", 2);
      program.signal("SIGTERM");
      strictEqual((await program.ended()).code, 0);
    },
  });
}

testWith(
  "openssl",
  "a key that is another certificate's ends with 2 and a line that names both",
  async (t) => {
    using dir = new TempDir();
    const { cert } = await makeCertificate(dir);
    for (const kind of ["ec", "rsa"] as const) {
      for (const workers of [1, 2]) {
        await t.step(`${kind}, ${workers} workers`, async () => {
          const { key } = await makeCertificate(dir, kind);
          await using program = startProgram([...put(dir, { cert, key }), `--workers=${workers}`]);
          const { code, stdout, stderr } = await program.ended();
          deepStrictEqual([code, stdout], [2, ""]);
          strictEqual(
            stderr,
            `ws2api: --tls-key: "${dir.path("a.key")}" is not the key of the certificate in ` +
              `--tls-cert "${dir.path("a.crt")}"\n`,
          );
        });
      }
    }
  },
);

test({
  needs: "openssl",
  name: "at SIGHUP a key that is another's is named, and the old pair stays",
  async fn() {
    using dir = new TempDir();
    await using backend = new RecordingBackend();
    const now = Date.now();
    const good = await makeDatedCertificate(dir, now - DAY_MS, now + 100 * DAY_MS);
    await using program = startProgram([...put(dir, good), `--backend=${backend.url}`]);
    const url = await urlOf(program);
    const { cert } = await makeDatedCertificate(dir, now - DAY_MS, now + 200 * DAY_MS);
    put(dir, { cert, key: good.key });
    program.signal("SIGHUP");
    match(
      await program.logged("is not the key of"),
      /certificate not read again, the old one stays error=.*a\.key.*a\.crt/,
    );
    ok(Math.abs(await daysLeft(url) - 100) < 0.1);
  },
});
