import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { Client, ClientRequest } from "../../lib/cluster/bus.ts";
import { isNoResponders } from "../../lib/nats/fault.ts";
import { Instance } from "../cluster/nats/instance.ts";
import { RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { until } from "../support/deadline.ts";
import { NatsServer, testWithNats as test } from "../support/nats.ts";
import { startProgram, urlOf } from "../support/program.ts";
import { pagesOf } from "../support/pages.ts";

/** Another user of the same NATS, who says what no instance says. */
class Stranger implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly prefix: string;

  private constructor(connection: NatsConnection, prefix: string) {
    this.#connection = connection;
    this.prefix = prefix;
  }

  static async connect(nats: NatsServer, prefix = "ws2api"): Promise<Stranger> {
    return new Stranger(await connect({ servers: nats.host }), prefix);
  }

  /** Who holds a client, as soon as the server knows. */
  async holderOf(clientId: string): Promise<{ peerId: string; client: Client }> {
    const subject = `${this.prefix}.client.${encodeURIComponent(clientId)}`;
    const find = JSON.stringify({ kind: "find" });
    let holder: { peerId: string; client: Client } | undefined;
    await until(`the holder of ${clientId}`, async () => {
      try {
        holder = (await this.#connection.request(subject, find, { timeout: 10_000 })).json();
      } catch (error) {
        if (!isNoResponders(error)) throw error;
      }
      return holder !== undefined;
    });
    return holder!;
  }

  /** Says it on a subject below the prefix. Text stands as it is. */
  say(subject: string, note: unknown, reply?: string): void {
    const text = typeof note === "string" ? note : JSON.stringify(note);
    const full = `${this.prefix}.${subject}`;
    this.#connection.publish(full, text, reply === undefined ? {} : { reply });
  }

  /** Asks on a subject below the prefix. */
  async ask(subject: string, note: unknown): Promise<unknown> {
    const text = JSON.stringify(note);
    const full = `${this.prefix}.${subject}`;
    return (await this.#connection.request(full, text, { timeout: 10_000 })).json();
  }

  /** Answers whatever is asked on a subject below the prefix. */
  answer(subject: string, answer: unknown): void {
    const text = typeof answer === "string" ? answer : JSON.stringify(answer);
    this.#connection.subscribe(`${this.prefix}.${subject}`, {
      callback: (_, message) => void message.respond(text),
    });
  }

  /** All that it has said has reached the server, and what it subscribed to is known there. */
  async flushed(): Promise<void> {
    await this.#connection.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}

const CALL = {
  kind: "call",
  clientId: "CP1",
  action: "Reset",
  messageId: "1",
  payload: "{}",
  waitSeconds: null,
};

function askFor(request: object, more: object = {}): object {
  return { kind: "ask", from: "stranger", number: 1, request, ...more };
}

test("names from NATS that no URL can hold do not end the program", async () => {
  await using nats = await NatsServer.start();
  await using backend = new RecordingBackend();
  const flags = ["--listen=127.0.0.1:0", `--backend=${backend.url}`, `--nats=${nats.url}`];
  await using program = startProgram(flags);
  const url = await urlOf(program);
  await program.logged("nats connected");
  const client = new TestClient(`${url.replace("http", "ws")}/CP1`);
  await client.opened;
  await using stranger = await Stranger.connect(nats);
  const { peerId } = await stranger.holderOf("CP1");
  const seen: string[] = [];
  client.socket.addEventListener("message", ({ data }) => {
    const [, messageId] = JSON.parse(data);
    seen.push(messageId);
    client.send(JSON.stringify([3, messageId, {}]));
  });
  const names = [{ action: "\ud800" }, { messageId: "\udfff" }, { action: ".." }];
  for (const name of names) stranger.say(`peer.${peerId}`, askFor({ ...CALL, ...name }));
  // Behind them, so that they have been taken.
  const answer = await stranger.ask(`peer.${peerId}`, askFor({ ...CALL, messageId: "good" }));
  deepStrictEqual(answer, { epoch: 0, reply: { kind: "accepted" } });
  await backend.next("/result/Reset/CP1/good");
  deepStrictEqual(seen, ["good"]);
  await program.logged("nats message not understood", names.length);
  strictEqual(await statusOf(`${url}/clients/CP1`), 200);
  await client.close();
});

const NOT_UNDERSTOOD = "nats message not understood";

/** Requests that the API would not take, each by its fault. */
const BAD_REQUESTS: readonly [fault: string, request: object][] = [
  ["an Action with a lone surrogate", { ...CALL, action: "\ud800" }],
  ["an Action that is a dot segment", { ...CALL, action: ".." }],
  ["an empty Action", { ...CALL, action: "" }],
  ["a long Action", { ...CALL, action: "a".repeat(256) }],
  ["an Action that is no text", { ...CALL, action: 7 }],
  ["no Action", { ...CALL, action: undefined }],
  ["a MessageId with a lone surrogate", { ...CALL, messageId: "\udc00" }],
  ["a MessageId of 37 characters", { ...CALL, messageId: "1".repeat(37) }],
  ["an empty MessageId", { ...CALL, messageId: "" }],
  ["a payload that is an array", { ...CALL, payload: "[]" }],
  ["a payload that is no JSON", { ...CALL, payload: "{" }],
  ["a payload with a frame behind it", { ...CALL, payload: '{}],[2,"x","Reset",{}' }],
  ["a payload that is no text", { ...CALL, payload: {} }],
  ["a payload that is too long", { ...CALL, payload: `{"a":"${"é".repeat(600)}"}` }],
  ["a ClientId with a slash", { ...CALL, clientId: "a/b" }],
  ["a ClientId with a control character", { ...CALL, clientId: "a\n" }],
  ["a wait without an end", { ...CALL, waitSeconds: 1e9 }],
  ["a wait that is a text", { ...CALL, waitSeconds: "1" }],
  ["a SEND with a lone surrogate", { ...CALL, kind: "send", action: "\ud800" }],
  ["a kind that does not exist", { ...CALL, kind: "constructor" }],
];

type Subject = "peer" | "client" | "all";

const BAD_NOTES: readonly [fault: string, subject: Subject, note: unknown][] = [
  ...BAD_REQUESTS.map(([fault, request]): [string, Subject, unknown] => [
    fault,
    "peer",
    askFor(request),
  ]),
  ["no JSON", "peer", "no JSON"],
  ["null", "peer", "null"],
  ["an array", "peer", "[]"],
  ["deep brackets", "peer", "[".repeat(100_000)],
  ["no request", "peer", { kind: "ask", from: "stranger", number: 1 }],
  ["a number that is a text", "peer", askFor(CALL, { number: "1" })],
  ["an asker with blanks", "peer", askFor(CALL, { from: "x 1\r\nPUB a 0\r\n" })],
  ["an asker that is all", "peer", askFor(CALL, { from: "*" })],
  ["a peer with a dot", "peer", { kind: "alive", peerId: "a.b" }],
  ["numbers that are none", "peer", { kind: "ping", peerId: "p", numbers: [null] }],
  ["too many numbers", "peer", { kind: "ping", peerId: "p", numbers: Array(5001).fill(1) }],
  ["a connection that is a number", "peer", { kind: "attached", clientId: "CP1", connectionId: 9 }],
  ["no JSON", "client", "{"],
  ["a connection that is an object", "client", {
    kind: "attached",
    peerId: "p",
    connectionId: {},
  }],
  ["no JSON", "all", '"'],
  ["a peer that is an object", "all", { kind: "hello", peerId: {} }],
  ["a time that is a text", "all", { kind: "alive", peerId: "p", time: "1" }],
  ["a time that is none", "all", { kind: "hello", peerId: "p", time: 1e300 }],
  ["a place without an end", "all", { kind: "alive", peerId: "p", place: "x".repeat(500) }],
  ["a roll that is a number", "all", { kind: "hello", peerId: "p", isRoll: 1 }],
  ["a claim without a number", "peer", { kind: "claim", peerId: "p" }],
  ["a claim of all", "peer", { kind: "claim", peerId: ">", number: 1 }],
  ["a page without an end", "all", { kind: "page", after: null, limit: 1e9 }],
  ["a search that is a number", "all", { kind: "page", after: null, limit: 1, search: 1 }],
];

test("what the API would not take, and what no instance says, is dropped with a word", async (t) => {
  await using nats = await NatsServer.start();
  await using instance = await Instance.ready([nats.host], "test", 1024);
  await using stranger = await Stranger.connect(nats, "test");
  instance.connect("CP1", "c1");
  const served: ClientRequest[] = [];
  instance.answer = (request) => {
    served.push(request);
    return { kind: "accepted" };
  };
  await stranger.holderOf("CP1");
  const subjects = { peer: `peer.${instance.peerId}`, client: "client.CP1", all: "all" };
  for (const [fault, subject, note] of BAD_NOTES) {
    await t.step(`${subject}: ${fault}`, async () => {
      const before = instance.log.count(NOT_UNDERSTOOD);
      stranger.say(subjects[subject], note, "nobody.there");
      await until("a word of it", () => instance.log.count(NOT_UNDERSTOOD) === before + 1);
    });
  }
  deepStrictEqual([served, instance.closed, instance.lostCalls], [[], [], []]);
  // What is as it should be still gets through.
  deepStrictEqual(await stranger.ask(subjects.peer, askFor(CALL)), {
    epoch: 0,
    reply: { kind: "accepted" },
  });
  deepStrictEqual(served, [CALL]);
  strictEqual(instance.log.count("failed") + instance.log.count("not taken"), 0);
});

test("a trace from NATS that cannot stand in a request's head is left out", async () => {
  await using nats = await NatsServer.start();
  await using instance = await Instance.ready([nats.host]);
  await using stranger = await Stranger.connect(nats, "test");
  instance.connect("CP1", "c1");
  const served: ClientRequest[] = [];
  instance.answer = (request) => {
    served.push(request);
    return { kind: "accepted" };
  };
  await stranger.holderOf("CP1");
  for (const trace of [{ traceparent: "00-\r\nX: y" }, { traceparent: 7 }, "trace"]) {
    await stranger.ask(`peer.${instance.peerId}`, askFor({ ...CALL, trace }));
  }
  deepStrictEqual(served, [CALL, CALL, CALL]);
});

const GOOD_CLIENT = {
  clientId: "CP9",
  connectionId: "c9",
  protocol: "ocpp1.6",
  remoteAddress: "192.0.2.1",
  connectedAt: 1,
};

/** Holders that no instance names. */
const BAD_HOLDERS: readonly [fault: string, answer: unknown][] = [
  ["no JSON", "{"],
  ["a number", 7],
  ["no client", { peerId: "p" }],
  ["a peer that is a wildcard", { peerId: ">", client: GOOD_CLIENT }],
  ["another client", { peerId: "p", client: { ...GOOD_CLIENT, clientId: "CP1" } }],
  ["a connection that ends a header", {
    peerId: "p",
    client: { ...GOOD_CLIENT, connectionId: "c\r\nX: y" },
  }],
  ["an address that ends a header", {
    peerId: "p",
    client: { ...GOOD_CLIENT, remoteAddress: "1\r\nX: y" },
  }],
  ["a subprotocol that ends a header", {
    peerId: "p",
    client: { ...GOOD_CLIENT, protocol: "ocpp1.6\r\nX: y" },
  }],
  ["a time that is none", { peerId: "p", client: { ...GOOD_CLIENT, connectedAt: 1e300 } }],
];

test("who names itself the holder of a client is believed only when it speaks as an instance", async (t) => {
  await using nats = await NatsServer.start();
  for (const [fault, answer] of BAD_HOLDERS) {
    await t.step(fault, async () => {
      await using instance = await Instance.ready([nats.host], "test");
      await using stranger = await Stranger.connect(nats, "test");
      stranger.answer("client.CP9", answer);
      await stranger.flushed();
      deepStrictEqual(await instance.call("CP9", "1"), { kind: "refused", reason: "unavailable" });
      ok(instance.log.count(NOT_UNDERSTOOD) > 0);
    });
  }
});

/** Answers to a CALL that no instance gives. */
const BAD_ANSWERS: readonly [fault: string, answer: unknown][] = [
  ["no JSON", "{"],
  ["no epoch", { reply: { kind: "accepted" } }],
  ["an epoch that is a text", { epoch: "1", reply: { kind: "accepted" } }],
  ["a reply that is a text", { epoch: 0, reply: "accepted" }],
  ["a kind that does not exist", { epoch: 0, reply: { kind: "toString" } }],
  ["an answer to another question", { epoch: 0, reply: { kind: "client", client: GOOD_CLIENT } }],
  ["a refusal without a reason", { epoch: 0, reply: { kind: "refused" } }],
  ["a result that is no object", {
    epoch: 0,
    reply: { kind: "outcome", outcome: { kind: "result", payload: "<html>" } },
  }],
  ["an error whose code is no JSON text", {
    epoch: 0,
    reply: {
      kind: "outcome",
      outcome: { kind: "error", codeText: '"a","b":1', descriptionText: '""', details: "{}" },
    },
  }],
  ["a violation without a text", {
    epoch: 0,
    reply: { kind: "invalid", violation: { meaning: "type_constraint", pointer: "" } },
  }],
];

test("an answer that no instance gives counts as none", async (t) => {
  await using nats = await NatsServer.start();
  for (const [fault, answer] of BAD_ANSWERS) {
    await t.step(fault, async () => {
      await using instance = await Instance.ready([nats.host], "test");
      await using stranger = await Stranger.connect(nats, "test");
      stranger.answer("client.CP9", { peerId: "stranger", client: GOOD_CLIENT });
      stranger.answer("peer.stranger", answer);
      await stranger.flushed();
      for (const waitSeconds of [null, 1]) {
        const reply = await instance.call("CP9", "1", waitSeconds);
        deepStrictEqual(reply, { kind: "refused", reason: "lost" });
      }
      strictEqual(instance.log.count(NOT_UNDERSTOOD), 2);
    });
  }
});

test("parts of a list that no instance gives are left out of it", async () => {
  await using nats = await NatsServer.start();
  await using instance = await Instance.ready([nats.host]);
  await using other = await Instance.ready([nats.host]);
  await using stranger = await Stranger.connect(nats, "test");
  other.connect("CP1", "c1");
  stranger.say("all", { kind: "hello", peerId: "stranger" });
  stranger.answer("all", { total: 1, clients: [{ ...GOOD_CLIENT, connectedAt: 1e300 }] });
  await stranger.flushed();
  await until("the list without the stranger", async () => {
    const pages = await pagesOf(instance.bus, null, 10);
    ok(pages.every(({ clients }) => clients.every(({ clientId }) => clientId === "CP1")));
    return pages.length === 1 && instance.log.count(NOT_UNDERSTOOD) > 0;
  });
});

test("a time that is days ahead is told of, and not taken over", async () => {
  await using nats = await NatsServer.start();
  await using instance = await Instance.ready([nats.host]);
  await using stranger = await Stranger.connect(nats, "test");
  for (const time of [Number.MAX_SAFE_INTEGER, Date.now() + 2 * 24 * 3_600_000]) {
    stranger.say("all", { kind: "alive", peerId: "p", time });
  }
  await until("a word of it", () => instance.log.count("is days ahead") === 2);
  ok(Math.abs(instance.time.wallNow() - Date.now()) < 60_000);
});
