import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { connect } from "@nats-io/transport-node";
import { closedPort, RecordingBackend } from "../../support/backend.ts";
import { TestClient } from "../../support/client.ts";
import { until } from "../../support/deadline.ts";
import { testWith } from "../../support/needs.ts";
import {
  KeptLog,
  makeCredentials,
  NatsGateway,
  NatsServer,
  testWithNats as test,
} from "../../support/nats.ts";
import { makeCertificate, startProgram, TempDir, urlOf } from "../../support/program.ts";

/** Two gateways with these flags reach each other. */
async function assertTied(nats: string, flags: readonly string[] = []): Promise<void> {
  await using backend = new RecordingBackend();
  await using a = await NatsGateway.ready(backend.url, nats, flags);
  await using b = await NatsGateway.ready(backend.url, nats, flags);
  await b.connect("CP1");
  strictEqual((await a.api("/clients/CP1")).status, 200);
}

/** A gateway with these flags does not get in, says so once, and shows no secret. */
async function assertKeptOut(
  nats: string,
  flags: readonly string[] = [],
  reason = /./,
  secrets: readonly string[] = [],
): Promise<void> {
  await using backend = new RecordingBackend();
  const log = new KeptLog();
  await using gateway = await NatsGateway.start(backend.url, nats, flags, log);
  await until("a word of it", () => log.count(", still trying") === 1);
  strictEqual((await gateway.api("/readyz")).status, 503);
  match(log.lines[0]!, reason);
  for (const secret of secrets) ok(!log.lines.join().includes(secret));
}

test("user and password stand in the URL, percent-encoded", async () => {
  await using nats = await NatsServer.start('authorization { user: "u@x", password: "p:/%" }');
  await assertTied(`nats://u%40x:p%3A%2F%25@${nats.host}`);
  await assertKeptOut(`nats://u%40x:s3cret@${nats.host}`, [], /Authorization/, ["s3cret"]);
  await assertKeptOut(nats.url);
});

test("a token stands in the URL", async () => {
  await using nats = await NatsServer.start('authorization { token: "t0ken" }');
  await assertTied(`nats://t0ken@${nats.host}`);
  await assertKeptOut(`nats://other@${nats.host}`, [], /Authorization/, ["other@"]);
});

/** What a login needs, and all that the examples give: `--nats-subject` and what is below it. */
function loginFor(subject: string): string {
  const allowed = `["${subject}.>"]`;
  return `authorization { users: [ { user: u, password: p, permissions: {` +
    ` publish: ${allowed}, subscribe: ${allowed} } } ] }`;
}

test("a login needs the subjects below --nats-subject, and nothing else", async () => {
  await using nats = await NatsServer.startToRestart(loginFor("eu.ws2api"));
  await using backend = new RecordingBackend();
  const url = `nats://u:p@${nats.host}`;
  const flags = ["--nats-subject=eu.ws2api"];
  const log = new KeptLog();
  await using a = await NatsGateway.ready(backend.url, url, flags, log);
  await using b = await NatsGateway.ready(backend.url, url, flags, log);

  /** Everything that instances do with each other. */
  const use = async (id: string): Promise<void> => {
    const found = (gateway: NatsGateway, status: number): Promise<void> =>
      until(
        `${status} for ${id}`,
        async () => (await gateway.api(`/clients/${id}`)).status === status,
      );
    const client = await b.connect(id);
    await found(a, 200);
    await until("the list", async () => (await a.list()).ids.join() === id);
    // A CALL whose outcome goes to the backend, which the ledger of the other one keeps until then.
    strictEqual((await a.call(`Reset/${id}/1`)).status, 202);
    await client.next('[2,"1","Reset",{}]');
    client.send('[3,"1",{"status":"Accepted"}]');
    strictEqual((await backend.next(`/result/Reset/${id}/1`)).body, '{"status":"Accepted"}');
    // One whose outcome is the answer.
    const waiting = a.call(`Reset/${id}/2`, "{}", { prefer: "wait=10" });
    await client.next('[2,"2","Reset",{}]');
    client.send('[4,"2","InternalError","no",{}]');
    strictEqual((await waiting).status, 422);
    // The newest connection wins over instances.
    const newer = await a.connect(id);
    strictEqual((await client.whenClosed()).reason, "replaced");
    await found(b, 200);
    strictEqual((await b.api(`/clients/${id}`, { method: "DELETE" })).status, 204);
    await newer.whenClosed();
    await found(b, 404);
  };

  await use("CP1");
  await nats.kill();
  await Promise.all([a.whenReady(false), b.whenReady(false)]);
  await nats.restart();
  await Promise.all([a.whenReady(), b.whenReady()]);
  for (const gateway of [a, b]) {
    await until(
      "them to know each other again",
      async () => (await gateway.api("/clients/x")).status === 404,
    );
  }
  await use("CP2");
  deepStrictEqual(log.lines.filter((line) => /ermission|not understood/.test(line)), []);

  // What others of the account may read shows nothing of it.
  await using stranger = await NatsGateway.start(backend.url, url, ["--nats-subject=other"], log);
  await until("a word of what it may not", () => log.count("nats forbids a subject") > 0);
  match(log.lines.at(-1)!, /^error .*"operation":"\w+","subject":"other\./);
  strictEqual((await stranger.api("/clients/CP1")).status, 503);
  strictEqual((await stranger.api("/readyz")).status, 503);
  // Tried again and again, and told once.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  strictEqual(log.count("nats forbids a subject"), 1);
});

test("answers come below --nats-subject, where nobody else of the account may read", async () => {
  await using nats = await NatsServer.start(
    `authorization { users: [ { user: u, password: p, permissions: {` +
      ` publish: ["ws2api.>"], subscribe: ["ws2api.>"] } }, { user: other, password: p,` +
      ` permissions: { publish: ["other.>"], subscribe: ["_INBOX.>", "other.>"] } } ] }`,
  );
  await using backend = new RecordingBackend();
  const url = `nats://u:p@${nats.host}`;
  const seen: string[] = [];
  const other = await connect({ servers: nats.host, user: "other", pass: "p" });
  try {
    other.subscribe("_INBOX.>", { callback: (_, { subject }) => void seen.push(subject) });
    await other.flush();
    await using a = await NatsGateway.ready(backend.url, url);
    await using b = await NatsGateway.ready(backend.url, url);
    await b.connect("CP1");
    await until("the client", async () => (await a.api("/clients/CP1")).status === 200);
    await other.flush();
    deepStrictEqual(seen, []);
  } finally {
    await other.close();
  }
});

test("a credentials file holds a JWT and its key", async () => {
  const { config, credentials } = makeCredentials();
  const stranger = makeCredentials();
  await using nats = await NatsServer.start(config);
  using dir = new TempDir();
  await assertTied(nats.url, [`--nats-creds=${dir.file("good.creds", credentials)}`]);
  const seed = /SU[A-Z0-9]{50,}/.exec(stranger.credentials)![0];
  const other = dir.file("other.creds", stranger.credentials);
  await assertKeptOut(nats.url, [`--nats-creds=${other}`], /Authorization/, [seed]);
  await assertKeptOut(nats.url, [`--nats-creds=${dir.file("no.creds", "no credentials")}`]);
});

testWith(
  ["nats-server", "openssl"],
  "TLS: the servers' certificate is believed by --nats-ca only, and nothing goes out before",
  async () => {
    using dir = new TempDir();
    const { cert, key } = await makeCertificate(dir);
    const other = await makeCertificate(dir);
    const [certFile, keyFile] = [dir.file("nats.pem", cert), dir.file("nats.key", key)];
    await using nats = await NatsServer.start(
      `tls { cert_file: "${certFile}", key_file: "${keyFile}" }\n` +
        "authorization { user: u, password: p }",
    );
    const url = `tls://u:p@${nats.host}`;
    await assertTied(url, [`--nats-ca=${certFile}`]);
    await assertTied(`nats://u:p@${nats.host}`, [`--nats-ca=${certFile}`]);
    await assertKeptOut(url, [`--nats-ca=${dir.file("other.pem", other.cert)}`]);
    await assertKeptOut(url);
    // A server without TLS is none to give a password to.
    await using open = await NatsServer.start("authorization { user: u, password: p }");
    await assertKeptOut(`tls://u:p@${open.host}`);
    await assertKeptOut(`nats://u:p@${open.host}`, [`--nats-ca=${certFile}`]);
  },
);

test("the first of the servers that is there is taken", async () => {
  await using nats = await NatsServer.start("authorization { user: u, password: p }");
  await assertTied(`nats://u:p@127.0.0.1:${closedPort()},${nats.url}`);
});

testWith(
  ["nats-server", "openssl"],
  "the program ties itself to others over TLS, and a login that is refused does not end it",
  async () => {
    using dir = new TempDir();
    const { cert, key } = await makeCertificate(dir);
    const [ca, keyFile] = [dir.file("nats.pem", cert), dir.file("nats.key", key)];
    const { config, credentials } = makeCredentials();
    await using nats = await NatsServer.start(
      `${config}\ntls { cert_file: "${ca}", key_file: "${keyFile}" }`,
    );
    const creds = `--nats-creds=${dir.file("good.creds", credentials)}`;
    const flags = ["--listen=127.0.0.1:0", `--nats=tls://${nats.host}`, `--nats-ca=${ca}`];
    await using one = startProgram([...flags, creds]);
    await using two = startProgram([...flags, creds]);
    await using bad = startProgram(flags);
    const programs = [one, two, bad];
    const [url = "", otherUrl = "", badUrl = ""] = await Promise.all(programs.map(urlOf));
    await one.logged("nats connected");
    await two.logged("nats connected");
    await bad.logged("nats refuses the login");
    const client = new TestClient(`${otherUrl.replace("http", "ws")}/CP1`);
    await client.opened;
    const status = async (path: string): Promise<number> => {
      const response = await fetch(path);
      await response.body?.cancel();
      return response.status;
    };
    await until("the client", async () => await status(`${url}/clients/CP1`) === 200);
    // Refused a second time, and a third.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    deepStrictEqual([await status(`${url}/readyz`), await status(`${badUrl}/readyz`)], [200, 503]);
    for (const program of programs) program.signal("SIGTERM");
    const ends = await Promise.all(programs.map((program) => program.ended()));
    deepStrictEqual(ends.map(({ code }) => code), [0, 0, 0]);
    strictEqual(ends[2]!.stderr.split("nats refuses the login").length, 2, "told once");
    await client.whenClosed();
  },
);
