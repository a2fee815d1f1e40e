/**
 * What every bus does, whatever it goes over.
 *
 * @module
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type {
  Bus,
  Client,
  ClientPage,
  ClientReply,
  ClientRequest,
  Peer,
} from "../../lib/cluster/bus.ts";
import type {
  Answer,
  Answers,
  Question,
  QuestionKind,
  QuestionOf,
} from "../../lib/cluster/survey.ts";
import { Inbox, inTime } from "../support/deadline.ts";
import { pagesOf } from "../support/pages.ts";

/** An instance without a gateway: it holds clients that are only names, and records. */
export class FakePeer implements Peer {
  readonly clients = new Map<string, Client>();
  /** Who was told that a newer connection is elsewhere, `<ClientId> <connectionId>`. */
  readonly replacements = new Inbox<string>();
  readonly served = new Inbox<ClientRequest>();
  /** Of whom something was to be forgotten; `*` for all. */
  readonly forgotten = new Inbox<string>();
  readonly losses = new Inbox<string>();
  /** Answers what comes from now on. */
  answer: (request: ClientRequest) => ClientReply | Promise<ClientReply> = () => ACCEPTED;

  find(clientId: string): Client | undefined {
    return this.clients.get(clientId);
  }

  replaced(clientId: string, connectionId: string): void {
    this.replacements.put(`${clientId} ${connectionId}`);
  }

  serve(request: ClientRequest): Promise<ClientReply> {
    this.served.put(request);
    return Promise.resolve(
      this.clients.has(request.clientId) ? this.answer(request) : refused("gone"),
    );
  }

  forget(clientId: string | null): void {
    this.forgotten.put(clientId ?? "*");
  }

  page(after: string | null, limit: number): ClientPage {
    const all = [...this.clients.values()].toSorted((a, b) => a.clientId < b.clientId ? -1 : 1);
    const left = all.filter(({ clientId }) => after === null || clientId > after);
    return {
      total: all.length,
      clients: left.slice(0, limit),
      hasMore: left.length > limit,
    };
  }

  /** What it was asked beside pages. */
  readonly asked = new Inbox<Question>();
  /** Answers that. */
  know: (question: Question) => Answer = () => null;

  answerTo<K extends QuestionKind>(question: QuestionOf<K>): Answers[K] {
    return this.#answer(question) as Answers[K];
  }

  #answer(question: Question): Answer {
    if (question.kind === "page") return this.page(question.after, question.limit);
    this.asked.put(question);
    return this.know(question);
  }

  lost(client: Client, call: { action: string; messageId: string }): void {
    this.losses.put(`${client.clientId} ${call.action} ${call.messageId}`);
  }
}

/** One instance on a bus. */
export interface Member {
  readonly peer: FakePeer;
  readonly bus: Bus;
  /** Ends without a word: the others get nothing of it any more. */
  die(): Promise<void>;
}

/** Instances that are tied together; those that have not died are closed when it is disposed of. */
export interface Members extends AsyncDisposable {
  readonly all: readonly Member[];
}

export type ConnectMembers = (count: number) => Promise<Members>;

const ACCEPTED: ClientReply = { kind: "accepted" };

/** What is replied to what, beside refusals. */
const FITTING: Readonly<Record<ClientRequest["kind"], readonly ClientReply["kind"][]>> = {
  call: ["accepted", "no_answer", "invalid", "outcome"],
  send: ["accepted", "invalid"],
  describe: ["client"],
  close: ["accepted"],
};

export function refused(reason: Extract<ClientReply, { kind: "refused" }>["reason"]): ClientReply {
  return { kind: "refused", reason };
}

/** A client; of two with one id the one with the higher number is newer. */
export function clientOf(clientId: string, number = 1): Client {
  return {
    clientId,
    connectionId: `01890000-0000-7000-8000-${String(number).padStart(12, "0")}`,
    protocol: "ocpp1.6",
    remoteAddress: "192.0.2.1",
    connectedAt: 1_700_000_000_000 + number,
  };
}

/** A CALL whose outcome goes to the backend, or with `waitSeconds` comes back. */
export function callTo(
  clientId: string,
  { messageId = "m1", payload = "{}", waitSeconds = null as number | null } = {},
): ClientRequest & { kind: "call" } {
  return { kind: "call", clientId, action: "Reset", messageId, payload, waitSeconds };
}

/** The client connects there. */
export function attach({ peer, bus }: Member, client: Client): void {
  peer.clients.set(client.clientId, client);
  bus.attach(client);
}

/** That very connection ends there. */
export function detach({ peer, bus }: Member, client: Client): void {
  if (peer.clients.get(client.clientId) === client) peer.clients.delete(client.clientId);
  bus.detach(client);
}

/** Asks until somebody holds the client: news of it may still be under way. */
async function found({ bus }: Member, clientId: string): Promise<ClientReply> {
  const asking = async (): Promise<ClientReply> => {
    for (;;) {
      const reply = await bus.ask({ kind: "describe", clientId });
      if (reply.kind !== "refused" || !["gone", "unavailable"].includes(reply.reason)) return reply;
    }
  };
  return await inTime(asking(), `${clientId} on the bus`);
}

/** Asks until nobody holds the client. */
async function gone({ bus }: Member, clientId: string): Promise<void> {
  const asking = async (): Promise<void> => {
    for (;;) {
      const reply = await bus.ask({ kind: "describe", clientId });
      if (reply.kind === "refused" && reply.reason === "gone") return;
    }
  };
  await inTime(asking(), `${clientId} off the bus`);
}

/** Asks until nobody is found; whether there is nobody may be unknown, when one went without a word. */
async function notThere({ bus }: Member, clientId: string): Promise<void> {
  const asking = async (): Promise<void> => {
    for (;;) {
      const reply = await bus.ask({ kind: "describe", clientId });
      if (reply.kind === "refused" && ["gone", "unavailable"].includes(reply.reason)) return;
    }
  };
  await inTime(asking(), `${clientId} off the bus`);
}

function describeFrom(peer: FakePeer): (request: ClientRequest) => ClientReply {
  return ({ clientId }) => ({ kind: "client", client: peer.find(clientId)! });
}

/**
 * Registers the tests of one kind of bus.
 *
 * @param name Begins each test's name.
 * @param connect Ties instances together that hold no clients.
 * @param register Registers one test.
 */
export function testBus(
  name: string,
  connect: ConnectMembers,
  register: (name: string, fn: () => Promise<void>) => void = Deno.test,
): void {
  function test(what: string, run: (members: readonly Member[]) => Promise<void>): void {
    register(`${name}: ${what}`, async () => {
      await using members = await connect(3);
      for (const { peer } of members.all) peer.answer = describeFrom(peer);
      await run(members.all);
    });
  }

  test("what is to be forgotten of a client all others are told, and nobody else", async (members) => {
    const [first, ...others] = members as [Member, ...Member[]];
    const all = members.map(({ peer }) => peer);
    for (const peer of all) while (peer.forgotten.left.length > 0) await peer.forgotten.take("*");
    const clientId = "a b.*>é😀";
    first.bus.forget(clientId);
    others[0]!.bus.forget("CP2");
    strictEqual(await others[0]!.peer.forgotten.take("a client"), clientId);
    deepStrictEqual(
      [await others[1]!.peer.forgotten.take("one"), await others[1]!.peer.forgotten.take("both")]
        .toSorted(),
      ["CP2", clientId],
    );
    strictEqual(await first.peer.forgotten.take("the other"), "CP2");
    deepStrictEqual(all.map(({ forgotten }) => forgotten.left), [[], [], []]);
  });

  test("a request reaches the holder as it is, whoever asks, and the reply comes back", async (members) => {
    const [holder, ...others] = members as [Member, ...Member[]];
    const clientId = "a b.*>é😀";
    attach(holder, clientOf(clientId));
    for (const other of others) {
      deepStrictEqual(await found(other, clientId), { kind: "client", client: clientOf(clientId) });
    }
    const payload = `{"a":1.0,"a":"\\u00e9 é 😀 ${"x".repeat(100_000)}"}`;
    const trace = {
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      tracestate: "a=b, c=d",
    };
    const requests: ClientRequest[] = [
      callTo(clientId, { payload }),
      { ...callTo(clientId, { payload }), trace },
      callTo(clientId, { messageId: "😀 .", waitSeconds: 5 }),
      { kind: "send", clientId, action: "N.o*t>ify", messageId: "s", payload },
      { kind: "describe", clientId },
      { kind: "close", clientId },
    ];
    const error = { codeText: '"E"', descriptionText: '"\\u0000"', details: '{"x":1.0}' };
    const replies: ClientReply[] = [
      ACCEPTED,
      ...(["duplicate", "full", "overloaded", "shutting_down", "no_send"] as const).map(refused),
      { kind: "no_answer", wasSent: true },
      { kind: "invalid", violation: { meaning: "type_constraint", pointer: "/é/0", text: "no" } },
      { kind: "outcome", outcome: { kind: "result", payload } },
      { kind: "outcome", outcome: { kind: "error", ...error } },
      { kind: "outcome", outcome: { kind: "timeout" } },
      { kind: "outcome", outcome: { kind: "gone", wasSent: false, reason: "r" } },
      { kind: "client", client: { ...clientOf(clientId), protocol: null } },
    ];
    for (const request of requests) {
      for (const [i, reply] of replies.entries()) {
        if (reply.kind !== "refused" && !FITTING[request.kind].includes(reply.kind)) continue;
        while (holder.peer.served.left.length > 0) await holder.peer.served.take("an older one");
        holder.peer.answer = () => reply;
        deepStrictEqual(await inTime(others[i % 2]!.bus.ask(request), "a reply"), reply);
        deepStrictEqual(holder.peer.served.left, [request]);
      }
    }
    for (const { peer } of others) deepStrictEqual(peer.served.left, []);
  });

  test("nobody holds a client that never connected, or that has gone", async (members) => {
    const [first, second] = members as [Member, Member];
    deepStrictEqual(await inTime(first.bus.ask(callTo("CP1")), "a reply"), refused("gone"));
    const client = clientOf("CP1");
    attach(second, client);
    await found(first, "CP1");
    detach(second, client);
    await gone(first, "CP1");
    deepStrictEqual(await inTime(first.bus.ask(callTo("CP1")), "a reply"), refused("gone"));
  });

  test("requests to different clients do not wait for each other", async (members) => {
    const [first, second] = members as [Member, Member];
    const slow = Promise.withResolvers<ClientReply>();
    attach(second, clientOf("slow"));
    attach(second, clientOf("fast"));
    await found(first, "slow");
    await found(first, "fast");
    second.peer.answer = ({ clientId }) => clientId === "slow" ? slow.promise : ACCEPTED;
    const late = first.bus.ask(callTo("slow", { waitSeconds: 60 }));
    deepStrictEqual(await inTime(first.bus.ask(callTo("fast")), "a reply"), ACCEPTED);
    slow.resolve({ kind: "no_answer", wasSent: true });
    deepStrictEqual(await inTime(late, "the late reply"), { kind: "no_answer", wasSent: true });
  });

  const [older, newer] = [clientOf("CP1", 1), clientOf("CP1", 2)];
  for (const order of ["older first", "newer first", "at the same time"] as const) {
    test(`the older of two connections is told, ${order}`, async (members) => {
      const [first, second, third] = members as [Member, Member, Member];
      const steps = [() => attach(first, older), () => attach(second, newer)];
      if (order === "newer first") steps.reverse();
      for (const step of steps) {
        step();
        if (order !== "at the same time") await found(third, "CP1");
      }
      strictEqual(
        await first.peer.replacements.take("the replacement"),
        `CP1 ${newer.connectionId}`,
      );
      // As a gateway does when it is told.
      detach(first, older);
      deepStrictEqual(await found(third, "CP1"), { kind: "client", client: newer });
      deepStrictEqual(await found(first, "CP1"), { kind: "client", client: newer });
      deepStrictEqual(second.peer.replacements.left, []);
      deepStrictEqual(third.peer.replacements.left, []);
    });
  }

  test("the end of an older connection leaves the newer one", async (members) => {
    const [first, second, third] = members as [Member, Member, Member];
    attach(first, older);
    await found(third, "CP1");
    attach(second, newer);
    await first.peer.replacements.take("the replacement");
    detach(first, older);
    // Once more, late.
    first.bus.detach(older);
    // Behind what the first one said, as it came the same way.
    attach(first, clientOf("CP2"));
    await found(third, "CP2");
    deepStrictEqual(await found(third, "CP1"), { kind: "client", client: newer });
  });

  test("a client that takes over on the same instance is known once", async (members) => {
    const [first, second] = members as [Member, Member];
    attach(first, older);
    await found(second, "CP1");
    // In the order of a connection: the newer one is in the map before the older one is closed.
    first.peer.clients.set("CP1", newer);
    first.bus.detach(older);
    first.bus.attach(newer);
    attach(first, clientOf("CP2"));
    await found(second, "CP2");
    deepStrictEqual(await found(second, "CP1"), { kind: "client", client: newer });
    deepStrictEqual(first.peer.replacements.left, []);
    const pages = await inTime(pagesOf(second.bus, null, 10), "pages");
    strictEqual(pages.reduce((sum, { total }) => sum + total, 0), 2);
  });

  test("pages are those of all others, each with its total and whether there is more", async (members) => {
    const [first, second, third] = members as [Member, Member, Member];
    for (const id of ["b", "d", "f", "h"]) attach(first, clientOf(id));
    for (const id of ["a", "c", "😀"]) attach(second, clientOf(id));
    attach(third, clientOf("own"));
    for (const id of ["h", "😀"]) await found(third, id);
    const rows: [after: string | null, limit: number, ids: string, more: number][] = [
      [null, 10, "a b c d f h 😀", 0],
      [null, 2, "a b c d", 2],
      ["b", 2, "c d f 😀", 1],
      ["b", 3, "c d f h 😀", 0],
      ["z", 1, "😀", 0],
      ["\uffff", 1, "", 0],
    ];
    for (const [after, limit, ids, more] of rows) {
      const pages = await inTime(pagesOf(third.bus, after, limit), "pages");
      strictEqual(pages.reduce((sum, { total }) => sum + total, 0), 7);
      const clients = pages.flatMap((page) => page.clients)
        .toSorted((a, b) => a.clientId < b.clientId ? -1 : 1);
      deepStrictEqual(clients, ids.split(" ").filter((id) => id !== "").map((id) => clientOf(id)));
      strictEqual(pages.filter(({ hasMore }) => hasMore).length, more, `${limit} after ${after}`);
    }
  });

  test("a question to all is answered by all others, as it is and as each knows", async (members) => {
    const [first, ...others] = members as [Member, ...Member[]];
    const key = { key: "backend k😀", fingerprint: "f" };
    const question = { kind: "key", key, claimId: clientOf("x").connectionId } as const;
    const known = [null, { state: "decided", fingerprint: "f", reply: null }] as const;
    for (const [i, { peer }] of others.entries()) peer.know = () => known[i]!;
    const asking = async () => {
      for (;;) {
        const survey = await first.bus.survey<"key">(question);
        // Over NATS it takes a moment until it is known who there is.
        if (survey.isComplete) return survey;
      }
    };
    const { answers } = await inTime(asking(), "answers of all");
    deepStrictEqual(answers.toSorted((a) => a === null ? -1 : 1), known);
    for (const { peer } of others) deepStrictEqual(peer.asked.left.at(-1), question);
    deepStrictEqual(first.peer.asked.left, []);
  });

  test("without an answer of one a survey is not complete, and ends all the same", async (members) => {
    const [first, second, third] = members as [Member, Member, Member];
    second.peer.know = () => {
      throw new Error("planted");
    };
    third.peer.know = () => true;
    const id = clientOf("x").connectionId;
    const { answers, isComplete } = await inTime(
      first.bus.survey<"retry">({ kind: "retry", id }),
      "a survey",
    );
    deepStrictEqual([answers, isComplete], [[true], false]);
  });

  test("the reply of an instance that dies while it serves is lost, and its clients are gone", async (members) => {
    const [first, second, third] = members as [Member, Member, Member];
    attach(second, clientOf("CP1"));
    await found(first, "CP1");
    while (second.peer.served.left.length > 0) await second.peer.served.take("an older one");
    second.peer.answer = () => new Promise(() => {});
    const asked = [callTo("CP1"), callTo("CP1", { waitSeconds: 1 })]
      .map((request) => first.bus.ask(request));
    for (const _ of asked) await second.peer.served.take("the request");
    await second.die();
    for (const reply of asked) deepStrictEqual(await inTime(reply, "a reply"), refused("lost"));
    await notThere(third, "CP1");
    const pages = await inTime(pagesOf(third.bus, null, 10), "pages");
    strictEqual(pages.reduce((sum, { total }) => sum + total, 0), 0);
    // Those who are left still reach each other.
    attach(third, clientOf("CP1", 2));
    deepStrictEqual(await found(first, "CP1"), { kind: "client", client: clientOf("CP1", 2) });
  });

  test("one that leaves is not asked any more, asks nobody, and disturbs no one", async (members) => {
    const [first, second, third] = members as [Member, Member, Member];
    attach(first, clientOf("CP1"));
    attach(second, clientOf("CP2"));
    await found(second, "CP1");
    await found(third, "CP2");
    await inTime(first.bus.close(5000), "the close");
    await gone(second, "CP1");
    const reply = await inTime(first.bus.ask(callTo("CP2")), "a reply");
    ok(reply.kind === "refused");
    deepStrictEqual(await inTime(pagesOf(first.bus, null, 10), "pages"), []);
    deepStrictEqual(await found(third, "CP2"), { kind: "client", client: clientOf("CP2") });
    const pages = await inTime(pagesOf(third.bus, null, 10), "pages");
    strictEqual(pages.reduce((sum, { total }) => sum + total, 0), 1);
  });
}
