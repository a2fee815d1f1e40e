/**
 * `kill -9` of the real program, again and again, between the commit of a CALL, its 202, the client's
 * answer and the delivery: each accepted CALL has an outcome in the end, under one Webhook-Id.
 *
 * @module
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { json, type Recorded, RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { inTime, until } from "../support/deadline.ts";
import { runs } from "../support/runs.ts";
import { type Program, startProgram, TempDir, urlOf } from "../support/program.ts";

const KILLS = runs(200);
const CLIENTS = ["CP-1", "CP-2", "CP-3"];
const CALLS_A_LIFE = 9;

/** What a kill waits for: each comes so often that all of them have their turn. */
const MOMENTS = [
  /** Some milliseconds after the first request was written: around its commit. */
  "a request is on its way",
  "a 202 has come",
  "a client has the CALL",
  "the backend has an outcome, and has not answered",
  "the backend has answered an outcome",
] as const;
type Moment = typeof MOMENTS[number];

/** Tells once, when its moment has come. */
class Trigger {
  readonly #moment: Moment;
  readonly #come = Promise.withResolvers<void>();
  #left: number;

  constructor(moment: Moment) {
    this.#moment = moment;
    this.#left = 1 + below(CALLS_A_LIFE - 1);
  }

  get come(): Promise<void> {
    return this.#come.promise;
  }

  note(moment: Moment): void {
    if (moment === this.#moment && --this.#left === 0) this.#come.resolve();
  }
}

/** All that happened over all lives of the gateway. */
class Books {
  /** MessageIds whose CALL was accepted. */
  readonly accepted = new Set<string>();
  /** By MessageId: the outcomes that came. */
  readonly outcomes = new Map<string, Recorded[]>();

  note(request: Recorded): void {
    const messageId = request.path.split("/").at(-1)!;
    this.outcomes.set(messageId, [...this.outcomes.get(messageId) ?? [], request]);
  }

  get open(): string[] {
    return [...this.accepted].filter((messageId) => !this.outcomes.has(messageId));
  }
}

function start(dir: TempDir, backend: RecordingBackend): Program {
  return startProgram([
    "--listen=127.0.0.1:0",
    `--backend=${backend.url}`,
    `--outbox=${dir.path("outbox")}`,
    "--log-level=error",
  ]);
}

Deno.test(`no accepted CALL is without an outcome after ${KILLS} kills`, async () => {
  using dir = new TempDir();
  await using backend = new RecordingBackend();
  const books = new Books();
  let trigger = new Trigger(MOMENTS[0]);
  let life = 0;
  backend.answer = async (request) => {
    books.note(request);
    // What an earlier life left comes as soon as the gateway starts, and would leave no time for more.
    const isOfThisLife = request.path.includes(`/${life}-`);
    if (isOfThisLife) trigger.note("the backend has an outcome, and has not answered");
    // A turn of its own, so that a kill may come before the answer.
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (isOfThisLife) queueMicrotask(() => trigger.note("the backend has answered an outcome"));
    return json("{}");
  };

  for (; life < KILLS; life++) {
    trigger = new Trigger(MOMENTS[life % MOMENTS.length]!);
    await using program = start(dir, backend);
    const url = await urlOf(program);
    const clients = await Promise.all(CLIENTS.map((id) => connect(url, id, trigger)));
    const calls = Array.from({ length: CALLS_A_LIFE }, async (_, i) => {
      const messageId = `${life}-${i}`;
      trigger.note("a request is on its way");
      try {
        const path = `/call/Reset/${CLIENTS[i % CLIENTS.length]}/${messageId}`;
        const response = await fetch(new URL(path, url), { method: "POST", body: "{}" });
        await response.body?.cancel();
        if (response.status !== 202) return;
        books.accepted.add(messageId);
        trigger.note("a 202 has come");
      } catch {
        // The gateway was killed.
      }
    });
    await inTime(trigger.come, MOMENTS[life % MOMENTS.length]!);
    if (below(2) === 1) {
      await new Promise((resolve) => setTimeout(resolve, below(4)));
    }
    program.signal("SIGKILL");
    await Promise.all(calls);
    await program.ended();
    for (const client of clients) await client.whenClosed();
  }

  await using last = start(dir, backend);
  const url = await urlOf(last);
  await until("the outbox to be empty", async () => {
    const response = await fetch(new URL("/outbox", url));
    return (await response.json()).total === 0;
  });
  const all = [...books.outcomes.values()].flat();
  const restarted = all.filter(({ body }) => body.includes("the gateway was restarted")).length;
  ok(restarted > 0, "no kill came between a 202 and its answer");
  ok(books.accepted.size > KILLS, `only ${books.accepted.size} CALLs were accepted`);
  deepStrictEqual(books.open, []);
  for (const [messageId, outcomes] of books.outcomes) {
    const ids = new Set(outcomes.map(({ headers }) => headers.get("webhook-id")));
    strictEqual(ids.size, 1, `${messageId} came under ${ids.size} ids`);
    ok(!ids.has(null), `${messageId} came without an id`);
  }
});

/** A client that answers at once. */
async function connect(url: string, clientId: string, trigger: Trigger): Promise<TestClient> {
  const client = new TestClient(new URL(clientId, url.replace("http", "ws")).href);
  client.socket.addEventListener("message", ({ data }) => {
    const [type, messageId] = JSON.parse(data);
    if (type !== 2) return;
    trigger.note("a client has the CALL");
    client.send(JSON.stringify([3, messageId, { answers: messageId }]));
  });
  await inTime(client.opened, `the upgrade of ${clientId}`);
  return client;
}

/** The moments of real processes come as they like, so that no seed would repeat them. */
function below(limit: number): number {
  return Math.floor(Math.random() * limit);
}
