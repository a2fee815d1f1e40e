import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { entrySubject } from "../../lib/outbox/jetstream/subject.ts";
import { LedgerUnderTest } from "../outbox/jetstream/ledger_under_test.ts";
import { closedPort, RecordingBackend } from "../support/backend.ts";
import { makeDatedCertificate } from "../support/dated_certificate.ts";
import { NatsServer, withJetStream } from "../support/nats.ts";
import { testWith } from "../support/needs.ts";
import { makeCertificate, startCommand, startProgram, TempDir, urlOf } from "../support/program.ts";

interface Checked {
  readonly code: number;
  readonly stdout: string;
}

/** Runs it; nothing goes to standard error. */
async function check(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Checked> {
  await using program = startProgram(["--check", ...args], env);
  const { code, stdout, stderr } = await program.ended();
  strictEqual(stderr, "");
  match(
    stdout,
    /^(?:(?:ok {2}|note|warn|bad ) \S[^\n]*\n)+the gateway can(?:not)? run like this[^\n]*\n$/,
  );
  return { code, stdout };
}

Deno.test("--check says what it found line by line, without a secret, and ends with 0", async () => {
  using dir = new TempDir();
  await using backend = new RecordingBackend();
  const config = dir.file("ws2api.toml", `api-token = "s3cret"\nlisten = "127.0.0.1:0"\n`);
  const { code, stdout } = await check([`--config=${config}`, "--ping-interval=1s"], {
    WS2API_BACKEND: backend.url,
    WS2API_SIGN_KEY_FILE: dir.file("key", "whsec_AQID\n"),
    WS2API_OPEN_FILES: "1024",
  });
  strictEqual(code, 0, stdout);
  for (
    const line of [
      "ok   --listen: 127.0.0.1:0 (by the file)",
      "ok   --api-token: set (by the file)",
      `ok   --backend: ${backend.url} (by a variable)`,
      "ok   --ping-interval: 1s (by a flag)",
      "warn --ping-interval: pings closer than",
      "ok   signing keys: 1 in ",
      "ok   --listen: 127.0.0.1:0 is free",
      "ok   memory: 8192MiB of the machine's ",
      "note open files: 1024: room for ",
      `ok   backend: ${backend.url}`,
      "the gateway can run like this\n",
    ]
  ) ok(stdout.includes(line), `${line}\n${stdout}`);
  ok(!/s3cret|AQID/.test(stdout), stdout);
  // No request.
  deepStrictEqual(backend.requests, []);
});

Deno.test("--check ends with 2 for what is wrong, and says all of it", async () => {
  using dir = new TempDir();
  const { code, stdout } = await check([
    ...["--listen=192.0.2.1:1", "--insecure-api", `--backend=http://127.0.0.1:${closedPort()}/`],
    ...[`--sign-key-file=${dir.path("none")}`, "--max-memory=64MiB"],
  ]);
  strictEqual(code, 2);
  match(stdout, /^bad {2}files: --sign-key-file: ".*none" cannot be read \(NotFound\)/m);
  match(stdout, /^bad {2}--listen: 192\.0\.2\.1:1 cannot be listened on: /m);
  match(stdout, /^bad {2}memory: --max-memory: 64MiB is not allowed/m);
  match(stdout, /^bad {2}backend: http:\S+ cannot be reached: .*refused/m);
  match(stdout, /^the gateway cannot run like this: 4 faults$/m);
});

Deno.test("--check refuses a bad command line as the start does", async () => {
  await using program = startProgram(["--check", "--retries=many"]);
  const { code, stdout, stderr } = await program.ended();
  deepStrictEqual([code, stdout], [2, ""]);
  match(stderr, /^ws2api: --retries: "many" is not allowed; [^\n]+\n$/);
});

Deno.test("--check beside the gateway that runs: its port is a note, and it runs on", async () => {
  await using backend = new RecordingBackend();
  const flags = [`--backend=${backend.url}`];
  await using running = startProgram(["--listen=127.0.0.1:0", ...flags]);
  const url = await urlOf(running);
  const { host } = new URL(url);
  const { code, stdout } = await check([`--listen=${host}`, ...flags]);
  strictEqual(code, 0, stdout);
  match(stdout, new RegExp(`^note --listen: ${host} is in use, by the gateway that runs`, "m"));
  strictEqual(await (await fetch(`${url}/healthz`)).text(), "ok");
});

testWith(["openssl"], "--check looks at the certificate: its key, its end", async (t) => {
  using dir = new TempDir();
  await using backend = new RecordingBackend();
  const [one, other] = [await makeCertificate(dir), await makeCertificate(dir)];
  const [from, to] = [Date.UTC(2020, 0, 1), Date.UTC(2021, 0, 1)];
  const old = await makeDatedCertificate(dir, from, to);
  const early = await makeDatedCertificate(dir, Date.UTC(2090, 0, 1), Date.UTC(2091, 0, 1));
  const files = {
    cert: dir.file("cert.pem", one.cert),
    key: dir.file("key.pem", one.key),
    other: dir.file("other.pem", other.key),
    text: dir.file("text.pem", "no certificate"),
    old: dir.file("old.pem", old.cert),
    oldKey: dir.file("old.key.pem", old.key),
    early: dir.file("early.pem", early.cert),
    earlyKey: dir.file("early.key.pem", early.key),
  };
  const rows: [cert: keyof typeof files, key: keyof typeof files, code: number, line: RegExp][] = [
    // It is made for two days.
    ["cert", "key", 0, /^warn certificate: it expires at /m],
    ["cert", "other", 2, /^bad {2}(?:certificate|files): .*key/m],
    ["text", "key", 2, /^bad {2}certificate: TLS cannot be served with it: /m],
    ["old", "oldKey", 2, /^bad {2}certificate: it has expired, at 2021-01-01/m],
    ["early", "earlyKey", 2, /^bad {2}certificate: it is not valid before 2090-01-01/m],
  ];
  for (const [cert, key, code, line] of rows) {
    await t.step(`${cert} with ${key}`, async () => {
      const checked = await check([
        ...["--listen=127.0.0.1:0", `--backend=${backend.url}`],
        ...[`--tls-cert=${files[cert]}`, `--tls-key=${files[key]}`],
      ]);
      match(checked.stdout, line);
      strictEqual(checked.code, code, checked.stdout);
    });
  }
});

Deno.test("--check looks at the outbox, makes none, and leaves a gateway's own alone", async () => {
  using dir = new TempDir();
  await using backend = new RecordingBackend();
  const folder = dir.path("outbox");
  const flags = ["--listen=127.0.0.1:0", `--backend=${backend.url}`, `--outbox=${folder}`];
  const fresh = await check(flags);
  strictEqual(fresh.code, 0, fresh.stdout);
  match(fresh.stdout, /^ok {3}outbox: ".*outbox" can be written; its file is made at the start$/m);
  deepStrictEqual([...Deno.readDirSync(dir.path(""))], []);
  {
    await using running = startProgram(flags);
    const url = await urlOf(running);
    const beside = await check(flags);
    strictEqual(beside.code, 0, beside.stdout);
    match(beside.stdout, /^note outbox: ".*outbox" is in use, by the gateway that runs/m);
    strictEqual(await (await fetch(`${url}/healthz`)).text(), "ok");
    running.signal("SIGTERM");
    await running.ended();
  }
  const left = await check(flags);
  match(left.stdout, /^ok {3}outbox: .* 0 accepted CALLs and 0 reports$/m);
  Deno.writeTextFileSync(`${folder}/outbox.sqlite`, "no database\n".repeat(500));
  const damaged = await check(flags);
  strictEqual(damaged.code, 2);
  match(damaged.stdout, /^bad {2}outbox: ".*outbox": outbox\.sqlite is damaged/m);
});

testWith(["openssl"], "--check does the TLS handshake with a backend", async () => {
  using dir = new TempDir();
  const { cert, key } = await makeCertificate(dir);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} },
    () => new Response("{}"),
  );
  const url = `https://127.0.0.1:${server.addr.port}/`;
  const { code, stdout } = await check(["--listen=127.0.0.1:0", `--backend=${url}`]);
  strictEqual(code, 2);
  match(stdout, /^bad {2}backend: https:\S+ cannot be reached: .*certificate/m);
  const [run = "", ...rest] = startCommand();
  const trusting = [run, `--cert=${dir.file("ca.pem", cert)}`, ...rest];
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [...trusting, "--check", "--listen=127.0.0.1:0", `--backend=${url}`],
    cwd: new URL("../../", import.meta.url),
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).output();
  ok(success);
  await server.shutdown();
});

testWith("nats-server", "--check connects to NATS, logs in, and tries the rights", async (t) => {
  await using backend = new RecordingBackend();
  const user = (name: string, allowed: string): string =>
    `{ user: ${name}, password: s3cret, permissions: { publish: [${allowed}], subscribe: [${allowed}] } }`;
  await using nats = await NatsServer.start(
    `authorization { users: [ ${user("good", '"ws2api.>"')}, ${user("poor", '"ws2api.peer.>"')},
      ${user("mute", '"ws2api.inbox.>"')}, { user: deaf, password: s3cret, permissions: {
      publish: ["ws2api.>"], subscribe: ["ws2api.inbox.>", "ws2api.all"] } }, { user: some,
      password: s3cret, permissions: { publish: ["ws2api.>"], subscribe: ["ws2api.inbox.>",
      "ws2api.peer.>", "ws2api.client.>"] } } ] }`,
  );
  const flags = ["--listen=127.0.0.1:0", `--backend=${backend.url}`];
  const rows: [name: string, url: string, code: number, line: RegExp][] = [
    [
      "all is well",
      `nats://good:s3cret@${nats.host}`,
      0,
      /^ok {3}nats: \S+ \(2\.\d+\S*\) takes the login/m,
    ],
    [
      "a wrong password",
      `nats://good:s3cret1@${nats.host}`,
      2,
      /^bad {2}nats: .*[Aa]uthorization/m,
    ],
    [
      "too few subjects",
      `nats://poor:s3cret@${nats.host}`,
      2,
      /^bad {2}nats: .*[Pp]ermissions? violation/im,
    ],
    [
      "no subjects",
      `nats://mute:s3cret@${nats.host}`,
      2,
      /^bad {2}nats: .*[Pp]ermissions? violation/im,
    ],
    [
      "nothing to hear",
      `nats://deaf:s3cret@${nats.host}`,
      2,
      /^bad {2}nats: .*[Pp]ermissions? violation/im,
    ],
    [
      "not all that is said to all",
      `nats://some:s3cret@${nats.host}`,
      2,
      /^bad {2}nats: .*[Pp]ermissions? violation.*ws2api\.all/im,
    ],
    ["nobody there", `nats://good:s3cret@127.0.0.1:${closedPort()}`, 2, /^bad {2}nats: .*refused/m],
  ];
  for (const [name, url, code, line] of rows) {
    await t.step(name, async () => {
      const checked = await check(flags, { WS2API_NATS: url });
      match(checked.stdout, line);
      strictEqual(checked.code, code, checked.stdout);
      ok(!checked.stdout.includes("s3cret"), checked.stdout);
    });
  }
});

testWith("nats-server", "--check looks at an outbox in NATS, and makes nothing", async (t) => {
  await using backend = new RecordingBackend();
  const flags = ["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--outbox=nats"];
  const conf = Deno.readTextFileSync(new URL("../../examples/nats/nats.conf", import.meta.url));
  await t.step("as in the example", async () => {
    await using nats = await NatsServer.start((dir) =>
      `NATS_PASSWORD: s3cret\n` +
      conf.replace("jetstream {", `jetstream {\nstore_dir: ${JSON.stringify(dir.path("data"))}`)
    );
    const url = `nats://ws2api:s3cret@${nats.host}`;
    for (let i = 0; i < 2; i++) {
      const fresh = await check(flags, { WS2API_NATS: url });
      strictEqual(fresh.code, 0, fresh.stdout);
      match(fresh.stdout, /^ok {3}outbox: JetStream takes the login; its streams are made at/m);
      match(fresh.stdout, /^warn outbox: one NATS server keeps it/m);
    }
    await using one = await LedgerUnderTest.ready(url, { prefix: "ws2api" });
    const subject = entrySubject("ws2api", "o", "c", "1");
    strictEqual((await one.ledger.entries.put(subject, "{}", 0)).kind, "stored");
    const used = await check(flags, { WS2API_NATS: url });
    strictEqual(used.code, 0, used.stdout);
    match(
      used.stdout,
      /^ok {3}outbox: JetStream takes the login; in it are 1 entries, \S+ of 1024MiB/m,
    );
    match(used.stdout, /^warn outbox: 1 NATS server keeps each of them: not 3$/m);
    deepStrictEqual([one.said, one.ups], [[], 1]);
  });
  await t.step("without JetStream, and without a right", async () => {
    await using off = await NatsServer.start();
    const none = await check(flags, { WS2API_NATS: off.url });
    strictEqual(none.code, 2, none.stdout);
    match(none.stdout, /^bad {2}outbox: in NATS: nobody answers for JetStream/m);
    await using poor = await NatsServer.start((dir) =>
      `authorization { users: [ { user: u, password: s3cret, permissions: { publish: ["ws2api.>"],
        subscribe: ["ws2api.>"] } } ] }\n${withJetStream(dir)}`
    );
    const few = await check(flags, { WS2API_NATS: `nats://u:s3cret@${poor.host}` });
    strictEqual(few.code, 2, few.stdout);
    match(
      few.stdout,
      /^bad {2}outbox: in NATS: the login may not publish to \$JS\.API\.STREAM\.INFO/m,
    );
    ok(!few.stdout.includes("s3cret"));
  });
});
