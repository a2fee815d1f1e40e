import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { ClientAuthority } from "../support/client_certificate.ts";
import { inTime, until } from "../support/deadline.ts";
import { openFilesOf } from "../support/machine.ts";
import { testWith } from "../support/needs.ts";
import {
  type Certificate,
  makeCertificate,
  startProgram,
  TempDir,
  urlOf,
} from "../support/program.ts";

testWith(
  ["openssl"],
  "a station with a certificate: what the hook gets, calls, revocation at SIGHUP, files",
  async () => {
    using dir = new TempDir();
    const server = await makeCertificate(dir);
    const authority = await ClientAuthority.make(dir, "stations");
    const shown = await authority.issue("/O=Example/CN=SN-1");
    const other = await authority.issue("/O=Example/CN=SN-2");
    await using backend = new RecordingBackend();
    const crl = dir.file("stations.crl", await authority.list());
    await using program = startProgram([
      ...["--listen=127.0.0.1:0", "--api-listen=127.0.0.1:0", "--websocket=ws", "--connect-hook"],
      ...[
        "--trust-proxy",
        "--disconnect-hook",
        "--drain-timeout=500ms",
        `--backend=${backend.url}`,
      ],
      `--tls-cert=${dir.file("a.crt", server.cert)}`,
      `--tls-key=${dir.file("a.key", server.key)}`,
      `--client-ca=${dir.file("ca.crt", authority.cert)}`,
      `--client-crl=${crl}`,
    ]);
    const url = (await urlOf(program)).replace("https", "wss");
    const [, second = ""] = await program.lines(2);
    const apiUrl = /(https:\S+)$/.exec(second)![1]!;
    using http = Deno.createHttpClient({ caCerts: [server.cert] });
    const connect = async (id: string, certificate?: Certificate): Promise<TestClient> => {
      const client = Deno.createHttpClient({ caCerts: [server.cert], ...certificate });
      const connected = new TestClient(`${url}/${id}`, {
        client,
        headers: { "client-cert": ":bm8=:" },
      });
      void connected.closed.then(() => client.close());
      await inTime(connected.opened, "the upgrade");
      return connected;
    };
    const isRefused = (certificate?: Certificate): Promise<boolean> =>
      connect("CP9", certificate).then(() => false, () => true);

    const station = await connect("CP1", shown);
    const { body } = await backend.next("/connect/");
    const { tls, clientCertificate } = JSON.parse(body);
    deepStrictEqual([tls, clientCertificate.subject], [true, { CN: "SN-1", O: "Example" }]);
    match(clientCertificate.serialNumber, /^(?:[0-9A-F]{2})+$/);
    match(clientCertificate.fingerprint256, /^[0-9A-F]{2}(?::[0-9A-F]{2}){31}$/);
    strictEqual(await station.ask('[2,"c1","Act",{"n":1.0}]'), '[3,"c1",{}]');

    ok(await isRefused(), "without a certificate");
    // The API has its own listener, which asks for none.
    const listed = await fetch(`${apiUrl}/clients`, { client: http });
    strictEqual((await listed.json()).total, 1);

    const files = (): Promise<number> => openFilesOf(program.pid);
    const before = await files();
    const clients: TestClient[] = [];
    // One after the other: each hook asks over the same connection to the backend.
    for (let k = 0; k < 20; k++) clients.push(await connect(`F${k}`, other));
    const grown = await files() - before;
    ok(grown <= 22, `${grown} files for 20 clients`);
    for (const client of clients) await client.close();

    dir.file("stations.crl", await authority.revoke(shown));
    program.signal("SIGHUP");
    await program.logged("client CA read again");
    ok(await isRefused(shown), "revoked");
    await program.logged("the client's certificate is revoked");
    strictEqual(await station.ask('[2,"c2","Act",{}]'), '[3,"c2",{}]', "who is connected stays");
    dir.file("stations.crl", "no PEM\n");
    program.signal("SIGHUP");
    match(await program.logged("client CA not read again"), /--client-crl: \\?"[^"]+stations\.crl/);
    ok(await isRefused(shown), "still revoked");
    const good = await connect("CP3", other);
    program.signal("SIGTERM");
    deepStrictEqual(await good.whenClosed(), { code: 1001, reason: "shutting down" });
    deepStrictEqual(await station.whenClosed(), { code: 1001, reason: "shutting down" });
    strictEqual((await program.ended()).code, 0);
    await until(
      "both disconnects",
      () => Promise.resolve(backend.paths("/disconnect/").length >= 22),
    );
  },
);

testWith(
  ["openssl"],
  "a client CA or list that cannot be used ends the start with one line, and --check says it",
  async (t) => {
    using dir = new TempDir();
    const server = await makeCertificate(dir);
    const [authority, other] = [
      await ClientAuthority.make(dir, "stations"),
      await ClientAuthority.make(dir, "others"),
    ];
    const list = await authority.list();
    const rows: [name: string, ca: string, crl: string | undefined, flag: string][] = [
      ["no PEM", "no PEM\n", undefined, "client-ca"],
      ["a key", server.key, undefined, "client-ca"],
      ["a client's certificate", server.cert, undefined, "client-ca"],
      ["a list that is no PEM", authority.cert, "no PEM\n", "client-crl"],
      ["another authority's list", authority.cert, await other.list(), "client-crl"],
      [
        "a list of changes",
        authority.cert,
        await authority.list(["-crldays", "1", "-crlexts", "delta"]),
        "client-crl",
      ],
      [
        "a list that was changed",
        authority.cert,
        list.replace(/.{9}\n-----END/, (end) => end.replace(/^./, (c) => c === "A" ? "B" : "A")),
        "client-crl",
      ],
    ];
    for (const [name, ca, crl, flag] of rows) {
      await t.step(name, async () => {
        const flags = [
          ...["--listen=127.0.0.1:0", "--websocket=ws"],
          `--tls-cert=${dir.file("a.crt", server.cert)}`,
          `--tls-key=${dir.file("a.key", server.key)}`,
          `--client-ca=${dir.file("ca.pem", ca)}`,
          ...(crl === undefined ? [] : [`--client-crl=${dir.file("crl.pem", crl)}`]),
        ];
        await using program = startProgram(flags);
        const { code, stderr } = await program.ended();
        strictEqual(code, 2);
        match(stderr, new RegExp(`^ws2api: --${flag}: "[^"]+\\.pem"[^\\n]+\\n$`));
      });
    }
  },
);
