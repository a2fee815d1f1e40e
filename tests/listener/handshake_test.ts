import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { HandshakeReason } from "../../lib/metrics/labels.ts";
import { write } from "../support/backend.ts";
import { until } from "../support/deadline.ts";
import { programOf, testWith } from "../support/needs.ts";
import { type Certificate, makeCertificate, TempDir } from "../support/program.ts";
import { TestListener } from "../support/test_listener.ts";
import { tlsRequest } from "../support/tls_request.ts";

const EVENT = "TLS handshake failed";

/** Runs a handshake by OpenSSL; all that it says of it. */
async function openssl(port: number, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(programOf("openssl"), {
    args: ["s_client", "-connect", `127.0.0.1:${port}`, ...args],
    stdin: "null",
  }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

/** Sends bytes, and then nothing until the other end closes, unless it goes. */
async function send(port: number, bytes: string, goes = false): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await write(conn, bytes);
  if (!goes) await conn.read(new Uint8Array(100)).catch(() => null);
}

for (const websocket of ["deno", "ws"] as const) {
  testWith(
    ["openssl"],
    `${websocket}: a TLS handshake that fails is logged and counted, by what was wrong`,
    async (t) => {
      using dir = new TempDir();
      const certificate = await makeCertificate(dir);
      const other = dir.file("other.crt", (await makeCertificate(dir)).cert);
      await using listener = await TestListener.start(certificate, undefined, websocket);
      const { port } = listener;
      const rows: [
        name: string,
        cause: HandshakeReason,
        fail: () => Promise<unknown>,
        error: RegExp,
      ][] = [
        [
          "HTTP",
          "not_tls",
          () => send(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
          /InvalidContentType/,
        ],
        [
          "cipher suites without ECDHE",
          "no_common",
          () => openssl(port, ["-tls1_2", "-cipher", "AES128-GCM-SHA256"]),
          /NoKxGroupsInCommon|NoCipherSuitesInCommon/,
        ],
        [
          "TLS 1.1",
          "no_common",
          () => openssl(port, ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]),
          /peer is incompatible/,
        ],
        [
          "signatures by RSA, where the key is none",
          "no_common",
          () => openssl(port, ["-sigalgs", "RSA+SHA256"]),
          /NoSignatureSchemesInCommon/,
        ],
        [
          "a client that does not trust the certificate, TLS 1.2",
          "client",
          () => openssl(port, ["-tls1_2", "-verify_return_error", "-CAfile", other]),
          /received fatal alert/,
        ],
        [
          "a client that does not trust the certificate, TLS 1.3",
          "client",
          () => openssl(port, ["-tls1_3", "-verify_return_error", "-CAfile", other]),
          /received fatal alert/,
        ],
        ["half a hello", "broken", () => send(port, "\x16\x03\x01\x02\x00\x01", true), /./],
      ];
      for (const [name, cause, fail, error] of rows) {
        await t.step(name, async () => {
          const { handshakesFailed } = listener.metrics;
          const before = handshakesFailed[cause].sum;
          await fail();
          await until("the line", () => Promise.resolve(listener.logged.lines.length > 0));
          const [line, ...more] = listener.logged.take(EVENT);
          deepStrictEqual([line?.remoteAddress, line?.cause], ["127.0.0.1", cause]);
          match(String(line?.error), error);
          deepStrictEqual(more, []);
          strictEqual(handshakesFailed[cause].sum, before + 1);
        });
      }
      await t.step("and a good one is not", async () => {
        await assertServes(listener, certificate);
        deepStrictEqual(listener.logged.lines, []);
      });
    },
  );
}

/** Also makes sure that all before it was seen. */
async function assertServes(listener: TestListener, { cert }: Certificate): Promise<void> {
  const request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  strictEqual((await tlsRequest(listener.port, cert, request)).status, 200);
}

for (const websocket of ["deno", "ws"] as const) {
  testWith(
    ["openssl"],
    `${websocket}: a handshake that is not done in 10 s is one that failed, once; silence is none`,
    async () => {
      using dir = new TempDir();
      const certificate = await makeCertificate(dir);
      await using listener = await TestListener.start(certificate, undefined, websocket);
      const { port, clock, logged, metrics } = listener;
      const silent = await Deno.connect({ hostname: "127.0.0.1", port });
      const half = await Deno.connect({ hostname: "127.0.0.1", port });
      await write(half, "\x16\x03\x01\x02\x00\x01");
      await assertServes(listener, certificate);
      clock.tick(11_000);
      for (const conn of [silent, half]) {
        strictEqual(await conn.read(new Uint8Array(1)).catch(() => null), null);
        conn.close();
      }
      // It goes at once, as those do who only look whether somebody listens.
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      await assertServes(listener, certificate);
      deepStrictEqual(logged.take(EVENT), [
        { remoteAddress: "127.0.0.1", cause: "timeout", error: "no handshake in 10 s" },
      ]);
      strictEqual(metrics.handshakesFailed.timeout.sum, 1);
      strictEqual(metrics.handshakesFailed.broken.sum, 0);
      deepStrictEqual(logged.lines, []);
    },
  );
}
