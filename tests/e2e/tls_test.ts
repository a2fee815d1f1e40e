import {
  deepStrictEqual,
  match,
  notStrictEqual,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { connect } from "node:net";
import { json, RecordingBackend, write } from "../support/backend.ts";
import { upgradeHead } from "../support/client.ts";
import { inTime, until } from "../support/deadline.ts";
import { programOf, testWith } from "../support/needs.ts";
import {
  type Certificate,
  makeCertificate,
  type Program,
  SecureClient,
  startProgram,
  TempDir,
  urlOf,
} from "../support/program.ts";
import { testEachWebSocket } from "../support/websockets.ts";

/** All of them make certificates. */
function test(name: string, fn: (t: Deno.TestContext) => Promise<void>): void {
  testEachWebSocket({ needs: "openssl", name, fn });
}

/** A gateway that serves WSS and HTTPS, as a process, and a backend. */
class Setup implements AsyncDisposable {
  readonly dir: TempDir;
  readonly certificate: Certificate;
  readonly backend: RecordingBackend;
  readonly program: Program;
  readonly url: string;
  readonly #http: Deno.HttpClient;

  private constructor(
    dir: TempDir,
    certificate: Certificate,
    backend: RecordingBackend,
    program: Program,
    url: string,
  ) {
    this.dir = dir;
    this.certificate = certificate;
    this.backend = backend;
    this.program = program;
    this.url = url;
    this.#http = Deno.createHttpClient({ caCerts: [certificate.cert] });
  }

  static async start(flags: readonly string[] = []): Promise<Setup> {
    await using stack = new AsyncDisposableStack();
    const dir = stack.use(new TempDir());
    const certificate = await makeCertificate(dir);
    const backend = stack.use(new RecordingBackend());
    const program = stack.use(startProgram([
      "--listen=127.0.0.1:0",
      `--backend=${backend.url}`,
      `--tls-cert=${dir.file("cert.pem", certificate.cert)}`,
      `--tls-key=${dir.file("key.pem", certificate.key)}`,
      "--drain-timeout=500ms",
      ...flags,
    ]));
    const setup = new Setup(dir, certificate, backend, program, await urlOf(program));
    stack.move();
    return setup;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Puts another pair into the program's files. */
  replace({ cert, key }: Certificate): void {
    this.dir.file("cert.pem", cert);
    this.dir.file("key.pem", key);
  }

  connect(clientId: string, { cert } = this.certificate): Promise<SecureClient> {
    return SecureClient.connect(`${this.url.replace("https", "wss")}/${clientId}`, cert);
  }

  /** A request to the API that trusts the first certificate. */
  async api(path: string, init: RequestInit = {}): Promise<{ status: number; text: string }> {
    const response = await inTime(fetch(this.url + path, { ...init, client: this.#http }), path);
    return { status: response.status, text: await response.text() };
  }

  /** A TLS connection that trusts only this certificate. */
  async open({ cert }: Certificate): Promise<Deno.TlsConn> {
    const { port } = this;
    const conn = await Deno.connectTls({ hostname: "127.0.0.1", port, caCerts: [cert] });
    try {
      await inTime(conn.handshake(), "a handshake");
    } catch (error) {
      conn.close();
      throw error;
    }
    return conn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http.close();
    await this.program[Symbol.asyncDispose]();
    await this.backend[Symbol.asyncDispose]();
    this.dir[Symbol.dispose]();
  }
}

/** Reads until the end, or until a whole head has come. */
async function readHead(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.includes("\r\n\r\n")) {
    const n = await inTime(conn.read(buffer), "the head of a response");
    if (n === null) break;
    text += new TextDecoder("latin1").decode(buffer.subarray(0, n));
  }
  return text;
}

/** Sends a CALL of this client and checks that it comes through and is answered. */
async function assertWorks(setup: Setup, client: SecureClient, id: string): Promise<void> {
  const { backend } = setup;
  strictEqual(await client.ask(`[2,"${id}","Act",{"n":1.0}]`), `[3,"${id}",{}]`);
  const { path, body, headers } = await backend.next("/call/");
  deepStrictEqual([path, body], [`/call/Act/CP1/${id}`, '{"n":1.0}']);
  strictEqual(headers.get("x-forwarded-for"), "127.0.0.1");
}

test("with --tls-cert and --tls-key clients come by WSS and the backend by HTTPS", async () => {
  await using setup = await Setup.start();
  const { backend, program } = setup;
  match(setup.url, /^https:\/\/127\.0\.0\.1:\d+$/);
  await using client = await setup.connect("CP1");
  await assertWorks(setup, client, "c1");
  const called = setup.api("/call/Reset/CP1/r1", {
    method: "POST",
    body: '{"type":"Soft"}',
    headers: { prefer: "wait=10" },
  });
  strictEqual(await client.next("[2,"), '[2,"r1","Reset",{"type":"Soft"}]');
  client.send('[3,"r1",{"n":1.0}]');
  deepStrictEqual(await called, { status: 200, text: '{"n":1.0}' });
  strictEqual((await setup.api("/call/Reset/CP1/r2", { method: "POST" })).status, 202);
  await client.next("[2,");
  client.send('[3,"r2",{}]');
  strictEqual((await backend.next("/result/")).path, "/result/Reset/CP1/r2");
  const listed = JSON.parse((await setup.api("/clients/CP1")).text);
  strictEqual(listed.remoteAddress, "127.0.0.1");
  program.signal("SIGTERM");
  deepStrictEqual(await client.whenClosed(), { code: 1001, reason: "shutting down" });
  const { code, stdout, stderr } = await program.ended();
  deepStrictEqual([code, stdout], [0, `ws2api listening on ${setup.url}\n`]);
  ok(!/ (?:error|warn) /.test(stderr), stderr);
});

test("the peer's own X-Forwarded-For does not count, with --trust-proxy it does", async (t) => {
  for (const [flags, expected] of [[[], "127.0.0.1"], [["--trust-proxy"], "9.9.9.9"]] as const) {
    await t.step(flags.join() || "without --trust-proxy", async () => {
      await using setup = await Setup.start([...flags, "--connect-hook"]);
      const conn = await setup.open(setup.certificate);
      await write(conn, upgradeHead("/CP1", { "X-Forwarded-For": "8.8.8.8, 9.9.9.9" }));
      match(await readHead(conn), /^HTTP\/1\.1 101 /);
      const { headers, body } = await setup.backend.next("/connect/");
      strictEqual(headers.get("x-forwarded-for"), expected);
      const { remoteAddress, tls } = JSON.parse(body);
      deepStrictEqual([remoteAddress, tls], [expected, true]);
      conn.close();
    });
  }
});

test("the API can have its own listener, and it speaks HTTPS too", async () => {
  await using setup = await Setup.start(["--api-listen=127.0.0.1:0"]);
  const [, second = ""] = await setup.program.lines(2);
  const apiUrl = /^ws2api api on (https:\/\/127\.0\.0\.1:\d+)$/.exec(second)![1]!;
  using http = Deno.createHttpClient({ caCerts: [setup.certificate.cert] });
  const response = await fetch(`${apiUrl}/readyz`, { client: http });
  deepStrictEqual([response.status, await response.text()], [200, "ok"]);
});

test("what is no TLS ends without harm to others", async (t) => {
  await using setup = await Setup.start();
  await using client = await setup.connect("CP1");
  const rows: [name: string, text: string][] = [
    ["plain HTTP", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["a plain upgrade", upgradeHead("/CP2")],
    ["a torn ClientHello", "\x16\x03\x01\x02\x00\x01\x00"],
    ["an SSL 2 hello", "\x80\x2e\x01\x00\x02"],
    ["zeros", "\0".repeat(70_000)],
  ];
  for (const [name, text] of rows) {
    await t.step(name, async () => {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: setup.port });
      // The gateway may have cut the connection before it took all of this.
      await write(conn, text).catch(() => {});
      if (name === "a torn ClientHello") await conn.closeWrite();
      const head = await readHead(conn).catch(() => "");
      ok(!head.includes("HTTP/"), head);
      conn.close();
      await assertWorks(setup, client, name.replaceAll(" ", "-"));
    });
  }
  strictEqual((await setup.api("/healthz")).text, "ok");
});

testWith(
  ["openssl", "ss"],
  "the loopback port behind TLS refuses everyone but the gateway itself",
  async () => {
    await using setup = await Setup.start(["--trust-proxy"]);
    const { stdout } = await new Deno.Command(programOf("ss"), { args: ["-Htlnp"], stdin: "null" })
      .output();
    const ports = new TextDecoder().decode(stdout).split("\n")
      .filter((line) => line.includes(`pid=${setup.program.pid},`))
      .map((line) => Number(/:(\d+)\s/.exec(line)![1]))
      .filter((port) => port !== setup.port);
    strictEqual(ports.length, 1);
    for (const text of [upgradeHead("/CP1"), "GET /clients HTTP/1.1\r\nHost: localhost\r\n\r\n"]) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: ports[0]! });
      await write(conn, text);
      match(await readHead(conn), /^HTTP\/1\.1 403 /);
      conn.close();
    }
    strictEqual(JSON.parse((await setup.api("/clients")).text).total, 0);
    // Nor does the port count that a client's bytes come from, at another address of this machine.
    const client = await setup.open(setup.certificate);
    let port: number | undefined;
    await until("the way of the client's bytes", async () => {
      port = await wayTo(ports[0]!);
      return port !== undefined;
    });
    const stranger = connect({
      ...{ host: "127.0.0.1", port: ports[0]! },
      ...{ localAddress: "127.0.0.2", localPort: port! },
    });
    const answer = inTime(
      new Promise<string>((resolve, reject) => {
        stranger.once("data", (bytes) => resolve(String(bytes)));
        stranger.once("error", reject);
      }),
      "an answer",
    );
    stranger.write("GET /clients HTTP/1.1\r\nHost: localhost\r\n\r\n");
    match(await answer, /^HTTP\/1\.1 403 /);
    stranger.destroy();
    client.close();
  },
);

/** The local port of a connection to this one; undefined when there is none. */
async function wayTo(port: number): Promise<number | undefined> {
  const { stdout } = await new Deno.Command(programOf("ss"), {
    args: ["-Htn", "state", "established", `dport = :${port}`],
    stdin: "null",
  }).output();
  const found = /127\.0\.0\.1:(\d+)\s/.exec(new TextDecoder().decode(stdout))?.[1];
  return found === undefined ? undefined : Number(found);
}

for (const workers of [1, 2]) {
  test(`SIGHUP takes a new certificate for new connections, and the old ones stay, workers: ${workers}`, async () => {
    await using setup = await Setup.start([`--workers=${workers}`]);
    const { certificate: before, program } = setup;
    await using old = await setup.connect("CP1");
    const after = await makeCertificate(setup.dir);
    notStrictEqual(after.cert, before.cert);
    setup.replace(after);
    await rejects(setup.open(after), "not before the signal");
    program.signal("SIGHUP");
    await program.logged("certificate read again");
    // The older listener ends a moment after that line: what the old connection carries comes later.
    await assertWorks(setup, old, "c1");
    // Of any worker.
    for (let i = 0; i < 10 * workers; i++) {
      (await setup.open(after)).close();
      await rejects(setup.open(before), /UnknownIssuer|invalid peer certificate/);
    }
    using http = Deno.createHttpClient({ caCerts: [after.cert] });
    const called = await fetch(`${setup.url}/call/Reset/CP1/r2`, { method: "POST", client: http });
    await called.body?.cancel();
    strictEqual(called.status, 202);
    strictEqual(await old.next("[2,"), '[2,"r2","Reset",{}]');
    old.send('[3,"r2",{}]');
    await setup.backend.next("/result/");
    await using newer = await setup.connect("CP1", after);
    deepStrictEqual(await old.whenClosed(), { code: 1008, reason: "replaced" });
    await assertWorks(setup, newer, "c2");
    program.signal("SIGTERM");
    deepStrictEqual(await newer.whenClosed(), { code: 1001, reason: "shutting down" });
    const { code, stderr } = await program.ended();
    strictEqual(code, 0);
    ok(!stderr.includes("tls connection not accepted"), stderr);
  });
}

test("a certificate that cannot be used keeps the old one, and an error says so", async (t) => {
  await using setup = await Setup.start();
  const { certificate, program, dir } = setup;
  await using old = await setup.connect("CP1");
  const other = await makeCertificate(dir);
  const rows: [name: string, pair: Certificate][] = [
    ["another one's key", { cert: other.cert, key: certificate.key }],
    ["no key", { cert: other.cert, key: "" }],
    ["no PEM", { cert: "no PEM\n", key: other.key }],
    ["a key that is no PEM", { cert: other.cert, key: "no PEM\n" }],
    ["a certificate that is cut short", { cert: other.cert.slice(0, 200), key: other.key }],
    ["the two mixed up", { cert: other.key, key: other.cert }],
  ];
  for (const [k, [name, pair]] of rows.entries()) {
    await t.step(name, async () => {
      setup.replace(pair);
      program.signal("SIGHUP");
      const stderr = await program.logged("certificate not read again", k + 1);
      ok(!stderr.includes("PRIVATE KEY"));
      await assertWorks(setup, old, `o${k}`);
      (await setup.open(certificate)).close();
    });
  }
  await t.step("and then a good one", async () => {
    setup.replace(other);
    program.signal("SIGHUP");
    await program.logged("certificate read again");
    await assertWorks(setup, old, "last");
    (await setup.open(other)).close();
  });
});

test("clients that never finish the handshake do not hold up others", async () => {
  await using setup = await Setup.start();
  const conns = await Promise.all(
    Array.from(
      { length: 50 },
      () => Deno.connect({ hostname: "127.0.0.1", port: setup.port }),
    ),
  );
  for (const conn of conns.slice(25)) await write(conn, "\x16\x03\x01\x02\x00\x01");
  await using client = await inTime(setup.connect("CP1"), "an honest client among them", 5000);
  await assertWorks(setup, client, "c1");
  for (const conn of conns) conn.close();
});

test("frames of 1 MiB pass both ways, byte for byte", async () => {
  await using setup = await Setup.start();
  const { backend } = setup;
  await using client = await setup.connect("CP1");
  const frame = (head: string): string =>
    `${head}{"s":"${"x".repeat(1024 ** 2 - head.length - 9)}"}]`;
  const upwards = frame('[2,"c1","Act",');
  strictEqual(upwards.length, 1024 ** 2);
  const answer = `{"s":"${"y".repeat(1024 ** 2 - 8)}"}`;
  backend.answer = () => json(answer);
  ok(await client.ask(upwards) === `[3,"c1",${answer}]`, "the backend's answer");
  ok((await backend.next("/call/")).body === upwards.slice(14, -1), "the client's payload");
  backend.answer = () => json("{}");
  const called = setup.api("/call/Reset/CP1/r1", {
    method: "POST",
    body: answer,
    headers: { prefer: "wait=10" },
  });
  ok(await client.next("[2,") === `[2,"r1","Reset",${answer}]`, "the backend's payload");
  const result = frame('[3,"r1",');
  client.send(result);
  const { status, text } = await called;
  strictEqual(status, 200);
  ok(text === result.slice(8, -1), "the client's answer");
});

test("many small frames keep their order both ways", async () => {
  await using setup = await Setup.start(["--max-queue=1000", "--call-concurrency=1000"]);
  const { backend } = setup;
  await using client = await setup.connect("CP1");
  const ids = Array.from({ length: 200 }, (_, k) => `c${k}`);
  for (const id of ids) client.send(`[2,"${id}","Act",{}]`);
  for (const id of ids) strictEqual(await client.next(), `[3,"${id}",{}]`);
  deepStrictEqual(backend.paths("/call/"), ids.map((id) => `/call/Act/CP1/${id}`));
  const { status, text } = await setup.api("/clients/CP1");
  strictEqual(status, 200, text);
  for (const id of ids) {
    strictEqual((await setup.api(`/call/Reset/CP1/${id}`, { method: "POST" })).status, 202);
  }
  for (const id of ids) strictEqual(await client.next(), `[2,"${id}","Reset",{}]`);
  for (const id of ids) client.send(`[3,"${id}",{}]`);
  for (const id of ids) {
    strictEqual((await backend.next("/result/")).path, `/result/Reset/CP1/${id}`);
  }
});

test("a client that vanishes behind TLS is seen to go", async () => {
  await using setup = await Setup.start(["--disconnect-hook"]);
  const conn = await setup.open(setup.certificate);
  await write(conn, upgradeHead("/CP1"));
  match(await readHead(conn), /^HTTP\/1\.1 101 /);
  conn.close();
  const { path, body } = await setup.backend.next("/disconnect/");
  deepStrictEqual([path, JSON.parse(body).code], ["/disconnect/CP1", 1006]);
  strictEqual((await setup.api("/clients/CP1")).status, 404);
});

test("a port in use ends the program with 1 and one line with TLS too", async () => {
  await using setup = await Setup.start();
  await using second = startProgram([
    `--listen=127.0.0.1:${setup.port}`,
    `--tls-cert=${setup.dir.path("cert.pem")}`,
    `--tls-key=${setup.dir.path("key.pem")}`,
  ]);
  deepStrictEqual(await second.lines(1), [], "it does not start");
  const { code, stderr } = await second.ended();
  strictEqual(code, 1);
  match(stderr, /^ws2api: cannot listen on \S+: the port is in use\n$/);
});

test("a certificate or key that cannot be used keeps the program from starting, and one line says why", async (t) => {
  using dir = new TempDir();
  const { cert, key } = await makeCertificate(dir);
  const other = await makeCertificate(dir);
  const rows: [name: string, pair: Certificate][] = [
    ["a certificate that is no PEM", { cert: "no PEM\n", key }],
    ["a key that is no PEM", { cert, key: "no PEM\n" }],
    ["an empty key", { cert, key: "" }],
    ["another one's key", { cert, key: other.key }],
    ["the two mixed up", { cert: key, key: cert }],
  ];
  for (const [name, pair] of rows) {
    await t.step(name, async () => {
      await using program = startProgram([
        "--listen=127.0.0.1:0",
        `--tls-cert=${dir.file("cert.pem", pair.cert)}`,
        `--tls-key=${dir.file("key.pem", pair.key)}`,
      ]);
      deepStrictEqual(await program.lines(1), []);
      const { code, stderr } = await program.ended();
      ok(code === 1 || code === 2, String(code));
      match(stderr, /^ws2api: [^\n]+\n$/);
      ok(!stderr.includes("PRIVATE KEY"));
    });
  }
});
