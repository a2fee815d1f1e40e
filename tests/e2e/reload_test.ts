import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { inTime, until } from "../support/deadline.ts";
import { type Program, startProgram, TempDir, urlOf } from "../support/program.ts";

/** So many that each of two workers gets some: 2 to the power of -19 is never. */
const TRIES = 20;

type Settings = Record<string, string | number | boolean | readonly string[]>;

/** A gateway with a file of settings that is written anew. */
class Case implements AsyncDisposable {
  readonly dir = new TempDir();
  readonly backend = new RecordingBackend();
  readonly file = this.dir.path("ws2api.json");
  readonly #clients: TestClient[] = [];
  program!: Program;
  url!: string;

  async start(settings: Settings, ...flags: string[]): Promise<this> {
    this.backend.answer = () => json("{}");
    this.write(settings);
    this.program = startProgram([
      ...["--listen=127.0.0.1:0", `--backend=${this.backend.url}`, "--drain-timeout=300ms"],
      ...[`--config=${this.file}`, ...flags],
    ]);
    this.url = await urlOf(this.program);
    return this;
  }

  write(settings: Settings): void {
    this.dir.file("ws2api.json", JSON.stringify(settings));
  }

  /** Writes the file, and waits for the word that it was read for this many times. */
  async reread(settings: Settings, times: number): Promise<void> {
    this.write(settings);
    this.program.signal("SIGHUP");
    await this.program.logged("configuration read again", times);
  }

  begin(id: string): TestClient {
    const client = new TestClient(`${this.url.replace("http", "ws")}/${id}`);
    this.#clients.push(client);
    return client;
  }

  /** Whether a client is let in. */
  async letsIn(id: string): Promise<boolean> {
    return await this.begin(id).opened.then(() => true, () => false);
  }

  async metric(name: string, token = ""): Promise<string | undefined> {
    const headers = { authorization: `Bearer ${token}` };
    const text = await (await fetch(`${this.url}/metrics`, { headers })).text();
    return new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text)?.[1];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    await Promise.all(this.#clients.map((client) => client.whenClosed()));
    await this.backend[Symbol.asyncDispose]();
    this.dir[Symbol.dispose]();
  }
}

for (const workers of [1, 2]) {
  Deno.test(`limits are read again at SIGHUP, with ${workers} of --workers`, async (t) => {
    await using it = await new Case().start({ "max-connections": 1 }, `--workers=${workers}`);
    const { program } = it;
    ok(await it.letsIn("CP1"));
    // The other worker knows of it when it is counted, which is a moment after it is open.
    await until(
      "the client to be counted",
      async () => await it.metric("ws2api_sockets") === "1",
    );
    ok(!await it.letsIn("CP2"));

    await t.step("--max-connections", async () => {
      await it.reread({ "max-connections": 100, "max-memory": "7GiB" }, 1);
      const log = await program.logged('setting changed flag="--max-memory"');
      match(log, / info setting changed flag="--max-connections" from="1" to="100"\n/);
      match(log, / info setting changed flag="--max-memory" from="8GiB" to="7GiB"\n/);
      for (let i = 0; i < TRIES; i++) ok(await it.letsIn(`CP2-${i}`));
      strictEqual(await it.metric("ws2api_max_connections"), "100");
      strictEqual(await it.metric("ws2api_max_memory_bytes"), String(7 * 1024 ** 3));
    });

    await t.step("--log-level", async () => {
      await it.reread({ "max-connections": 100, "log-level": "debug" }, 2);
      const client = it.begin("CP3");
      await client.opened;
      strictEqual(await client.ask('[2,"1","A",{}]'), '[3,"1",{}]');
      match(await program.logged("frame out"), / debug frame in /);
    });

    await t.step("--connect-rate", async () => {
      await it.reread({ "max-connections": 100, "connect-rate": workers }, 3);
      const all = Array.from({ length: TRIES }, (_, i) => it.letsIn(`CP4-${i}`));
      const refused = (await Promise.all(all)).filter((isIn) => !isIn).length;
      // No machine is so slow that it lets in one a second.
      ok(refused > 0, "all were let in");
      await it.reread({ "max-connections": 100 }, 4);
      for (let i = 0; i < TRIES; i++) ok(await it.letsIn(`CP5-${i}`));
    });

    await t.step("--client-rate", async () => {
      await it.reread({ "max-connections": 100, "client-rate": "1:1" }, 5);
      const client = it.begin("CP6");
      await client.opened;
      for (let i = 0; i < 3; i++) client.send(`[2,"${i}","A",{}]`);
      await program.logged("client slowed down by --client-rate");
      // Without a limit nobody waits for the older one any more.
      await it.reread({ "max-connections": 100 }, 6);
      strictEqual(await client.next('[3,"2"'), '[3,"2",{}]');
    });

    await t.step("what cannot change is said, each time, and the rest changes", async () => {
      const settings = { "max-connections": 99, "retries": 7, "ws-path": "/x/", "no-tail": true };
      await it.reread(settings, 7);
      await it.reread(settings, 8);
      const line = "warn setting changed, which counts after a restart only flag=";
      const log = await program.logged(`${line}"--retries" from="3" to="7"\n`, 2);
      match(log, /after a restart only flag="--ws-path" from="\/" to="\/x\/"\n/);
      match(log, /after a restart only flag="--no-tail" from="false" to="true"\n/);
      strictEqual(log.split('flag="--max-connections" from="100" to="99"').length, 2);
      strictEqual(await it.metric("ws2api_max_connections"), "99");
      ok(await it.letsIn("CP7"));
    });

    program.signal("SIGTERM");
    strictEqual((await program.ended()).code, 0);
  });
}

Deno.test("a file of settings that is bad leaves all as it was, in one line each", async (t) => {
  await using it = await new Case().start({ "max-connections": 50 });
  const { program } = it;
  const rows: [fault: string, text: string | undefined, part: string][] = [
    ["broken", '{"max-connections": 9', "line 1"],
    [
      "an unknown key",
      '{"max-connections": 9, "max-conections": 9}',
      "did you mean max-connections",
    ],
    ["a bad value", '{"max-connections": 9, "retries": "s3cret@x"}', "--retries (retries in "],
    ["no sense", '{"max-connections": 9, "nats-ca": "x"}', "--nats-ca: "],
    ["no memory", '{"max-connections": 9, "max-memory": "64MiB"}', "--max-memory: 64MiB"],
    ["not there", undefined, "NotFound"],
  ];
  for (const [i, [fault, text, part]] of rows.entries()) {
    await t.step(fault, async () => {
      if (text === undefined) Deno.removeSync(it.file);
      else it.dir.file("ws2api.json", text);
      program.signal("SIGHUP");
      const log = await program.logged(
        "error configuration not read again, the old one stays",
        i + 1,
      );
      const [last = ""] = log.split("\n").filter((line) => line.includes("not read again")).slice(
        -1,
      );
      ok(last.includes(part), last);
      ok(!log.includes("s3cret"), log);
      ok(!log.includes("setting changed"), log);
      strictEqual(await it.metric("ws2api_max_connections"), "50");
    });
  }
  await it.reread({ "max-connections": 51 }, 1);
  strictEqual(await it.metric("ws2api_max_connections"), "51");
});

Deno.test("a flag and a variable count more than the file, also when it is read again", async () => {
  await using it = await new Case().start({ "max-connections": 7 }, "--max-connections=5");
  await it.reread({ "max-connections": 9, "connect-rate": 100 }, 1);
  const log = await it.program.logged("setting changed flag=");
  ok(!log.includes('flag="--max-connections"'), log);
  strictEqual(await it.metric("ws2api_max_connections"), "5");
});

for (const workers of [1, 2]) {
  Deno.test(`signing keys and the API's token are read again, with ${workers} of --workers`, async () => {
    using dir = new TempDir();
    await using backend = new RecordingBackend();
    const [key, token] = [dir.file("key", "whsec_AQID\n"), dir.file("token", "first\n")];
    await using program = startProgram([
      ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, `--workers=${workers}`],
      ...[`--sign-key-file=${key}`, `--api-token-file=${token}`, "--drain-timeout=300ms"],
    ]);
    const url = await urlOf(program);
    const client = new TestClient(`${url.replace("http", "ws")}/CP1`);
    await client.opened;

    async function signatures(id: string): Promise<number> {
      client.send(`[2,"${id}","A",{}]`);
      const { headers } = await backend.next("/call/");
      await client.next(`[3,"${id}"`);
      return headers.get("webhook-signature")!.split(" ").length;
    }
    async function statusFor(text: string): Promise<number> {
      using http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
      const headers = { authorization: `Bearer ${text}` };
      const response = await inTime(fetch(`${url}/clients`, { headers, client: http }), "a list");
      await response.body?.cancel();
      return response.status;
    }

    deepStrictEqual([await signatures("1"), await statusFor("first")], [1, 200]);
    dir.file("key", "whsec_AQID\nwhsec_BAUG\n");
    dir.file("token", "second\n");
    program.signal("SIGHUP");
    await program.logged("signing keys read again count=2");
    strictEqual(await signatures("2"), 2);
    for (let i = 0; i < TRIES; i++) {
      deepStrictEqual([await statusFor("first"), await statusFor("second")], [401, 200]);
    }
    dir.file("key", "whsec_\n");
    dir.file("token", "no token\n");
    program.signal("SIGHUP");
    const log = await program.logged("signing keys not read again, the old ones stay");
    match(log, /error API token not read again, the old one stays error="--api-token-file: /);
    deepStrictEqual([await signatures("3"), await statusFor("second")], [2, 200]);
    ok(!log.includes("no token"), log);
    program.signal("SIGTERM");
    strictEqual((await program.ended()).code, 0);
    await client.whenClosed();
  });
}
