import { deepStrictEqual, ok } from "node:assert/strict";
import { join } from "node:path/posix";
import { filesBelow, textOf } from "./files.ts";

/** Where it stands which files are fetched or packed before the program runs. */
const LISTS = ["deno.json", "Dockerfile", "examples/systemd/ws2api.service"];

Deno.test("the file of each thread is fetched and packed with the program: no import leads to it", () => {
  const threads = filesBelow("lib", ".ts").flatMap((file) =>
    [...textOf(file).matchAll(/new Worker\(\s*new URL\("([^"]+)", import\.meta\.url\)/g)]
      .map(([, name]) => join(file, "..", name!))
  );
  ok(threads.length >= 3, threads.join());
  const missing = LISTS.flatMap((list) => {
    const words = textOf(list).split(/\s+/);
    return threads.filter((thread) => !words.includes(thread)).map((thread) =>
      `${list}: ${thread}`
    );
  });
  deepStrictEqual(missing, []);
});
