import { deepStrictEqual } from "node:assert/strict";
import type { TapRow } from "../../lib/client/tap_row.ts";
import { Following } from "../../lib/cluster/following.ts";
import type { Clients } from "../../lib/cluster/clients.ts";
import type { Question, Survey } from "../../lib/cluster/survey.ts";
import type { TailAnswer, TailQuestion } from "../../lib/cluster/tail.ts";

function connected(at: number): TapRow {
  const rest = { protocol: null, remoteAddress: "192.0.2.1" };
  return { kind: "connected", connectionId: `c${at}`, at, ...rest };
}

function seen(source: string, next: number, rows: TapRow[] = [], isBroken = false): TailAnswer {
  return { refusal: null, source, connectionId: null, reading: { rows, next, isBroken } };
}

/** A follower, and what it is answered; keeps what it asks. */
function followerOf(...answers: Survey<TailAnswer | null>[]) {
  const asked: TailQuestion[] = [];
  const clients = {
    survey: (question: Question) => {
      asked.push(question as TailQuestion);
      return Promise.resolve(answers.shift()!);
    },
  } as unknown as Pick<Clients, "survey">;
  const following = new Following(clients, { wallNow: () => 999 }, "CP1", true);
  const told = async (): Promise<unknown> => {
    const next = await following.next();
    return "refusal" in next
      ? next.refusal
      : [next.missing, ...next.rows.map((row) => row.kind === "gap" ? row.why : row.at)];
  };
  return { asked, told };
}

function all(...answers: (TailAnswer | null)[]): Survey<TailAnswer | null> {
  return { answers, isComplete: true };
}

function some(...answers: (TailAnswer | null)[]): Survey<TailAnswer | null> {
  return { answers, isComplete: false };
}

Deno.test("who follows a client is told what all saw of it, in the order of time, and each once", async () => {
  const { asked, told } = followerOf(
    all(seen("a", 4, [connected(30)]), null, seen("b", 2, [connected(20), connected(40)])),
    all(seen("b", 3, [connected(50)]), seen("a", 4)),
    all(seen("b", 3), seen("a", 4)),
  );
  deepStrictEqual(await told(), [null, 20, 30, 40]);
  deepStrictEqual(await told(), [null, 50]);
  await told();
  deepStrictEqual(asked.map(({ cursors }) => cursors), [{}, { a: 4, b: 2 }, { a: 4, b: 3 }]);
});

Deno.test("a gap is always told: what was too much, who came later, and who went", async () => {
  const { told } = followerOf(
    all(seen("a", 1)),
    all(seen("a", 9, [connected(20)], true)),
    all(seen("a", 9), seen("b", 1, [connected(30)])),
    all(seen("b", 1)),
    all(seen("b", 1)),
  );
  deepStrictEqual(await told(), [null]);
  deepStrictEqual(await told(), [null, "too_much", 20]);
  deepStrictEqual(await told(), [null, "joined", 30]);
  deepStrictEqual(await told(), [null, "left"]);
  deepStrictEqual(await told(), [null]);
});

Deno.test("who cannot be asked for a while goes on where it was", async () => {
  const { asked, told } = followerOf(
    all(seen("a", 1), seen("b", 7)),
    some(seen("a", 1)),
    all(seen("a", 1), seen("b", 8, [connected(20)])),
  );
  await told();
  deepStrictEqual(await told(), ["unreachable"]);
  deepStrictEqual(await told(), [null, 20]);
  deepStrictEqual(asked[2]?.cursors, { a: 1, b: 7 });
});

Deno.test("one that shows no frames is said to be missing, and refuses only where all do", async () => {
  const { told } = followerOf(
    all(seen("a", 1), { refusal: "no_tail" }),
    all({ refusal: "overloaded" }, null),
    some(null),
  );
  deepStrictEqual(await told(), ["no_tail"]);
  deepStrictEqual(await told(), "overloaded");
  deepStrictEqual(await told(), ["unreachable"]);
});
