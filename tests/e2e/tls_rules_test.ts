/** What OCPP asks of TLS (2.x Part 2, A00; 2.1 Part 4, section 5.2), seen by OpenSSL. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { programOf } from "../support/needs.ts";
import { makeCertificate, startProgram, TempDir, urlOf } from "../support/program.ts";
import { testEachWebSocket } from "../support/websockets.ts";

/** All of them make certificates. */
function test(name: string, fn: () => Promise<void>): void {
  testEachWebSocket({ needs: "openssl", name, fn });
}

/** A gateway that serves TLS by itself, and what `openssl s_client` says of it. */
async function withGateway(
  run: (
    openssl: (args: readonly string[], request?: string) => Promise<string>,
  ) => Promise<void>,
): Promise<void> {
  await using backend = new RecordingBackend();
  using dir = new TempDir();
  const { cert, key } = await makeCertificate(dir);
  await using program = startProgram([
    ...["--listen=127.0.0.1:0", `--backend=${backend.url}`],
    ...[`--tls-cert=${dir.file("a.crt", cert)}`, `--tls-key=${dir.file("a.key", key)}`],
  ]);
  const port = new URL(await urlOf(program)).port;
  await run(async (args, request = "") => {
    const process = new Deno.Command(programOf("openssl"), {
      // Without -ign_eof it goes when its input ends, before the answer.
      args: ["s_client", "-connect", `127.0.0.1:${port}`, "-ign_eof", ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = process.stdin.getWriter();
    // Who was refused reads nothing.
    await writer.write(new TextEncoder().encode(request)).catch(() => {});
    await writer.close().catch(() => {});
    const { stdout, stderr } = await process.output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  });
}

const GET = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

test("TLS is 1.2 or 1.3, and no older version", async () => {
  await withGateway(async (openssl) => {
    for (const [version, isServed] of [["1_1", false], ["1_2", true], ["1_3", true]] as const) {
      // OpenSSL itself would refuse the older one.
      const args = [`-tls${version}`, ...(isServed ? [] : ["-cipher", "DEFAULT@SECLEVEL=0"])];
      const said = await openssl(args, GET);
      strictEqual(said.includes("HTTP/1.1 200 OK"), isServed, said);
      if (!isServed) match(said, /alert protocol version|alert handshake failure/);
    }
  });
});

test("TLS 1.2 has no suite but those with ECDHE and AES-GCM or ChaCha20", async () => {
  await withGateway(async (openssl) => {
    const others = "ALL:!kECDHE+AESGCM:!kECDHE+CHACHA20:@SECLEVEL=0";
    const said = await openssl(["-tls1_2", "-cipher", others], GET);
    match(said, /alert handshake failure/);
    match(said, /Cipher is \(NONE\)/);
    const known = await openssl(["-tls1_2", "-cipher", "ECDHE+AESGCM:ECDHE+CHACHA20"], GET);
    ok(known.includes("HTTP/1.1 200 OK"), known);
  });
});

test("TLS compresses nothing", async () => {
  await withGateway(async (openssl) => {
    const said = await openssl(["-tls1_2", "-comp"], GET);
    ok(said.includes("HTTP/1.1 200 OK"), said);
    match(said, /^Compression: NONE$/m);
  });
});

test("a station that asks for small TLS records is served, with records of any size", async () => {
  await withGateway(async (openssl) => {
    const said = await openssl(["-tls1_2", "-maxfraglen", "512", "-trace"], GET);
    ok(said.includes("HTTP/1.1 200 OK"), said);
    // What a ServerHello does not repeat is not agreed to.
    const [asked, answered = ""] = said.split(/ServerHello, Length/);
    deepStrictEqual(
      [asked, answered].map((part) => /extension_type=max_fragment_length\(1\)/.test(part!)),
      [true, false],
    );
  });
});
