/**
 * The cipher suites that OCPP demands of TLS 1.2 (2.x Part 2, A00), and who serves which.
 *
 * @module
 */

import { deepStrictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { HaproxyWithCertificates } from "../support/haproxy.ts";
import { programOf, testWith } from "../support/needs.ts";
import { makeCertificate, startProgram, TempDir, urlOf } from "../support/program.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";
import { apiPortOf, gatewayBehindProxy } from "./proxy_contract.ts";

const DEMANDED = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "AES128-GCM-SHA256",
  "AES256-GCM-SHA384",
];

/** Those of them that a handshake comes to. @param name What the client says it connects to. */
async function servedAt(port: number, name: readonly string[] = []): Promise<string[]> {
  const served: string[] = [];
  for (const suite of DEMANDED) {
    const { stdout } = await new Deno.Command(programOf("openssl"), {
      args: [
        ...["s_client", "-connect", `127.0.0.1:${port}`, "-tls1_2", "-cipher", suite],
        ...(name.length === 0 ? ["-noservername"] : ["-servername", ...name]),
      ],
      stdin: "null",
      stderr: "null",
    }).output();
    if (new TextDecoder().decode(stdout).includes(`, Cipher is ${suite}\n`)) served.push(suite);
  }
  return served;
}

test({
  needs: "openssl",
  name:
    "of the four suites that OCPP demands the gateway itself serves the two with ECDHE, by an ECDSA key",
  async fn(t) {
    await using backend = new RecordingBackend();
    using dir = new TempDir();
    for (const [kind, expected] of [["ec", DEMANDED.slice(0, 2)], ["rsa", []]] as const) {
      await t.step(kind, async () => {
        const { cert, key } = await makeCertificate(dir, kind);
        await using program = startProgram([
          ...["--listen=127.0.0.1:0", "--api-listen=127.0.0.1:0", `--backend=${backend.url}`],
          ...[`--tls-cert=${dir.file("a.crt", cert)}`, `--tls-key=${dir.file("a.key", key)}`],
        ]);
        deepStrictEqual(await servedAt(Number(new URL(await urlOf(program)).port)), expected);
      });
    }
  },
});

testWith(
  ["haproxy", "openssl"],
  "HAProxy serves all four by an RSA and an ECDSA certificate side by side",
  async (t) => {
    await using backend = new RecordingBackend();
    await using gateway = await gatewayBehindProxy(backend);
    using dir = new TempDir();
    const second = await makeCertificate(dir, "rsa");
    await using proxy = await HaproxyWithCertificates.start(
      gateway.url,
      `http://127.0.0.1:${apiPortOf(gateway)}/`,
      { second },
    );
    await t.step("to stations that say which name they connect to", async () => {
      deepStrictEqual(await servedAt(proxy.plainPort, ["localhost"]), DEMANDED);
    });
    await t.step("to others those of ECDSA", async () => {
      deepStrictEqual(await servedAt(proxy.plainPort), DEMANDED.slice(0, 2));
    });
  },
);
