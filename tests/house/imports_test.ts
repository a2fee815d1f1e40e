import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { filesBelow, ROOT, textOf } from "./files.ts";
import { circles, readImports, upwards } from "./imports.ts";
import { pictureOf, pictureText, roomOf, ROOMS } from "./rooms.ts";

/** The program's files; the page's own modules are read as they stand, for they run in a browser. */
const FILES = ["main.ts", ...filesBelow("lib", ".ts", ".js")];

Deno.test("no file imports a higher room, or another one of the same level", async () => {
  deepStrictEqual(upwards(await readImports(ROOT, FILES), ROOMS), []);
});

Deno.test("no files import each other in a circle", async () => {
  deepStrictEqual(circles(await readImports(ROOT, FILES)), []);
});

Deno.test("every file of lib belongs to a room, and every room has a file", () => {
  deepStrictEqual(FILES.filter((file) => roomOf(file) === undefined), []);
  const used = new Set(FILES.map((file) => roomOf(file)));
  deepStrictEqual(ROOMS.filter((room) => !used.has(room)), []);
});

Deno.test("ARCHITECTURE.md shows the rooms as the table has them", () => {
  deepStrictEqual(pictureOf(textOf("ARCHITECTURE.md")), ROOMS, `expected:\n${pictureText()}`);
});

Deno.test("imports are read whether they are for values, for types, or made later", async () => {
  const root = `${await Deno.makeTempDir()}/`;
  try {
    const files = {
      "a.ts": `import type { B } from "./b.ts";\nexport const a = (): Promise<B> => null!;\n`,
      "b.ts": `export interface B { c: import("./c.ts").C }\nexport { d } from "./d.ts";\n`,
      "c.ts": `export type C = number;\nexport const later = () => import("./a.ts");\n`,
      "d.ts": "export const d = 1;\n",
    };
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(root + name, text);
    const imports = await readImports(root, ["a.ts"]);
    const lines = imports.map(({ from, to }) => `${from} -> ${to}`).sort();
    deepStrictEqual(lines, [
      "a.ts -> b.ts",
      "b.ts -> c.ts",
      "b.ts -> d.ts",
      "c.ts -> a.ts",
    ]);
    deepStrictEqual(circles(imports), [
      "these files import each other: a.ts -> b.ts -> c.ts -> a.ts",
    ]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("an import that breaks the order is named with both rooms", () => {
  const from = "lib/forwarder/stack.ts";
  deepStrictEqual(
    upwards([
      { from, to: "lib/client/map.ts" },
      { from, to: "lib/forwarder/fetch.ts" },
      { from, to: "lib/log/log.ts" },
      { from, to: "tests/support/busy.ts" },
      { from: "main.ts", to: "deno.json" },
      { from: "tests/house/files.ts", to: "lib/log/log.ts" },
      { from: "lib/cluster/nats/bus.ts", to: "lib/cluster/bus.ts" },
      { from: "lib/cluster/bus.ts", to: "lib/cluster/nats/bus.ts" },
      { from: "lib/status/status.ts", to: "lib/listener/tls.ts" },
    ], ROOMS),
    [
      `${from} (forwarder) imports lib/client/map.ts (client), which is a higher room`,
      `${from} (forwarder) imports tests/support/busy.ts, which is no room`,
      "lib/cluster/bus.ts (cluster) imports lib/cluster/nats/bus.ts (cluster/nats), " +
      "which is a higher room",
      "lib/status/status.ts (status) imports lib/listener/tls.ts (listener), " +
      "which is a room of the same level",
    ],
  );
  strictEqual(roomOf("lib/clock.ts")?.name, "clock.ts");
  strictEqual(roomOf("lib/clocks.ts"), undefined);
});
