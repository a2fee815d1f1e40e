import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { RecordingBackend, write } from "../support/backend.ts";
import { upgradeHead } from "../support/client.ts";
import { ClientAuthority } from "../support/client_certificate.ts";
import { inTime } from "../support/deadline.ts";
import { testWith } from "../support/needs.ts";
import {
  type Certificate,
  makeCertificate,
  startProgram,
  TempDir,
  urlOf,
} from "../support/program.ts";
import { tlsRequest } from "../support/tls_request.ts";

function flagsOf(dir: TempDir, server: Certificate, ca: string, crl: string): string[] {
  return [
    ...["--listen=127.0.0.1:0", "--websocket=ws"],
    `--tls-cert=${dir.file("server.crt", server.cert)}`,
    `--tls-key=${dir.file("server.key", server.key)}`,
    `--client-ca=${dir.file("ca.pem", ca)}`,
    `--client-crl=${dir.file("crl.pem", crl)}`,
  ];
}

testWith(["openssl"], "--check says what there is of client CAs and lists", async (t) => {
  using dir = new TempDir();
  await using backend = new RecordingBackend();
  const server = await makeCertificate(dir);
  const [a, b] = [await ClientAuthority.make(dir, "a"), await ClientAuthority.make(dir, "b")];
  const list = await a.revoke(await a.issue("/CN=CP1"), await a.issue("/CN=CP2"));
  const rows: [name: string, ca: string, crl: string, code: number, lines: RegExp[]][] = [
    ["good ones", a.cert, list, 0, [
      /^ok {3}client CA: 1 who/m,
      /^ok {3}revoked certificates: 2$/m,
    ]],
    ["a CA without a list", a.cert + b.cert, list, 0, [
      /^ok {3}client CA: 2 who/m,
      /^warn revoked certificates: no list for 1 of the CAs$/m,
    ]],
    ["a CA that is none", server.key, list, 2, [/^bad {2}files: --client-ca: ".*ca\.pem"/m]],
    ["a list of another one", a.cert, await b.list(), 2, [
      /^bad {2}files: --client-crl: ".*crl\.pem": its list 1 is signed by none/m,
    ]],
    ["a list that was cut short", a.cert, list + list.slice(0, 200), 2, [
      /^bad {2}files: --client-crl: ".*crl\.pem": its list 2 cannot be read/m,
    ]],
  ];
  for (const [name, ca, crl, code, lines] of rows) {
    await t.step(name, async () => {
      const flags = flagsOf(dir, server, ca, crl);
      await using program = startProgram([...flags, `--backend=${backend.url}`, "--check"]);
      const { stdout, ...ended } = await program.ended();
      for (const line of lines) match(stdout, line);
      strictEqual(ended.code, code);
    });
  }
});

testWith(
  ["openssl"],
  "each of several workers asks for certificates, and takes new CAs and lists at SIGHUP",
  async () => {
    using dir = new TempDir();
    await using backend = new RecordingBackend();
    const server = await makeCertificate(dir);
    const [a, b] = [await ClientAuthority.make(dir, "a"), await ClientAuthority.make(dir, "b")];
    const [one, two] = [await a.issue("/CN=CP1"), await b.issue("/CN=CP2")];
    await using program = startProgram([
      ...flagsOf(dir, server, a.cert, await a.list()),
      ...[`--backend=${backend.url}`, "--workers=2"],
    ]);
    const port = Number(new URL(await urlOf(program)).port);
    const head = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    /** Which of them are served, each asked so often that no worker is left out. */
    const served = async (): Promise<boolean[]> => {
      const all = [one, two, undefined].map(async (shown) => {
        const asked = Array.from({ length: 20 }, () => tlsRequest(port, server.cert, head, shown));
        const statuses = new Set((await Promise.all(asked)).map(({ status }) => status));
        deepStrictEqual(statuses.size, 1, "all workers say the same");
        return statuses.has(200);
      });
      return await Promise.all(all);
    };
    deepStrictEqual(await served(), [true, false, false]);
    dir.file("ca.pem", a.cert + b.cert);
    dir.file("crl.pem", await a.revoke(one));
    // A storm of them ends like one.
    for (let k = 0; k < 20; k++) program.signal("SIGHUP");
    await program.logged("client CA read again");
    program.signal("SIGHUP");
    await program.logged("client CA read again", 2);
    deepStrictEqual(await served(), [false, true, false]);
    dir.file("ca.pem", "no PEM\n");
    program.signal("SIGHUP");
    await program.logged("client CA not read again");
    deepStrictEqual(await served(), [false, true, false]);
    program.signal("SIGTERM");
    strictEqual((await program.ended()).code, 0);
  },
);

for (const websocket of ["deno", "ws"] as const) {
  testWith(
    ["openssl"],
    `${websocket}: a client whose side of TLS ends without a close is gone at once`,
    async () => {
      using dir = new TempDir();
      await using backend = new RecordingBackend();
      const server = await makeCertificate(dir);
      await using program = startProgram([
        ...["--listen=127.0.0.1:0", `--websocket=${websocket}`, "--disconnect-hook"],
        `--tls-cert=${dir.file("server.crt", server.cert)}`,
        ...[`--tls-key=${dir.file("server.key", server.key)}`, `--backend=${backend.url}`],
      ]);
      const port = Number(new URL(await urlOf(program)).port);
      using conn = await Deno.connectTls({ hostname: "127.0.0.1", port, caCerts: [server.cert] });
      await write(conn, upgradeHead("/CP1"));
      const buffer = new Uint8Array(4096);
      const n = await inTime(conn.read(buffer), "the answer");
      match(new TextDecoder().decode(buffer.subarray(0, n ?? 0)), /^HTTP\/1.1 101 /);
      await conn.closeWrite();
      const { body } = await backend.next("/disconnect/CP1");
      strictEqual(JSON.parse(body).code, 1006);
      const last = await inTime(conn.read(buffer).catch(() => null), "the end");
      ok(last === null || last < 100);
    },
  );
}
