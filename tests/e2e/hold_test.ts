import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { json, RecordingBackend } from "../support/backend.ts";
import { TestClient, upgradeHead } from "../support/client.ts";
import { inTime } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { residentBytesOf } from "../support/machine.ts";
import { headerOf, rawAnswer } from "../support/raw_client.ts";
import { ByteSocket, frameBytes, joined, OPCODE } from "../support/websocket_bytes.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const KIB = 1024;
const MIB = 1024 ** 2;

test("a client that does not read is closed at --max-buffered, and cut when it ignores the close", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, [
    "--max-buffered=256KiB",
    "--max-queue=300",
    "--disconnect-hook",
    "--ping-interval=0s",
  ]);
  const large = `{"a":"${"x".repeat(200 * KIB)}"}`;
  backend.answer = ({ path }) => json(path.startsWith("/call/Large/") ? large : "{}");
  const honest = await gateway.connect("honest");
  const notReading = { code: 1008, reason: "not reading" };

  async function endOf(name: string): Promise<unknown> {
    return JSON.parse((await backend.next(`/disconnect/${name}`)).body);
  }

  using caller = await ByteSocket.upgrade(gateway.url, "/caller");
  using flooder = await ByteSocket.upgrade(gateway.url, "/flooder");
  using deaf = await ByteSocket.upgrade(gateway.url, "/deaf");

  await t.step("one that calls for large answers and reads none", async () => {
    const calls = Array.from({ length: 300 }, (_, id) => frameBytes(`[2,"${id}","Large",{}]`));
    await caller.write(joined(calls));
    deepStrictEqual(await endOf("caller"), notReading);
    const answered = backend.paths("/call/Large/caller").length;
    // What the kernel takes, and the bound; 300 answers would be 58 MiB.
    ok(answered > 2 && answered < 150, `${answered} answers`);
  });

  await t.step("one that floods malformed frames and reads no answer", async () => {
    // No answer repeats a MessageId that is too long, and there are no more than 1,000 of them.
    const frame = frameBytes(`[2,"${"\\u0001".repeat(200)}","A",{}]`);
    const many = joined(Array.from({ length: 50 }, () => frame));
    let isEnded = false;
    const end = endOf("flooder").finally(() => isEnded = true);
    while (!isEnded && await flooder.write(many));
    deepStrictEqual(await end, { code: 1008, reason: "too many frames that lead nowhere" });
  });

  await t.step("one that reads, but ignores the close frame", async () => {
    strictEqual((await gateway.api("/clients/deaf", { method: "DELETE" })).status, 204);
    deepStrictEqual(await endOf("deaf"), { code: 1000, reason: "closed by the operator" });
    strictEqual((await deaf.frame())?.opcode, OPCODE.close);
  });

  await t.step(
    "all are off the list, and others are served while the connections end",
    async () => {
      strictEqual(JSON.parse((await gateway.api("/clients")).text).total, 1);
      const start = performance.now();
      let isCut = false;
      const cut = deaf.frame().finally(() => isCut = true);
      let served = 0;
      while (!isCut) {
        const answer = await honest.ask(`[2,"${served}","Heartbeat",{}]`);
        strictEqual(answer, `[3,"${served++}",{}]`);
        // The grace of five seconds is real time here, and that is the case.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      strictEqual(await cut, undefined, "the end of the connection");
      ok(performance.now() - start < 10_000, "the grace is five seconds");
      ok(served > 20, `only ${served} served`);
    },
  );

  strictEqual(await honest.ask('[2,"last","Heartbeat",{}]'), '[3,"last",{}]');
});

/** The gateway as a process of its own, for its resident memory counts. */
class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  url = "";

  private constructor(args: readonly string[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-net", "--allow-read", "--allow-env=WS2API_*", MAIN, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  }

  static async start(...args: string[]): Promise<Program> {
    const program = new Program(["--listen=127.0.0.1:0", ...args]);
    const reader = program.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("\n")) {
      const { value, done } = await inTime(reader.read(), "the ready line");
      if (done) break;
      text += value;
    }
    await reader.cancel();
    program.url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)![0];
    return program;
  }

  /** Bytes. */
  resident(): Promise<number> {
    return residentBytesOf(this.#child.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await inTime(this.#child.status, "the program's end");
  }
}

/** Asks again and again until the answer fits. */
async function until<T>(ask: () => Promise<T>, fits: (value: T) => boolean): Promise<T> {
  const deadline = performance.now() + 15_000;
  for (;;) {
    const value = await ask();
    if (fits(value)) return value;
    ok(performance.now() < deadline, `not in time: ${value}`);
    // The memory is looked at four times a second.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// With `ws` they are refused at their heads, before they take any memory.
Deno.test("--max-memory holds against messages that never end, and honest clients stay", async (t) => {
  // Two batches of twenty are cut: those that spoke are none of them.
  const ATTACKERS = 40;
  const HONEST = 10;
  await using backend = new RecordingBackend();
  let startUp: number;
  {
    await using idle = await Program.start(`--backend=${backend.url}`);
    startUp = await idle.resident();
  }
  const bound = Math.ceil(startUp / MIB + 150) * MIB;
  const flags = [`--backend=${backend.url}`, `--max-memory=${bound / KIB}KiB`];
  await using program = await Program.start(...flags);
  const wsUrl = program.url.replace("http", "ws");
  const honest = Array.from({ length: HONEST }, (_, i) => new TestClient(`${wsUrl}/CP${i}`));
  for (const client of honest) {
    await client.opened;
    await client.ask('[2,"1","BootNotification",{}]');
  }

  using stack = new DisposableStack();
  const attackers: ByteSocket[] = [];
  for (let i = 0; i < ATTACKERS; i++) {
    attackers.push(stack.use(await ByteSocket.upgrade(program.url, `/attacker${i}`)));
  }
  const start = frameBytes("", { lengthBits: 64, length: 60 * MIB });
  const chunk = new Uint8Array(MIB);
  const attack = Promise.all(attackers.map(async (attacker) => {
    await attacker.write(start);
    for (let i = 0; i < 20 && await attacker.write(chunk); i++);
  }));
  const upgrade = (): Promise<{ status: number; head: string }> =>
    rawAnswer(program.url, upgradeHead("/late"));

  await t.step("upgrades get 503 with Retry-After while memory is short", async () => {
    const { head } = await until(upgrade, ({ status }) => status === 503);
    match(headerOf(head, "retry-after") ?? "", /^([1-9]|10)$/);
    match(head, /application\/problem\+json/);
  });
  await t.step(
    "resident memory comes back under the bound while the attackers hold on",
    async () => {
      await attack;
      await until(() => program.resident(), (bytes) => bytes < bound - 50 * MIB);
    },
  );
  await t.step("upgrades are let in again", async () => {
    await until(upgrade, ({ status }) => status === 101);
  });
  await t.step("clients that had sent a valid frame are connected and served", async () => {
    for (const client of honest) {
      strictEqual(client.socket.readyState, WebSocket.OPEN);
      strictEqual(await client.ask('[2,"2","Heartbeat",{}]'), '[3,"2",{}]');
    }
  });
  for (const client of honest) await client.close();
});

test("a client whose CALLs make the backend hang does not cut off the others", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--backend-timeout=250ms"]);
  backend.answer = ({ path }) =>
    path.startsWith("/call/Hang/") ? new Promise(() => {}) : json("{}");
  const hostile = await gateway.connect("hostile");
  // More failures in a row in a row than a backend has that is away, over more than five seconds.
  for (let id = 1; id <= 55; id++) {
    const [, , code] = JSON.parse(await hostile.ask(`[2,"${id}","Hang",{}]`));
    strictEqual(code, "InternalError");
  }
  const honest = await gateway.connect("honest");
  for (const id of ["1", "2"]) {
    strictEqual(await honest.ask(`[2,"${id}","Heartbeat",{}]`), `[3,"${id}",{}]`);
  }
});
