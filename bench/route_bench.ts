/**
 * The path of a request to the backend.
 *
 * @module
 */

import { backendPath } from "../lib/codec/route.ts";

const MESSAGE_ID = "0b5e1c5e-4a0e-4a3e-9a53-6f1c2a1f0a11";

/** The lengths of all paths, so that none of them can be left out as unused. */
let characters = 0;

Deno.bench(
  "template without encoding, plain names",
  { group: "backendPath", baseline: true },
  () => {
    characters += pathWithoutEncoding("MeterValues", "CP-0001", MESSAGE_ID).length;
  },
);

Deno.bench("backendPath, plain names", { group: "backendPath" }, () => {
  characters += backendPath("call", "MeterValues", "CP-0001", MESSAGE_ID).length;
});

Deno.bench(
  "backendPath, names of which every character is escaped",
  { group: "backendPath" },
  () => {
    characters += backendPath("call", "/////", "CP%200001", "é ".repeat(18)).length;
  },
);

function pathWithoutEncoding(action: string, clientId: string, messageId: string): string {
  return `call/${action}/${clientId}/${messageId}`;
}

globalThis.addEventListener("unload", () => {
  if (characters === 0) throw new Error("the benches did nothing");
});
