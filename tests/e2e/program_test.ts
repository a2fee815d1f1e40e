import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { aSecondLater, startProgram, urlOf } from "../support/program.ts";

Deno.test("the program prints one ready line, serves, and ends with 0 at SIGTERM and SIGINT", async (t) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await t.step(signal, async () => {
      await using program = startProgram(["--listen", "127.0.0.1:0"]);
      const url = await urlOf(program);
      const client = new TestClient(`${url.replace("http", "ws")}/CP1`);
      await client.opened;
      program.signal(signal);
      deepStrictEqual(await client.whenClosed(), { code: 1001, reason: "shutting down" });
      const { code, stdout } = await program.ended();
      strictEqual(code, 0);
      strictEqual(stdout, `ws2api listening on ${url}\n`);
    });
  }
});

Deno.test("a second line tells the API's address", async () => {
  await using program = startProgram(["--listen", ":0", "--api-listen", "127.0.0.1:0"]);
  const [first = "", second = ""] = await program.lines(2);
  match(first, /^ws2api listening on http:\/\/(?:\[::\]|0\.0\.0\.0):\d+$/);
  const api = /^ws2api api on (http:\/\/127\.0\.0\.1:\d+)$/.exec(second)![1]!;
  strictEqual(await (await fetch(`${api}/healthz`)).text(), "ok");
});

Deno.test("variables count, and what they say is checked", async () => {
  await using program = startProgram([], { WS2API_LISTEN: "127.0.0.1:0", WS2API_RETRIES: "many" });
  const { code, stderr, stdout } = await program.ended();
  deepStrictEqual([code, stdout], [2, ""]);
  strictEqual(
    stderr,
    'ws2api: --retries (WS2API_RETRIES): "many" is not allowed; allowed is a whole number from 0 to 100\n',
  );
});

Deno.test("a bad command line ends with 2 and one line, a port in use with 1 and one line", async (t) => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const taken = `127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
  const rows: [args: string[], code: number, line: RegExp][] = [
    [["--colour"], 2, /^ws2api: --colour: no such flag; allowed .*\n$/],
    [["start"], 2, /^ws2api: "start": an argument that belongs to no flag .*\n$/],
    [["--backend-timeout", "30"], 2, /^ws2api: --backend-timeout: "30" .* 500ms, 30s or 2m\n$/],
    [["--backend", "localhost:5000"], 2, /^ws2api: --backend: "localhost:5000" .*http:\/\/.*\n$/],
    [["--listen", ":0"], 2, /^ws2api: --listen: .*--api-token.*--api-listen.*--insecure-api\n$/],
    [["--listen", taken], 1, /^ws2api: cannot listen on \S+: the port is in use\n$/],
  ];
  for (const [args, expected, line] of rows) {
    await t.step(args.join(" "), async () => {
      await using program = startProgram(args);
      const { code, stdout, stderr } = await program.ended();
      deepStrictEqual([code, stdout], [expected, ""]);
      match(stderr, line);
    });
  }
  listener.close();
});

Deno.test("--help and --version print to standard output and end with 0", async () => {
  await using help = startProgram(["--help"]);
  await using version = startProgram(["--version"]);
  const helped = await help.ended();
  deepStrictEqual([helped.code, helped.stderr], [0, ""]);
  match(helped.stdout, /--api-token <TOKEN>[^]*WS2API_API_TOKEN/);
  const versioned = await version.ended();
  deepStrictEqual([versioned.code, versioned.stderr], [0, ""]);
  match(versioned.stdout, /^\d+\.\d+\.\d+\n$/);
});

Deno.test("at SIGTERM new work is refused, what is under way is finished, then clients are closed", async () => {
  await using backend = new RecordingBackend();
  await using program = startProgram(["--listen", "127.0.0.1:0", "--backend", backend.url]);
  const url = await urlOf(program);
  const client = new TestClient(`${url.replace("http", "ws")}/CP1`);
  await client.opened;
  let release = (): void => {};
  backend.answer = async ({ path }) => {
    if (path.startsWith("/call/")) await new Promise<void>((resolve) => release = resolve);
    return json('{"late":true}');
  };
  client.send('[2,"c1","Heartbeat",{}]');
  await backend.next("/call/");
  const accepted = await fetch(`${url}/call/Reset/CP1/r1`, { method: "POST" });
  await accepted.body?.cancel();
  await client.next('[2,"r1"');
  program.signal("SIGTERM");
  let ready: Response;
  do {
    ready = await fetch(`${url}/readyz`);
    await ready.body?.cancel();
  } while (ready.status === 200);
  strictEqual(ready.status, 503);
  const refused = await fetch(`${url}/call/Reset/CP1/r2`, { method: "POST" });
  await refused.body?.cancel();
  deepStrictEqual([refused.status, refused.headers.get("ws2api-outcome")], [503, "not-sent"]);
  const late = new TestClient(`${url.replace("http", "ws")}/CP2`);
  await late.opened.then(() => ok(false, "let in"), () => {});
  await late.whenClosed();
  client.send('[3,"r1",{"status":"Accepted"}]');
  strictEqual((await backend.next("/result/")).path, "/result/Reset/CP1/r1");
  release();
  strictEqual(await client.next("[3,"), '[3,"c1",{"late":true}]');
  deepStrictEqual(await client.whenClosed(), { code: 1001, reason: "shutting down" });
  strictEqual((await program.ended()).code, 0);
});

Deno.test("a CALL that the client never answers ends in /error at the drain time-out", async () => {
  await using backend = new RecordingBackend();
  const flags = ["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--drain-timeout=300ms"];
  await using program = startProgram(flags);
  const url = await urlOf(program);
  const client = new TestClient(`${url.replace("http", "ws")}/CP1`);
  await client.opened;
  await (await fetch(`${url}/call/Reset/CP1/r1`, { method: "POST" })).body?.cancel();
  await client.next('[2,"r1"');
  program.signal("SIGTERM");
  const { path, body } = await backend.next();
  strictEqual(path, "/error/Reset/CP1/r1");
  deepStrictEqual(JSON.parse(body), {
    code: "GenericError",
    description: "the gateway is shutting down",
    details: {},
  });
  strictEqual((await program.ended()).code, 0);
  await client.whenClosed();
});

Deno.test("a second signal a second later ends the program at once with 1, one before that does nothing", async () => {
  await using backend = new RecordingBackend();
  await using program = startProgram(["--listen=127.0.0.1:0", `--backend=${backend.url}`]);
  const url = await urlOf(program);
  const client = new TestClient(`${url.replace("http", "ws")}/CP1`);
  await client.opened;
  backend.answer = () => new Promise(() => {});
  client.send('[2,"c1","Heartbeat",{}]');
  await backend.next("/call/");
  program.signal("SIGTERM");
  for (let status = 200; status === 200;) {
    const ready = await fetch(`${url}/readyz`);
    await ready.body?.cancel();
    status = ready.status;
  }
  // The runtime tells of signals in their order: once a later one has had its effect, so had this one.
  program.signal("SIGTERM");
  await aSecondLater();
  strictEqual(await fetch(`${url}/healthz`).then((answer) => answer.text()), "ok");
  program.signal("SIGINT");
  strictEqual((await program.ended()).code, 1);
  await client.whenClosed();
});
