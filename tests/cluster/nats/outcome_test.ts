import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../../support/backend.ts";
import { TestClient } from "../../support/client.ts";
import { inTime, until } from "../../support/deadline.ts";
import { Cable, NatsGateway, NatsServer, testWithNats as test } from "../../support/nats.ts";
import { type Program, startProgram, TempDir, urlOf } from "../../support/program.ts";

/** After what silence an instance is taken for gone, and some. */
const LOST_MS = 9000;

/** CALLs accepted on one instance for a client of another. */
class Case implements AsyncDisposable {
  readonly stack = new AsyncDisposableStack();
  readonly backend = this.stack.use(new RecordingBackend());
  readonly nats: NatsServer;
  readonly cable: Cable;

  private constructor(nats: NatsServer) {
    this.nats = this.stack.use(nats);
    this.cable = this.stack.use(new Cable(nats.port));
  }

  static async start(): Promise<Case> {
    return new Case(await NatsServer.startToRestart());
  }

  /** An instance in this process. */
  async gateway(nats = this.nats.url, flags: readonly string[] = []): Promise<NatsGateway> {
    const all = ["--call-timeout=60s", "--drain-timeout=200ms", ...flags];
    return this.stack.use(await NatsGateway.ready(this.backend.url, nats, all));
  }

  /** An instance that can be killed. */
  async program(more: readonly string[] = []): Promise<{ program: Program; url: string }> {
    const flags = ["--listen=127.0.0.1:0", `--backend=${this.backend.url}`, ...more];
    const program = this.stack.use(startProgram([...flags, `--nats=${this.nats.url}`]));
    const url = await urlOf(program);
    await program.logged("nats connected");
    return { program, url };
  }

  /** Accepted, and with the client. */
  async accepted(on: NatsGateway, client: TestClient, ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const { status, text } = await on.call(`Act/CP1/${id}`);
      strictEqual(status, 202, text);
      await client.next(`[2,"${id}"`);
    }
  }

  /** So far, as `result m1`. */
  get outcomes(): string[] {
    return this.backend.paths().map((path) => {
      const [, kind, , , id] = path.split("/");
      return `${kind} ${id}`;
    });
  }

  async has(...expected: string[]): Promise<void> {
    await until(
      expected.join(),
      () => expected.every((outcome) => this.outcomes.includes(outcome)),
      16_000,
    );
  }

  /** Exactly these, also after the time in which another instance could think that they are owed. */
  async hasOnly(...expected: string[]): Promise<void> {
    await this.has(...expected);
    await new Promise((resolve) => setTimeout(resolve, LOST_MS));
    deepStrictEqual(this.outcomes.sort(), expected.sort());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stack.disposeAsync();
  }
}

const flags = ["--call-concurrency=10"];

/** What may happen while CALLs of A are with a client of B. */
const cases: Record<string, (it: Case) => Promise<void>> = {
  "the holder is cut off for 2 s": async (it) => {
    const a = await it.gateway();
    const b = await it.gateway(it.cable.url, flags);
    const client = await b.connect("CP1");
    await it.accepted(a, client, ["early", "meanwhile", "after"]);
    client.send('[3,"early",{}]');
    await it.has("result early");
    it.cable.cut();
    await b.whenReady(false);
    client.send('[3,"meanwhile",{}]');
    await it.has("result meanwhile");
    await new Promise((resolve) => setTimeout(resolve, 2000));
    it.cable.mend();
    await b.whenReady();
    client.send('[3,"after",{}]');
    await it.has("result after");
    // Were a word of it lost, the other instance would think now that all was.
    await b.shutdown();
    await it.hasOnly("result early", "result meanwhile", "result after");
  },

  "the holder is cut off for long, and its client answers late": async (it) => {
    const a = await it.gateway();
    const b = await it.gateway(it.cable.url, flags);
    const client = await b.connect("CP1");
    await it.accepted(a, client, ["late", "never"]);
    it.cable.cut();
    await it.has("error late", "error never");
    client.send('[3,"late",{}]');
    it.cable.mend();
    await b.whenReady();
    client.send('[3,"never",{}]');
    await it.accepted(a, client, ["new"]);
    client.send('[3,"new",{}]');
    await it.has("result new");
    await b.shutdown();
    await it.hasOnly("error late", "error never", "result new");
  },

  "the holder is cut off for 5 s, and its client answers long after": async (it) => {
    const a = await it.gateway();
    const b = await it.gateway(it.cable.url, flags);
    const client = await b.connect("CP1");
    await it.accepted(a, client, ["given up"]);
    // So that it has been asked for it at least once.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    it.cable.cut();
    await new Promise((resolve) => setTimeout(resolve, 5500));
    it.cable.mend();
    await b.whenReady();
    await it.has("error given%20up");
    // The other one asks for it no more, and has said so.
    await it.accepted(a, client, ["new"]);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    client.send('[3,"given up",{}]');
    client.send('[3,"new",{}]');
    await it.hasOnly("error given%20up", "result new");
  },

  "the holder's network swallows everything, and its client answers late": async (it) => {
    const a = await it.gateway();
    const b = await it.gateway(it.cable.url, flags);
    const client = await b.connect("CP1");
    await it.accepted(a, client, ["late"]);
    // So that it has been asked for it at least once.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    it.cable.silence();
    await it.has("error late");
    client.send('[3,"late",{}]');
    await it.hasOnly("error late");
    it.cable.mend();
  },

  "the accepting instance's network swallows everything for a while": async (it) => {
    const a = await it.gateway(it.cable.url);
    const b = await it.gateway(it.nats.url, flags);
    const client = await b.connect("CP1");
    await it.accepted(a, client, ["meanwhile", "after"]);
    it.cable.silence();
    client.send('[3,"meanwhile",{}]');
    await it.has("result meanwhile");
    await new Promise((resolve) => setTimeout(resolve, LOST_MS));
    it.cable.mend();
    await a.whenReady();
    await until("the client from there", async () => (await a.api("/clients/CP1")).status === 200);
    client.send('[3,"after",{}]');
    await it.has("result after");
    await b.shutdown();
    await it.hasOnly("result meanwhile", "result after");
  },

  "NATS is away for 6 s": async (it) => {
    const a = await it.gateway();
    const b = await it.gateway(it.nats.url, flags);
    const client = await b.connect("CP1");
    await it.accepted(a, client, ["soon", "later", "after"]);
    await it.nats.kill();
    await b.whenReady(false);
    client.send('[3,"soon",{}]');
    await it.has("result soon");
    await new Promise((resolve) => setTimeout(resolve, 5500));
    client.send('[3,"later",{}]');
    await new Promise((resolve) => setTimeout(resolve, 500));
    await it.nats.restart();
    await a.whenReady();
    await b.whenReady();
    client.send('[3,"after",{}]');
    // Given up by the one, and so reported by the other.
    await it.has("error later", "error after");
    await it.hasOnly("result soon", "error later", "error after");
  },

  "the holder is killed": async (it) => {
    const a = await it.gateway();
    const { program, url } = await it.program();
    const clients = Array.from(
      { length: 5 },
      (_, i) => new TestClient(`${url.replace("http", "ws")}/CP${i}`),
    );
    await Promise.all(clients.map((client) => client.opened));
    const expected: string[] = [];
    for (const [i, client] of clients.entries()) {
      await until("the client", async () => (await a.api(`/clients/CP${i}`)).status === 200);
      for (const id of ["sent", "queued"]) {
        strictEqual((await a.call(`Act/CP${i}/${id}${i}`)).status, 202);
        expected.push(`error ${id}${i}`);
      }
      await client.next("[2,");
    }
    const waiting = a.call("Act/CP0/waited", "{}", { prefer: "wait=1" });
    await until(
      "the wait's CALL with the client",
      async () => (await a.call("Act/CP0/waited")).status === 409,
    );
    const start = performance.now();
    program.signal("SIGKILL");
    await it.has(...expected);
    ok(performance.now() - start < 15_000);
    for (const { body } of it.backend.requests) {
      const { code, description } = JSON.parse(body);
      strictEqual(code, "GenericError");
      match(description, /lost the client/);
    }
    const { status, headers } = await inTime(waiting, "the answer to who waits");
    deepStrictEqual([status, headers.get("ws2api-outcome")], [410, "sent"]);
    await it.hasOnly(...expected);
    await Promise.all(clients.map((client) => client.whenClosed()));
  },

  "the accepting instance is killed": async (it) => {
    const { program, url } = await it.program();
    const b = await it.gateway(it.nats.url, flags);
    const client = await b.connect("CP1");
    for (const id of ["soon", "later", "never"]) {
      const response = await fetch(`${url}/call/Act/CP1/${id}`, { method: "POST" });
      await response.body?.cancel();
      strictEqual(response.status, 202);
      await client.next(`[2,"${id}"`);
    }
    program.signal("SIGKILL");
    await program.ended();
    client.send('[3,"soon",{}]');
    await it.has("result soon");
    await new Promise((resolve) => setTimeout(resolve, LOST_MS));
    client.send('[3,"later",{}]');
    await it.has("result later");
    await client.close();
    await it.has("error never");
    deepStrictEqual(it.outcomes, ["result soon", "result later", "error never"]);
  },

  "the accepting instance shuts down": async (it) => {
    const a = await it.gateway();
    const b = await it.gateway(it.nats.url, flags);
    const client = await b.connect("CP1");
    await it.accepted(a, client, ["soon", "later"]);
    await a.shutdown();
    client.send('[3,"soon",{}]');
    await new Promise((resolve) => setTimeout(resolve, LOST_MS));
    client.send('[3,"later",{}]');
    await it.has("result soon", "result later");
    await b.shutdown();
    deepStrictEqual(it.outcomes, ["result soon", "result later"]);
  },

  "the holder shuts down": async (it) => {
    const a = await it.gateway();
    const b = await it.gateway();
    const client = await b.connect("CP1");
    await it.accepted(a, client, ["sent"]);
    strictEqual((await a.call("Act/CP1/queued")).status, 202);
    await b.shutdown();
    await it.hasOnly("error sent", "error queued");
    for (const { body } of it.backend.requests) {
      match(JSON.parse(body).description, /shutting down/);
    }
    strictEqual((await a.call("Act/CP1/new")).status, 404);
  },

  "the client goes, and another connection of it is elsewhere": async (it) => {
    const a = await it.gateway();
    const b = await it.gateway();
    const client = await b.connect("CP1");
    await it.accepted(a, client, ["sent"]);
    const newer = await a.connect("CP1");
    await it.has("error sent");
    match(it.backend.requests[0]!.body, /replaced by a newer connection/);
    await it.accepted(b, newer, ["other"]);
    newer.send('[3,"other",{}]');
    await it.hasOnly("error sent", "result other");
  },
};

test("a CALL accepted for a client of another instance has one outcome, whatever comes between", async () => {
  // All at once: most of each is waiting.
  const ends = await Promise.allSettled(
    Object.values(cases).map(async (run) => {
      await using it = await Case.start();
      await run(it);
    }),
  );
  const names = Object.keys(cases);
  const failures = ends.flatMap((end, k) =>
    end.status === "rejected" ? [`${names[k]}: ${end.reason?.stack ?? end.reason}`] : []
  );
  ok(failures.length === 0, failures.join("\n\n"));
});

test("what an instance keeps on disk comes from it alone, after its next start", async () => {
  using folder = new TempDir();
  await using run = await Case.start();
  const more = [`--outbox=${folder.path("outbox")}`, "--drain-timeout=100ms"];
  run.backend.answer = () => new Response(null, { status: 503 });
  const accepting = await run.gateway();
  const { program, url } = await run.program(more);
  const client = new TestClient(`${url.replace("http", "ws")}/CP1`);
  await client.opened;
  await until(
    "word of the client",
    async () => (await accepting.call("Act/CP1/m1")).status === 202,
  );
  await client.next('[2,"m1"');
  client.send('[3,"m1",{"v":1.0}]');
  await run.backend.next("/result/");
  program.signal("SIGTERM");
  strictEqual((await program.ended()).code, 0);
  // The time in which another instance could think that the outcome is owed to it.
  await new Promise((resolve) => setTimeout(resolve, LOST_MS));
  run.backend.answer = () => new Response(null, { status: 204 });
  const again = await run.program(more);
  const total = async () => {
    const { text } = await accepting.api("/outbox");
    const other = await (await fetch(`${again.url}/outbox`)).text();
    return (JSON.parse(text).total as number) + (JSON.parse(other).total as number);
  };
  await until("an empty outbox everywhere", async () => await total() === 0);
  deepStrictEqual([...new Set(run.outcomes)], ["result m1"]);
});
