import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { closedPort, json, RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { inTime } from "../support/deadline.ts";
import { Program, startCommand, startProgram, urlOf } from "../support/program.ts";
import { NO_NAME } from "../support/no_name.ts";

/** Runs the gateway with no more open files than this. */
function startWithFiles(files: number, args: readonly string[]): Program {
  const limited = `ulimit -n ${files}; WS2API_OPEN_FILES=${files} exec "$0" "$@"`;
  return new Program("sh", ["-c", limited, Deno.execPath(), ...startCommand(), ...args]);
}

function connect(url: string, id: string): TestClient {
  return new TestClient(`${url.replace("http", "ws")}/${id}`);
}

Deno.test("a backend that is not there is one line that says where it was looked for", async () => {
  const url = `http://127.0.0.1:${closedPort()}/`;
  await using program = startProgram(["--listen=127.0.0.1:0", `--backend=${url}`]);
  await urlOf(program);
  const log = await program.logged("cannot be reached");
  match(
    log,
    / warn the backend cannot be reached: is it running, and is --backend right\? backend="http:\S+" error="[^"]*refused[^"]*"\n/,
  );
});

Deno.test("a backend whose name is not known is one line", async () => {
  const backend = `--backend=http://${NO_NAME}:8080/`;
  await using program = startProgram(["--listen=127.0.0.1:0", backend]);
  await urlOf(program);
  match(await program.logged("cannot be reached"), new RegExp(`backend="http://${NO_NAME}:8080/"`));
});

Deno.test("a backend that is there is not complained about, and gets no request", async () => {
  await using backend = new RecordingBackend();
  await using program = startProgram(["--listen=127.0.0.1:0", `--backend=${backend.url}`]);
  const url = await urlOf(program);
  const client = connect(url, "CP1");
  await client.opened;
  strictEqual(await client.ask('[2,"1","A",{}]'), '[3,"1",{}]');
  program.signal("SIGTERM");
  const { stderr } = await program.ended();
  await client.whenClosed();
  strictEqual(stderr.includes("cannot be reached"), false);
  strictEqual(backend.requests.length, 1);
});

Deno.test("without permission for the network it ends with 1 and one line that says how to start it", async (t) => {
  const rows: [args: string[], place: string][] = [
    [[], "127.0.0.1:4000"],
    [["--allow-net=127.0.0.1:4000"], "127.0.0.1:5000"],
  ];
  for (const [args, place] of rows) {
    await t.step(args.join(" ") || "none at all", async () => {
      await using program = new Program(Deno.execPath(), ["run", ...args, "main.ts"]);
      const { code, stdout, stderr } = await program.ended();
      deepStrictEqual([code, stdout], [1, ""]);
      strictEqual(
        stderr,
        `ws2api: no permission to use ${place}: start it with deno task start, ` +
          "or with deno run --allow-net\n",
      );
    });
  }
});

Deno.test("a certificate that cannot be read, and one that is none, end with 2 and one line", async (t) => {
  const rows: [file: string, line: RegExp][] = [
    ["/nowhere/a.pem", /^ws2api: --tls-cert: "\/nowhere\/a\.pem" cannot be read .*\n$/],
    ["deno.json", /^ws2api: --tls-cert, --tls-key: not a certificate and its key: .*\n$/],
  ];
  for (const [file, line] of rows) {
    await t.step(file, async () => {
      await using program = startProgram([
        ...["--listen=127.0.0.1:0", `--tls-cert=${file}`, `--tls-key=${file}`],
      ]);
      const { code, stdout, stderr } = await program.ended();
      deepStrictEqual([code, stdout], [2, ""]);
      match(stderr, line);
    });
  }
});

Deno.test("too few open files are told at the start, and fewer clients let in", async () => {
  await using backend = new RecordingBackend();
  await using program = startWithFiles(128, [
    ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--max-connections=100"],
  ]);
  const url = await urlOf(program);
  match(
    await program.logged("do not suffice"),
    / warn open files \(ulimit -n\) do not suffice for --max-connections: fewer clients are let in openFiles=128 maxConnections=100 clients=32\n/,
  );
  const clients = Array.from({ length: 33 }, (_, i) => connect(url, `CP${i}`));
  let refused = 0;
  for (const { opened } of clients) await opened.catch(() => refused++);
  strictEqual(refused, 1);
  for (const client of clients) await client.close();
});

Deno.test("who asked for no number of clients is told how many the open files leave room for, without a warning", async () => {
  await using backend = new RecordingBackend();
  await using program = startWithFiles(128, ["--listen=127.0.0.1:0", `--backend=${backend.url}`]);
  await urlOf(program);
  const log = await program.logged("open files");
  match(
    log,
    / info open files \(ulimit -n\) limit the number of clients openFiles=128 clients=32\n/,
  );
  strictEqual(log.includes(" warn "), false);
});

Deno.test("when no file can be opened any more those connected are served, and others later", async () => {
  await using backend = new RecordingBackend();
  backend.answer = () => json("{}");
  await using program = startWithFiles(128, [
    ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--open-files=unlimited"],
  ]);
  const url = await urlOf(program);
  const client = connect(url, "CP1");
  await client.opened;
  strictEqual(await client.ask('[2,"1","A",{}]'), '[3,"1",{}]');
  const place = { hostname: "127.0.0.1", port: Number(new URL(url).port) };
  const greedy: Deno.Conn[] = [];
  try {
    while (greedy.length < 150) greedy.push(await Deno.connect(place));
  } catch {
    // Nobody listens any more: so much for the files.
  }
  await program.logged("no connection can be accepted, still trying");
  strictEqual(await client.ask('[2,"2","A",{}]'), '[3,"2",{}]');
  for (const conn of greedy) conn.close();
  const late = await connectLate(url);
  strictEqual(await late.ask('[2,"3","A",{}]'), '[3,"3",{}]');
  await late.close();
  await client.close();
});

/** It takes a second until connections are accepted again; each refused one tells so at once. */
async function connectLate(url: string): Promise<TestClient> {
  const until = performance.now() + 10_000;
  for (;;) {
    const client = connect(url, "CP2");
    try {
      await inTime(client.opened, "the late client");
      return client;
    } catch (error) {
      if (performance.now() > until) throw error;
      await client.whenClosed();
    }
  }
}
