import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { ClientReply } from "../../lib/cluster/bus.ts";
import { type AskedOnce, askOnce, endOf } from "../../lib/cluster/once.ts";
import { RequestKeys, type RequestKeysOptions } from "../../lib/cluster/request_keys.ts";
import type { KeyAnswer, QuestionOf, Survey } from "../../lib/cluster/survey.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { idOf, Ids } from "../support/retention.ts";
import { runs } from "../support/runs.ts";
import { callTo, refused } from "./bus_contract.ts";

const KEY = { key: "backend k", fingerprint: "f" };
const ACCEPTED: ClientReply = { kind: "accepted" };
const CALL = callTo("CP1");
const WAITING = callTo("CP1", { waitSeconds: 1 });

function keysWith(
  more: Partial<RequestKeysOptions> = {},
): { keys: RequestKeys; clock: FakeClock } {
  const clock = new FakeClock();
  const options = { clock, ids: new Ids(), retentionMs: 1000, maxKeys: 3, maxBytes: 1e6, ...more };
  return { keys: new RequestKeys(options), clock };
}

/** Others that know nothing. */
function nobody(): Promise<Survey<KeyAnswer | null>> {
  return Promise.resolve({ answers: [null], isComplete: true });
}

/** What comes of a request with this key when the client's instance replies so. */
function ask(
  keys: RequestKeys,
  reply: ClientReply | (() => Promise<ClientReply>),
  { key = KEY, survey = nobody, call = CALL } = {},
): Promise<AskedOnce> {
  const asked = typeof reply === "function" ? reply : () => Promise.resolve(reply);
  return askOnce(key, call, { keys, survey, ask: asked });
}

Deno.test("the same request under a key is carried out once, until the retention is over", async () => {
  const { keys, clock } = keysWith();
  deepStrictEqual(await ask(keys, ACCEPTED), { kind: "asked", reply: ACCEPTED });
  clock.tick(999);
  const again = ask(keys, () => Promise.reject(new Error("not asked again")));
  deepStrictEqual(await again, { kind: "replayed", reply: ACCEPTED });
  clock.tick(1);
  deepStrictEqual([keys.size, clock.timers], [0, 0]);
  deepStrictEqual(await ask(keys, ACCEPTED), { kind: "asked", reply: ACCEPTED });
});

Deno.test("a key is under way until its request is answered, and another request never gets it", async () => {
  const { keys } = keysWith();
  const { promise, resolve } = Promise.withResolvers<ClientReply>();
  const first = ask(keys, () => promise);
  deepStrictEqual(await ask(keys, ACCEPTED), { kind: "under_way" });
  const other = { key: { ...KEY, fingerprint: "g" } };
  deepStrictEqual(await ask(keys, ACCEPTED, other), { kind: "other_request" });
  resolve(ACCEPTED);
  strictEqual((await first).kind, "asked");
  deepStrictEqual(await ask(keys, ACCEPTED, other), { kind: "other_request" });
});

Deno.test("a key stands for how its request ended, and for nothing that was not accepted", async (t) => {
  const reason = "r";
  const outcomes = [
    { kind: "result", payload: '{"a":1.0}' },
    { kind: "error", codeText: '"E"', descriptionText: '""', details: "{}" },
    { kind: "timeout" },
    { kind: "gone", wasSent: true, reason },
    { kind: "gone", wasSent: false, reason },
  ] as const;
  const binding: [ClientReply, waits: boolean][] = [
    [ACCEPTED, false],
    ...outcomes.map((outcome) => [{ kind: "outcome", outcome }, true] as [ClientReply, boolean]),
    [{ kind: "no_answer", wasSent: true }, true],
    [{ kind: "no_answer", wasSent: false }, true],
    [refused("lost"), true],
  ];
  const free: [ClientReply, waits: boolean][] = [
    ...([
      "gone",
      "duplicate",
      "full",
      "overloaded",
      "shutting_down",
      "unavailable",
      "too_large",
    ] as const)
      .flatMap((each): [ClientReply, boolean][] => [[refused(each), false], [refused(each), true]]),
    [refused("lost"), false],
    [{ kind: "invalid", violation: { meaning: "bad_payload", pointer: "", text: "" } }, false],
  ];
  for (const [reply, waits] of [...binding, ...free]) {
    await t.step(`${JSON.stringify(reply)} ${waits}`, async () => {
      const { keys, clock } = keysWith();
      const call = waits ? WAITING : CALL;
      deepStrictEqual(await ask(keys, reply, { call }), { kind: "asked", reply });
      const isBound = binding.some(([each]) => each === reply);
      strictEqual(endOf(reply, call) !== null, isBound);
      const again = await ask(keys, reply, { call });
      deepStrictEqual(again, { kind: isBound ? "replayed" : "asked", reply });
      keys.close();
      deepStrictEqual([keys.size, clock.timers], [0, 0]);
    });
  }
});

Deno.test("a request that fails here leaves its key free", async () => {
  const { keys } = keysWith();
  const failed = await ask(keys, () => Promise.reject(new Error("planted"))).catch(String);
  deepStrictEqual([failed, keys.size], ["Error: planted", 0]);
});

Deno.test("beyond the number or the bytes no key is taken, and none is forgotten before its time", async () => {
  const named = (key: string) => ({ key: { key, fingerprint: "f" } });
  const { keys, clock } = keysWith({ maxKeys: 2 });
  strictEqual((await ask(keys, ACCEPTED, named("a"))).kind, "asked");
  clock.tick(500);
  strictEqual((await ask(keys, ACCEPTED, named("b"))).kind, "asked");
  deepStrictEqual(await ask(keys, ACCEPTED, named("c")), { kind: "full" });
  keys.bind({ key: "d", fingerprint: "f" });
  strictEqual(keys.size, 2);
  strictEqual((await ask(keys, ACCEPTED, named("a"))).kind, "replayed");
  clock.tick(500);
  strictEqual((await ask(keys, ACCEPTED, named("c"))).kind, "asked");
  const bytes = keysWith({ maxKeys: 100, maxBytes: 5000 });
  const result: ClientReply = {
    kind: "outcome",
    outcome: { kind: "result", payload: `{"a":"${"x".repeat(5000)}"}` },
  };
  strictEqual((await ask(bytes.keys, result, { ...named("a"), call: WAITING })).kind, "asked");
  deepStrictEqual(await ask(bytes.keys, ACCEPTED, named("b")), { kind: "full" });
});

Deno.test("what others know of a key decides, and without word of all of them nothing is sent", async (t) => {
  const { fingerprint } = KEY;
  const claimed = (claimId: string, isCommitted: boolean, print = fingerprint): KeyAnswer => ({
    state: "claimed",
    fingerprint: print,
    claimId,
    isCommitted,
  });
  const decided = (reply: "accepted" | null, print = fingerprint): KeyAnswer => ({
    state: "decided",
    fingerprint: print,
    reply: reply && { kind: reply },
  });
  const [smaller, greater] = [idOf(0), idOf(9)];
  const rows: [name: string, answers: (KeyAnswer | null)[], isComplete: boolean, kind: string][] = [
    ["nobody knows it", [null, null], true, "asked"],
    ["somebody cannot be asked", [null], false, "unavailable"],
    ["another claim with a greater id", [claimed(greater, false)], true, "asked"],
    ["… and somebody cannot be asked", [claimed(greater, false)], false, "unavailable"],
    ["another claim with a smaller id", [claimed(smaller, false)], true, "under_way"],
    ["… of another request", [claimed(smaller, false, "g")], true, "other_request"],
    ["one that is committed", [claimed(greater, true)], true, "under_way"],
    ["one that is decided", [claimed(smaller, false), decided("accepted")], true, "replayed"],
    ["… though somebody cannot be asked", [decided("accepted")], false, "replayed"],
    ["… for another request", [decided("accepted", "g")], true, "other_request"],
    ["… whose answer is too large", [decided(null)], true, "too_large"],
  ];
  for (const [name, answers, isComplete, kind] of rows) {
    await t.step(name, async () => {
      const { keys } = keysWith();
      const survey = () => Promise.resolve({ answers, isComplete });
      strictEqual((await ask(keys, ACCEPTED, { survey })).kind, kind);
      // Only what was carried out here is kept here.
      strictEqual(keys.size, kind === "asked" ? 1 : 0);
    });
  }
});

Deno.test("however questions and answers cross, a request goes out in one place at a time, and never again once it was accepted", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(
        fc.record({ place: fc.nat(2), isAccepted: fc.boolean(), isSlowToBegin: fc.boolean() }),
        { minLength: 2, maxLength: 6 },
      ),
      fc.shuffledSubarray([1, 2, 3, 4, 5, 6], { minLength: 6 }),
      async (scheduler, requests, ids) => {
        const clock = new FakeClock();
        // Clocks differ: whoever comes first need not have the smallest id.
        const left = ids.map(idOf);
        const names = { next: () => left.shift()! };
        const places = [0, 1, 2].map(() =>
          new RequestKeys({ clock, ids: names, retentionMs: 1e6, maxKeys: 9, maxBytes: 1e6 })
        );
        const later = <T>(value: T): Promise<T> => scheduler.schedule(Promise.resolve(value));
        const surveyFrom = (own: RequestKeys) => async ({ key, claimId }: QuestionOf<"key">) => {
          const others = places.filter((place) => place !== own);
          const answers = await Promise.all(others.map(async (other) => {
            await later("the question");
            const answer = other.answer(key, claimId);
            return await later(answer);
          }));
          return { answers, isComplete: true };
        };
        let underWay = 0;
        let accepted = 0;
        const results = await scheduler.waitFor(Promise.all(requests.map(async (request) => {
          if (request.isSlowToBegin) await later("the beginning");
          const keys = places[request.place]!;
          return await askOnce(KEY, CALL, {
            keys,
            survey: surveyFrom(keys),
            async ask() {
              strictEqual(accepted, 0, "not once more");
              strictEqual(++underWay, 1, "in one place");
              await later("the client");
              underWay--;
              if (!request.isAccepted) return refused("gone");
              accepted++;
              return ACCEPTED;
            },
          });
        })));
        for (const result of results) {
          if (result.kind === "replayed") deepStrictEqual([result.reply, accepted], [ACCEPTED, 1]);
          else ok(["asked", "under_way"].includes(result.kind), result.kind);
        }
        strictEqual(places.reduce((sum, { size }) => sum + size, 0), accepted);
      },
    ),
    { numRuns: runs(1000) },
  );
});

Deno.test("a key that was bound elsewhere meanwhile, or before a restart, is replayed", async () => {
  const { keys } = keysWith();
  const survey = () => {
    keys.bind(KEY);
    return nobody();
  };
  deepStrictEqual(await ask(keys, refused("gone"), { survey }), {
    kind: "replayed",
    reply: ACCEPTED,
  });
  const restarted = keysWith().keys;
  restarted.recovered({
    calls: [
      {
        id: idOf(1),
        client: { ...CLIENT },
        action: "Reset",
        messageId: "1",
        trace: undefined,
        acceptedAt: 0,
        key: KEY,
      },
    ],
    reports: [],
  });
  strictEqual((await ask(restarted, refused("gone"))).kind, "replayed");
  const ended = keysWith().keys;
  const names = { action: "Reset", messageId: "1", trace: undefined };
  const report = { kind: "result", ...names, body: "{}" } as const;
  ended.recovered({
    calls: [],
    reports: [{ id: idOf(1), client: { ...CLIENT }, report, since: 0, key: KEY }],
  });
  strictEqual((await ask(ended, refused("gone"))).kind, "replayed");
});

const CLIENT = {
  clientId: "CP1",
  connectionId: idOf(1),
  protocol: null,
  remoteAddress: "192.0.2.1",
  connectedAt: 0,
};
