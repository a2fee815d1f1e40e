import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ConnectionMap } from "../../lib/client/map.ts";
import { CHARACTER } from "../support/character.ts";
import { runs } from "../support/runs.ts";

interface Fake {
  readonly id: string;
}

function mapOf(ids: readonly string[]): ConnectionMap<Fake> {
  const map = new ConnectionMap<Fake>();
  for (const id of ids) map.put(id, { id });
  return map;
}

Deno.test("the map keeps the newer connection when the older one closes late", () => {
  const map = new ConnectionMap<Fake>();
  const [older, newer] = [{ id: "older" }, { id: "newer" }];
  strictEqual(map.put("CP1", older), undefined);
  strictEqual(map.put("CP1", newer), older);
  map.remove("CP1", older);
  strictEqual(map.get("CP1"), newer);
  strictEqual(map.size, 1);
});

Deno.test("the map forgets a connection that is removed, and removing it again does nothing", () => {
  const map = new ConnectionMap<Fake>();
  const connection = { id: "CP1" };
  map.put("CP1", connection);
  map.remove("CP1", connection);
  map.remove("CP1", connection);
  strictEqual(map.get("CP1"), undefined);
  deepStrictEqual([map.size, map.all()], [0, []]);
  strictEqual(map.put("CP1", connection), undefined);
});

Deno.test("the map tells names apart by case and by every code unit", () => {
  const ids = ["cp1", "CP1", "é", "e\u0301", "__proto__", "constructor", ""];
  const map = mapOf(ids);
  strictEqual(map.size, ids.length);
  for (const id of ids) strictEqual(map.get(id)?.id, id);
});

Deno.test("any order of put and remove leaves the map equal to a plain model", () => {
  // Few names and few connections, so that replacing and late removing are common.
  const step = fc.record({
    isPut: fc.boolean(),
    id: fc.constantFrom("a", "b", "c"),
    which: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const connections = [0, 1, 2, 3].map((n) => ({ id: `${n}` }));
      const map = new ConnectionMap<Fake>();
      const model: Record<string, Fake> = {};
      for (const { isPut, id, which } of steps) {
        const connection = connections[which]!;
        if (isPut) {
          strictEqual(map.put(id, connection), model[id]);
          model[id] = connection;
        } else {
          map.remove(id, connection);
          if (model[id] === connection) delete model[id];
        }
        for (const name of ["a", "b", "c"]) strictEqual(map.get(name), model[name]);
        strictEqual(map.size, Object.keys(model).length);
        const ids = (all: Fake[]): string[] => all.map((one) => one.id).sort();
        deepStrictEqual(ids(map.all()), ids(Object.values(model)));
      }
    }),
    { numRuns: runs(500) },
  );
});

Deno.test("a page is sorted in UTF-16 code units", () => {
  // By code points U+FF5E would come before the emoji, and a locale would mix the cases.
  const map = mapOf(["\uff5e", "b", "😀", "a", "B", "10", "9", "é"]);
  const { connections, next } = map.page(undefined, 100);
  deepStrictEqual(connections.map(({ id }) => id), ["10", "9", "B", "a", "b", "é", "😀", "\uff5e"]);
  strictEqual(next, null);
});

Deno.test("a page goes on behind the id that it is given", async (t) => {
  const rows: [after: string | undefined, limit: number, ids: string, next: string | null][] = [
    [undefined, 2, "bd", "d"],
    [undefined, 4, "bdfh", null],
    [undefined, 3, "bdf", "f"],
    ["", 1, "b", "b"],
    ["b", 2, "df", "f"],
    ["a", 2, "bd", "d"],
    ["d", 2, "fh", null],
    ["e", 5, "fh", null],
    ["f", 1, "h", null],
    ["h", 1, "", null],
    ["z", 1, "", null],
  ];
  const map = mapOf(["f", "b", "h", "d"]);
  for (const [after, limit, ids, next] of rows) {
    await t.step(`${limit} after ${after}`, () => {
      const page = map.page(after, limit);
      deepStrictEqual([page.connections.map(({ id }) => id).join(""), page.next], [ids, next]);
    });
  }
  await t.step("of nobody", () => {
    deepStrictEqual(mapOf([]).page(undefined, 1), { connections: [], next: null, total: 0 });
  });
});

Deno.test("any page equals the slice of a sorted list", () => {
  const id = fc.oneof(fc.string({ maxLength: 3 }), fc.string({ unit: CHARACTER, maxLength: 2 }));
  fc.assert(
    fc.property(
      fc.uniqueArray(id, { maxLength: 30 }),
      fc.option(id, { nil: undefined }),
      fc.integer({ min: 1, max: 12 }),
      (ids, after, limit) => {
        const left = [...ids].sort().filter((one) => after === undefined || one > after);
        const page = mapOf(ids).page(after, limit);
        deepStrictEqual(page.connections.map((one) => one.id), left.slice(0, limit));
        strictEqual(page.next, left.length > limit ? left[limit - 1]! : null);
      },
    ),
    { numRuns: runs(1000) },
  );
});

Deno.test("any page of a search equals the slice of those that it finds", () => {
  const id = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 3 });
  fc.assert(
    fc.property(
      fc.uniqueArray(id, { maxLength: 30 }),
      fc.option(id, { nil: undefined }),
      fc.integer({ min: 1, max: 12 }),
      (ids, after, limit) => {
        const matches = (one: string) => one.includes("b");
        const found = ids.filter(matches).sort();
        const left = found.filter((one) => after === undefined || one > after);
        const page = mapOf(ids).page(after, limit, matches);
        deepStrictEqual(page.connections.map((one) => one.id), left.slice(0, limit));
        strictEqual(page.next, left.length > limit ? left[limit - 1]! : null);
        strictEqual(page.total, found.length);
      },
    ),
  );
});

Deno.test("page after page lists everyone once", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ maxLength: 3 }), { maxLength: 20 }),
      fc.integer({ min: 1, max: 5 }),
      (ids, limit) => {
        const map = mapOf(ids);
        const seen: string[] = [];
        let after: string | undefined;
        do {
          const { connections, next } = map.page(after, limit);
          seen.push(...connections.map((one) => one.id));
          after = next ?? undefined;
        } while (after !== undefined);
        deepStrictEqual(seen, [...ids].sort());
      },
    ),
  );
});
