import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { runs } from "../support/runs.ts";
import { Chance } from "./chance.ts";
import { Life } from "./life.ts";
import { SimulatedDisk, SimulatedStore } from "./store.ts";
import { Timeline } from "./timeline.ts";
import { NO_FAULTS, Weather } from "./weather.ts";

const client = {
  clientId: "CP1",
  connectionId: "c",
  protocol: null,
  remoteAddress: "127.0.0.1",
  connectedAt: 0,
};

function accepted(id: string) {
  return { id, client, action: "Reset", messageId: id, trace: undefined, acceptedAt: 0 };
}

function outcomeOf(id: string) {
  const names = { action: "Reset", messageId: id, body: "{}", trace: undefined };
  return { id, client, report: { kind: "result", ...names } as const, since: 0 };
}

/** A store on a disk, and time that the test moves. */
function open(disk: SimulatedDisk, timeline: Timeline, chance: Chance) {
  const life = new Life("G", timeline, () => {});
  const weather = new Weather(NO_FAULTS, chance);
  return { life, store: new SimulatedStore(disk, { timeline, weather, chance, life }) };
}

function pass(timeline: Timeline, ms: number): void {
  const end = timeline.now + ms;
  while (timeline.step(end));
}

Deno.test("a simulated disk keeps what was acknowledged, and of the rest what came first of each id", () => {
  const seen = { cut: 0, whole: 0 };
  for (let seed = 0; seed < runs(300); seed++) {
    const [timeline, chance, disk] = [new Timeline(), new Chance(seed), new SimulatedDisk()];
    const { life, store } = open(disk, timeline, chance);
    const acknowledged = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const id = `id${i}`;
      store.accept(accepted(id), (isKept) => isKept && acknowledged.add(id));
      pass(timeline, chance.between(0, 3));
      if (chance.happens(0.5)) store.end(outcomeOf(id));
    }
    life.end();
    store.died();
    const { calls, reports } = disk.found;
    const kept = [...calls, ...reports].map(({ id }) => id);
    for (const id of acknowledged) ok(kept.includes(id), `seed ${seed}: ${id} was acknowledged`);
    if (kept.length === 20) seen.whole++;
    else seen.cut++;
    // A dead one's disk does not change any more.
    pass(timeline, 100);
    deepStrictEqual(disk.found, { calls, reports });
  }
  ok(seen.cut > 0 && seen.whole > 0, JSON.stringify(seen));
});

Deno.test("a full simulated disk accepts nothing, and takes what waits when there is room", async () => {
  const [timeline, disk] = [new Timeline(), new SimulatedDisk()];
  const { store } = open(disk, timeline, new Chance(1));
  const answers: boolean[] = [];
  store.accept(accepted("1"), (isKept) => answers.push(isKept));
  pass(timeline, 100);
  disk.isFull = true;
  store.end(outcomeOf("1"));
  store.accept(accepted("2"), (isKept) => answers.push(isKept));
  pass(timeline, 1000);
  deepStrictEqual(answers, [true, false]);
  strictEqual(disk.found.reports.length, 0);
  disk.isFull = false;
  const closed = store.close();
  pass(timeline, 1000);
  await closed;
  deepStrictEqual(disk.found, { calls: [], reports: [outcomeOf("1")] });
  store.delivered("1");
  pass(timeline, 1000);
  deepStrictEqual(disk.ids, []);
});
