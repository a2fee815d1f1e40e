import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { closedPort } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { inTime } from "../support/deadline.ts";
import { testWith } from "../support/needs.ts";
import { NatsServer } from "../support/nats.ts";
import { Program, ROOT, startProgram, TempDir, urlOf } from "../support/program.ts";

/** Parts of each password and name given; none of them may be seen anywhere. */
const SECRET = /s3cret|us3r/i;

interface Bad {
  readonly args?: string[];
  readonly env?: Record<string, string>;
}

/** Command lines that are refused, with a login somewhere in them. */
const REFUSED: readonly [fault: string, given: Bad][] = [
  ...["nats", "backend"].flatMap((name): [string, Bad][] =>
    [
      "ftp://us3r:s3cret@host",
      "us3r:s3cret@host:99999",
      "us3r:s3cret",
      `${name === "nats" ? "nats" : "http"}://us3r:s3cret`,
      `${name === "nats" ? "nats" : "http"}://us3r:s3cret/`,
      `${name === "nats" ? "nats" : "http"}://us3r:a/s3cret@host/path`,
      `${name === "nats" ? "nats" : "http"}://us3r:a#s3cret@host`,
      `${name === "nats" ? "nats" : "http"}://us3r:%s3cret@host:1?x`,
    ].filter((url) => name !== "backend" || url !== "us3r:s3cret").flatMap((
      url,
    ): [string, Bad][] => [
      [`--${name}=${url}`, { args: [`--${name}=${url}`] }],
      [`--${name} ${url} as a variable`, { env: { [`WS2API_${name.toUpperCase()}`]: url } }],
    ])
  ),
  ["two URLs", { args: ["--nats=nats://a:1,nats://us3r:s3cret@b:99999"] }],
  ["a URL behind no flag", { args: ["nats://us3r:s3cret@host:4222"] }],
  ["a URL behind a flag's value", { args: ["--listen", ":0", "nats://us3r:s3cret@host:4222"] }],
  ["a misspelled flag", { args: ["--nat=nats://us3r:s3cret@host:4222"] }],
  ["a password with a blank", { args: ["--nats", "nats://us3r:a", "s3cret@host"] }],
  ["a URL in place of a file", { args: ["--nats-creds=nats://us3r:s3cret@host"] }],
  ["a URL in place of an address", { args: ["--listen=http://us3r:s3cret@host:1"] }],
];

Deno.test("a command line that is refused shows no password and no name", async (t) => {
  for (const [fault, { args = [], env = {} }] of REFUSED) {
    await t.step(fault, async () => {
      await using program = startProgram(args, env);
      const { code, stdout, stderr } = await program.ended();
      deepStrictEqual([code, stdout], [2, ""]);
      match(stderr, /^ws2api: \S[^\n]*\n$/);
      ok(!SECRET.test(stderr), stderr);
    });
  }
});

Deno.test("help shows no value that a variable gives", async () => {
  const env = {
    WS2API_NATS: "nats://us3r:s3cret@host:4222",
    WS2API_BACKEND: "http://us3r:s3cret@host/",
    WS2API_API_TOKEN: "s3cret",
    HTTP_PROXY: "http://us3r:s3cret@proxy:1",
  };
  await using program = startProgram(["--help"], env);
  const { code, stdout, stderr } = await program.ended();
  strictEqual(code, 0);
  ok(!SECRET.test(stdout + stderr));
});

/** Starts, serves a CALL and every page, and ends; nothing of it shows a login. */
async function assertSilent(
  args: readonly string[],
  env: Record<string, string>,
  logged: string,
): Promise<void> {
  const answers = ["--away-hold=0s", "--backend-away=answer"];
  const flags = ["--listen=127.0.0.1:0", "--log-level=debug", ...answers, ...args];
  await using program = startProgram(flags, env);
  const url = await urlOf(program);
  await program.logged(logged);
  const client = new TestClient(`${url.replace("http", "ws")}/CP1`);
  await inTime(client.opened, "the upgrade");
  client.send('[2,"1","Heartbeat",{}]');
  let seen = await client.next('[4,"1"');
  for (const path of ["/", "/clients", "/clients/CP1", "/metrics", "/readyz", "/nothing"]) {
    for (const accept of ["text/html", "*/*"]) {
      const response = await inTime(fetch(`${url}${path}`, { headers: { accept } }), path);
      seen += [...response.headers].join() + await response.text();
    }
  }
  await client.close();
  program.signal("SIGTERM");
  const { code, stdout, stderr } = await program.ended();
  strictEqual(code, 0);
  ok(!SECRET.test(stdout + stderr), stderr);
  ok(!SECRET.test(seen), seen);
}

const backend = (): string => `--backend=http://127.0.0.1:${closedPort()}/`;

Deno.test("a NATS that cannot be reached: no password is shown", async (t) => {
  for (const workers of [1, 2]) {
    await t.step(`${workers} workers`, async () => {
      const args = [backend(), `--workers=${workers}`];
      const env = { WS2API_NATS: `nats://us3r:s3cret@127.0.0.1:${closedPort()}` };
      await assertSilent(args, env, "nats cannot be reached");
      await assertSilent(
        args,
        { WS2API_NATS: `nats://s3cret@127.0.0.1:${closedPort()}` },
        "nats cannot be reached",
      );
      await assertSilent(
        args,
        { WS2API_NATS: "tls://us3r:s3cret@no-such-host.invalid:4222" },
        "nats cannot be reached",
      );
    });
  }
});

testWith("nats-server", "a NATS that refuses the login: no password is shown", async () => {
  await using nats = await NatsServer.start("authorization { user: u, password: p }");
  const env = { WS2API_NATS: `nats://us3r:s3cret@${nats.host}` };
  await assertSilent([backend()], env, "nats refuses the login");
});

testWith("nats-server", "a NATS that takes the login: no password is shown", async () => {
  await using nats = await NatsServer.start("authorization { user: us3r, password: s3cret }");
  const env = { WS2API_NATS: `nats://us3r:s3cret@${nats.host}` };
  await assertSilent([backend()], env, "nats connected");
});

Deno.test("a proxy that cannot be used: no password is shown", async (t) => {
  for (
    const proxy of [
      `http://us3r:s3cret@127.0.0.1:${closedPort()}`,
      `socks5://us3r:s3cret@127.0.0.1:${closedPort()}`,
      "http://us3r:s3cret@",
      "http://us3r:s3cret@127.0.0.1:99999",
      "us3r:s3cret",
    ]
  ) {
    for (const name of ["HTTP_PROXY", "all_proxy"]) {
      await t.step(`${name} ${proxy}`, async () => {
        await assertSilent([backend(), "--forwarder=fetch"], { [name]: proxy }, "gateway started");
      });
    }
  }
});

Deno.test("a password stays out of sight when the port is in use, and when a worker cannot start", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const env = { WS2API_NATS: "nats://us3r:s3cret@127.0.0.1:1", ALL_PROXY: "http://us3r:s3cret@a" };
  for (const workers of ["1", "2"]) {
    const port = (listener.addr as Deno.NetAddr).port;
    await using program = startProgram([`--listen=127.0.0.1:${port}`, `--workers=${workers}`], env);
    const { code, stdout, stderr } = await program.ended();
    strictEqual(code, 1);
    ok(!SECRET.test(stdout + stderr), stderr);
  }
});

Deno.test("the task prints its command line: what is given by a variable is not in it", async () => {
  using dir = new TempDir();
  const file = dir.file("token", "s3cret\n");
  const args = ["task", "start", "--listen=127.0.0.1:0", "--api-token-file", file, "--bad"];
  await using program = new Program(Deno.execPath(), args, {
    WS2API_NATS: "nats://us3r:s3cret@127.0.0.1:1",
  });
  const { stderr, stdout } = await program.ended();
  match(stderr, /Task[^]*--api-token-file/);
  ok(!SECRET.test(stdout + stderr), stderr);
  // What the docs say of it.
  const docs = Deno.readTextFileSync(`${ROOT}docs/operating.md`).replaceAll(/\s+/g, " ");
  ok(docs.includes("`deno task` prints its command line"), "docs/operating.md");
});
