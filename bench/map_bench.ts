/**
 * The connection map with 100,000 clients in it. The baselines are a bare `Map`.
 *
 * @module
 */

import { ConnectionMap } from "../lib/client/map.ts";

const CLIENTS = 100_000;

const ids = Array.from({ length: CLIENTS }, (_, i) => `CP-${String(i).padStart(6, "0")}`);
const connections = new ConnectionMap<{ id: string }>();
const plain = new Map<string, { id: string }>();
// In an order that is not the sorted one, as clients come.
for (let i = 0; i < CLIENTS; i++) {
  const id = ids[(i * 7919) % CLIENTS]!;
  connections.put(id, { id });
  plain.set(id, { id });
}

/** More clients, so that the map has its 100,000 before and after each run. */
const newcomers = Array.from({ length: 1000 }, (_, i) => ({ id: `NEW-${i}` }));
let turn = 0;
/** Something of every result, so that none can be left out as unused. */
let used = 0;

Deno.bench("Map set + delete, 100,000 entries", { group: "put + remove", baseline: true }, () => {
  const newcomer = newcomers[turn++ % newcomers.length]!;
  plain.set(newcomer.id, newcomer);
  used += plain.size;
  plain.delete(newcomer.id);
});

Deno.bench("put + remove, 100,000 entries", { group: "put + remove" }, () => {
  const newcomer = newcomers[turn++ % newcomers.length]!;
  connections.put(newcomer.id, newcomer);
  used += connections.size;
  connections.remove(newcomer.id, newcomer);
});

Deno.bench("Map keys sorted + slice, 100,000 entries", { group: "page", baseline: true }, () => {
  used += [...plain.keys()].sort().slice(0, 100).length;
});

for (const limit of [100, 1000]) {
  Deno.bench(`page, the first ${limit} of 100,000`, { group: "page" }, () => {
    used += connections.page(undefined, limit).connections.length;
  });

  Deno.bench(`page, ${limit} from the middle of 100,000`, { group: "page" }, () => {
    used += connections.page(ids[CLIENTS / 2], limit).connections.length;
  });
}

globalThis.addEventListener("unload", () => {
  if (used === 0) throw new Error("the benches did nothing");
});
