import { deepStrictEqual, match, strictEqual, throws } from "node:assert/strict";
import { createServer, type TLSSocket } from "node:tls";
import type { TlsPair } from "../../lib/config/secret.ts";
import type { Handler } from "../../lib/listener/http_server.ts";
import type { HandshakeReason } from "../../lib/metrics/labels.ts";
import { respond } from "../../lib/problem.ts";
import { ClientAuthority } from "../support/client_certificate.ts";
import { upgradeHead } from "../support/client.ts";
import { inTime, until } from "../support/deadline.ts";
import { procText } from "../support/machine.ts";
import { programOf, testWith } from "../support/needs.ts";
import { type Certificate, makeCertificate, TempDir } from "../support/program.ts";
import { TestListener } from "../support/test_listener.ts";
import { tlsRequest } from "../support/tls_request.ts";

const EVENT = "TLS handshake failed";
const REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const DAY_MS = 86_400_000;
const NOW = Date.now();

/** A listener whose certificates are those of a pair. */
function start(pair: TlsPair, handler?: Handler): Promise<TestListener> {
  return TestListener.start(pair, handler, "ws");
}

/** An answer to a request by OpenSSL, which keeps the session in a file, or takes it up from there. */
async function openssl(
  dir: TempDir,
  port: number,
  args: readonly string[],
  shown?: Certificate,
): Promise<string> {
  const certificate = shown === undefined ? [] : [
    ...["-cert", dir.file("shown.crt", shown.cert), "-cert_chain", dir.path("shown.crt")],
    ...["-key", dir.file("shown.key", shown.key)],
  ];
  const child = new Deno.Command(programOf("openssl"), {
    args: ["s_client", "-connect", `127.0.0.1:${port}`, "-ign_eof", ...args, ...certificate],
    ...{ stdin: "piped", stdout: "piped", stderr: "null" },
  }).spawn();
  const writer = child.stdin.getWriter();
  // It may have ended.
  await writer.write(new TextEncoder().encode(REQUEST)).catch(() => {});
  const { stdout } = await inTime(child.output(), "the end of openssl");
  await writer.close().catch(() => {});
  return new TextDecoder().decode(stdout);
}

testWith(
  ["openssl"],
  "a certificate of a client that does not count is refused before any HTTP, and it is said why",
  async (t) => {
    using dir = new TempDir();
    const server = await makeCertificate(dir);
    const authority = await ClientAuthority.make(dir, "stations");
    const other = await ClientAuthority.make(dir, "others");
    const rsa = await ClientAuthority.make(dir, "rsa", "rsa");
    const below = await authority.below("below");
    const good = await authority.issue("/O=Example/CN=CP1");
    const revoked = await authority.issue("/CN=CP2");
    const revokedToo = await rsa.issue("/CN=CP3");
    const chained = await below.issue("/CN=CP4");
    const chain = { ...chained, cert: chained.cert + below.cert };
    const gone = await authority.below("gone");
    const leaf = await gone.issue("/CN=CP5");
    const ofRevoked = { ...leaf, cert: leaf.cert + good.cert + gone.cert };
    const selfSigned = await makeCertificate(dir);
    let requests = 0;
    await using listener = await start({
      ...server,
      clients: {
        ca: authority.cert + rsa.cert,
        crl: await authority.revoke(revoked, gone) + await rsa.revoke(revokedToo),
      },
    }, () => {
      requests++;
      return respond("ok", 200);
    });
    const rows: [
      name: string,
      shown: Certificate | undefined,
      cause?: HandshakeReason,
      error?: RegExp,
    ][] = [
      ["none", undefined, "no_certificate", /no certificate/],
      ["another authority's", await other.issue("/CN=CP1"), "bad_certificate", /another authority/],
      ["one that signs itself", selfSigned, "bad_certificate", /another authority/],
      [
        "one that has expired",
        await authority.issueDated("/CN=CP1", NOW - 9 * DAY_MS, NOW - 2 * DAY_MS),
        "bad_certificate",
        /has expired/,
      ],
      [
        "one that is not valid yet",
        await authority.issueDated("/CN=CP1", NOW + 2 * DAY_MS, NOW + 9 * DAY_MS),
        "bad_certificate",
        /not valid yet/,
      ],
      [
        "one for servers",
        await authority.issue("/CN=CP1", ["extendedKeyUsage=serverAuth"]),
        "bad_certificate",
        /./,
      ],
      ["a chain that is cut short", chained, "bad_certificate", /./],
      ["one of an authority that is revoked", ofRevoked, "revoked", /revoked/],
      [
        "one of an authority that is revoked, behind many that mean nothing",
        { cert: [leaf.cert, ...Array(9).fill(good.cert), gone.cert].join(""), key: leaf.key },
        "bad_certificate",
        /more than 10/,
      ],
      [
        "a good one behind which many are that mean nothing",
        { cert: good.cert.repeat(11), key: good.key },
        "bad_certificate",
        /more than 10/,
      ],
      ["one that is revoked", revoked, "revoked", /revoked/],
      ["one that is revoked by the other authority", revokedToo, "revoked", /revoked/],
      ["a good one", good],
      ["a good one for clients", await authority.issue("/CN=CP1", ["extendedKeyUsage=clientAuth"])],
      ["a good one of the other authority", await rsa.issue("/CN=CP1")],
      ["a chain", chain],
    ];
    for (const [name, shown, cause, error] of rows) {
      await t.step(name, async () => {
        const before = requests;
        const { status } = await tlsRequest(listener.port, server.cert, REQUEST, shown);
        if (cause === undefined) {
          deepStrictEqual([status, requests], [200, before + 1]);
          return deepStrictEqual(listener.logged.lines, []);
        }
        await until("the line", () => Promise.resolve(listener.logged.lines.length > 0));
        const [line, ...more] = listener.logged.take(EVENT);
        deepStrictEqual([line?.remoteAddress, line?.cause], ["127.0.0.1", cause]);
        match(String(line?.error), error!);
        deepStrictEqual(more, []);
        deepStrictEqual([status, requests], [0, before]);
      });
    }
    strictEqual(listener.metrics.handshakesFailed.bad_certificate.sum, 8);
    strictEqual(listener.metrics.handshakesFailed.revoked.sum, 3);
    strictEqual(listener.metrics.handshakesFailed.no_certificate.sum, 1);
  },
);

testWith(
  ["openssl"],
  "other authorities and lists count for connections to come, bad ones change nothing",
  async () => {
    using dir = new TempDir();
    const server = await makeCertificate(dir);
    const [a, b] = [await ClientAuthority.make(dir, "a"), await ClientAuthority.make(dir, "b")];
    const [one, two] = [await a.issue("/CN=CP1"), await b.issue("/CN=CP1")];
    await using listener = await start({ ...server, clients: { ca: a.cert, crl: undefined } });
    const statuses = async (): Promise<number[]> => {
      const ask = (shown?: Certificate): Promise<{ status: number }> =>
        tlsRequest(listener.port, server.cert, REQUEST, shown);
      return [await ask(one), await ask(two), await ask()].map(({ status }) => status);
    };
    deepStrictEqual(await statuses(), [200, 0, 0]);
    listener.reload({ ...server, clients: { ca: b.cert, crl: undefined } });
    deepStrictEqual(await statuses(), [0, 200, 0]);
    listener.reload({ ...server, clients: { ca: a.cert + b.cert, crl: await b.revoke(two) } });
    deepStrictEqual(await statuses(), [200, 0, 0]);
    throws(() => listener.reload({ ...server, clients: { ca: "no PEM", crl: undefined } }));
    throws(() => listener.reload({ ...server, clients: { ca: a.cert, crl: "no PEM" } }));
    deepStrictEqual(await statuses(), [200, 0, 0]);
  },
);

for (const version of ["-tls1_2", "-tls1_3"]) {
  testWith(
    ["openssl"],
    `a session that is taken up again gets round nothing, ${version}`,
    async (t) => {
      using dir = new TempDir();
      const server = await makeCertificate(dir);
      const authority = await ClientAuthority.make(dir, "stations");
      const other = await ClientAuthority.make(dir, "others");
      const below = await authority.below("below");
      const narrow = await authority.below("narrow", [
        "nameConstraints=critical,permitted;DNS:example.com",
      ]);
      const narrowToo = await authority.below("narrow-too", [
        "nameConstraints=permitted;DNS:example.com",
      ]);
      const pair = (ca: string, crl?: string): TlsPair => ({ ...server, clients: { ca, crl } });
      await using listener = await start(pair(authority.cert));
      // Its sessions are this process's, as those of an API's listener are; and it lets everybody in.
      const lax = createServer({
        ...server,
        ca: authority.cert,
        requestCert: true,
        rejectUnauthorized: false,
      });
      lax.on("secureConnection", (secure: TLSSocket) => {
        secure.on("error", () => {}).once("data", () => secure.end("HTTP/1.1 200 OK\r\n\r\n"));
      });
      await new Promise<void>((resolve) => lax.listen(0, "127.0.0.1", resolve));
      using _lax = { [Symbol.dispose]: () => void lax.close() };
      const { port: laxPort } = lax.address() as { port: number };
      const session = dir.path("session.pem");
      const keep = (port: number, shown?: Certificate): Promise<string> =>
        openssl(dir, port, [version, "-sess_out", session], shown);
      const again = (): Promise<string> =>
        openssl(dir, listener.port, [version, "-sess_in", session]);
      const assertRefused = async (cause: HandshakeReason, error: RegExp): Promise<void> => {
        const text = await again();
        match(text, /^Reused, /m);
        strictEqual(/HTTP\/1.1 \d+/.exec(text)?.[0], undefined);
        await until("the line", () => Promise.resolve(listener.logged.lines.length > 0));
        const lines = listener.logged.take(EVENT);
        deepStrictEqual(lines.map((line) => line.cause), [cause]);
        match(String(lines[0]?.error), error);
      };
      const good = await authority.issue("/CN=CP1");

      await t.step("a good one is served", async () => {
        match(await keep(listener.port, good), /HTTP\/1.1 200/);
        const text = await again();
        match(text, /^Reused, /m);
        match(text, /HTTP\/1.1 200/);
      });
      await t.step("its authority counts no more", async () => {
        listener.reload(pair(other.cert));
        await assertRefused("bad_certificate", /signed by none/);
        listener.reload(pair(authority.cert));
      });
      await t.step("its CA is for certain names by now", async () => {
        const { cert } = await authority.again("again", [
          "nameConstraints=critical,permitted;DNS:example.com",
        ]);
        listener.reload(pair(cert));
        await assertRefused("bad_certificate", /certain names/);
        listener.reload(pair(authority.cert));
      });
      await t.step("it is revoked by now", async () => {
        listener.reload(pair(authority.cert, await authority.revoke(good)));
        await assertRefused("revoked", /revoked/);
      });
      const rows: [
        name: string,
        shown: Certificate | undefined,
        cause: HandshakeReason,
        error: RegExp,
      ][] = [
        ["none", undefined, "no_certificate", /./],
        ["another authority's", await other.issue("/CN=CP1"), "bad_certificate", /signed by none/],
        [
          "one that has expired",
          await authority.issueDated("/CN=CP1", NOW - 9 * DAY_MS, NOW - 2 * DAY_MS),
          "bad_certificate",
          /has expired/,
        ],
        [
          "one for servers",
          await authority.issue("/CN=CP1", ["extendedKeyUsage=serverAuth"]),
          "bad_certificate",
          /not for clients/,
        ],
        [
          "one that a client's certificate has signed",
          await signedBy(dir, await authority.issue("/CN=CP9")),
          "bad_certificate",
          /authority's certificate/,
        ],
        [
          "one of an authority for certain names",
          await chainOf(narrow),
          "bad_certificate",
          /authority's certificate/,
        ],
      ];
      rows.push([
        "one of an authority for certain names, which need not be known",
        await chainOf(narrowToo),
        "bad_certificate",
        /authority's certificate/,
      ]);
      for (const [name, shown, cause, error] of rows) {
        await t.step(`${name}, of another listener`, async () => {
          match(await keep(laxPort, shown), /HTTP\/1.1 200/);
          await assertRefused(cause, error);
        });
      }
      await t.step("a chain, of another listener", async () => {
        match(await keep(laxPort, await chainOf(below)), /HTTP\/1.1 200/);
        const text = await again();
        deepStrictEqual(listener.logged.lines, []);
        match(text, /HTTP\/1.1 200/);
      });
    },
  );
}

async function chainOf(authority: ClientAuthority): Promise<Certificate> {
  const { cert, key } = await authority.issue("/CN=CP1");
  return { cert: cert + authority.cert, key };
}

/** One whose issuer is no authority. */
async function signedBy(dir: TempDir, { cert, key }: Certificate): Promise<Certificate> {
  dir.file("leaf.crt", cert);
  dir.file("leaf.key", key);
  const leaf = ClientAuthority.of(dir, "leaf");
  return await chainOf(leaf);
}

testWith(["openssl"], "an upgrade has the certificate that was shown, byte for byte", async () => {
  using dir = new TempDir();
  const server = await makeCertificate(dir);
  const authority = await ClientAuthority.make(dir, "stations");
  const shown = await authority.issue("/CN=CP1");
  const got: (string | undefined)[] = [];
  const handler: Handler = ({ upgrade }) => {
    got.push(upgrade?.certificate?.toBase64());
    return respond("no", 403);
  };
  await using asking = await start(
    { ...server, clients: { ca: authority.cert, crl: undefined } },
    handler,
  );
  await using plain = await start(server, handler);
  for (const { port } of [asking, plain]) {
    strictEqual((await tlsRequest(port, server.cert, upgradeHead("/CP1"), shown)).status, 403);
  }
  deepStrictEqual(got, [shown.cert.replaceAll(/-.*-|\s/g, ""), undefined]);
});

testWith(
  ["openssl"],
  "who does not take its answer is cut, and its connection is no more",
  async () => {
    using dir = new TempDir();
    const server = await makeCertificate(dir);
    const big = "x".repeat(16 * 1024 ** 2);
    await using listener = await start(server, () => respond(big, 200));
    const hex = listener.port.toString(16).toUpperCase().padStart(4, "0");
    // The listener's ends that are open.
    const open = async (): Promise<number> =>
      (await procText("net/tcp")).split("\n")
        .filter((line) => new RegExp(`^ *\\d+: [0-9A-F]+:${hex} \\S+ 01 `).test(line)).length;
    const conns = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const conn = await Deno.connectTls({
          ...{ hostname: "127.0.0.1", port: listener.port, caCerts: [server.cert] },
        });
        await conn.write(new TextEncoder().encode(REQUEST));
        await inTime(conn.read(new Uint8Array(100)), "the beginning of an answer");
        return conn;
      }),
    );
    strictEqual(await open(), conns.length);
    listener.clock.tick(11_000);
    try {
      await until("their ends", async () => await open() === 0, 5000);
    } finally {
      for (const conn of conns) conn.close();
    }
  },
);
