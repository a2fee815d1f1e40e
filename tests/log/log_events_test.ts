import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);

/** Calls that log, and the words that some of them are given by another name. */
const CALL =
  /(?:\blog\.|\blog\?\.|#options\.log\.|Log\.|\blink\.|\bthis\.|#)(debug|info|audit|warn|error)\(\s*(?:"([^"]+)"|([A-Z_]+))/g;
/** Calls of a thread that has another one log. */
const LINE = /\bline\(\s*"(info|warn|error)",\s*"([^"]+)"/g;
const WORDS = /const ([A-Z_]+) = "([^"]+)";/g;

async function sources(folder: URL): Promise<string[]> {
  const texts: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const url = new URL(isDirectory ? `${name}/` : name, folder);
    if (isDirectory) texts.push(...await sources(url));
    else if (name.endsWith(".ts")) texts.push(await Deno.readTextFile(url));
  }
  return texts;
}

/** `level event` of each line that the program may log. */
async function loggedEvents(): Promise<string[]> {
  const texts = await sources(new URL("lib/", ROOT));
  texts.push(await Deno.readTextFile(new URL("main.ts", ROOT)));
  const events = texts.flatMap((text) => {
    const words = new Map([...text.matchAll(WORDS)].map(([, name, word]) => [name, word]));
    return [...text.matchAll(CALL), ...text.matchAll(LINE)].map(([, level, event, name]) =>
      `${level === "audit" ? "info" : level} ${event ?? words.get(name) ?? name}`
    );
  });
  return [...new Set(events)].sort();
}

async function tables(): Promise<{ fields: string[]; rows: string[][] }> {
  const text = await Deno.readTextFile(new URL("docs/logs.md", ROOT));
  const rows = text.split("\n").filter((line) => line.startsWith("| "))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  return {
    fields: rows.filter(([name]) => name?.startsWith("`")).map(([name = ""]) =>
      name.replaceAll("`", "")
    ),
    rows: rows.filter(([level]) => /^(?:debug|info|warn|error)$/.test(level ?? "")),
  };
}

Deno.test("each event that the program logs is documented with its level, and no other", async () => {
  const { rows } = await tables();
  const documented = rows.map(([level, event = ""]) => `${level} ${event.replaceAll("`", "")}`);
  const logged = await loggedEvents();
  ok(logged.length > 40, "the events are not found in the source");
  deepStrictEqual(documented.toSorted(), logged);
});

Deno.test("fields that several events have are explained", async () => {
  const { fields, rows } = await tables();
  strictEqual(new Set(fields).size, fields.length);
  const uses = rows.flatMap(([, , text = ""]) =>
    [...(text.split(":")[0] ?? "").matchAll(/`([a-zA-Z]+)`/g)].map(([, name]) => name!)
  );
  const often = new Set(uses.filter((name, i) => uses.indexOf(name) !== i));
  // `clients` is a number of them, and says so.
  deepStrictEqual(
    [...often].filter((name) => !fields.includes(name)).sort(),
    ["clients", "frame"],
  );
});
