/**
 * The path of a request to the backend.
 *
 * @module
 */

import { backendPath } from "../lib/codec/route.ts";
import { inTurn, manyTexts, messageIdOf } from "./sizes.ts";

/** The lengths of all paths, so that none of them can be left out as unused. */
let characters = 0;

const ids = manyTexts(36, messageIdOf);
const actions = manyTexts(20, (i) => ["MeterValues", "StatusNotification", "Heartbeat"][i % 3]!);
const odd = manyTexts(36, (i) => `é ${i} é `.repeat(5).slice(0, 36));

function compare(name: string, actions: readonly string[], ids: readonly string[]): void {
  const group = `path of ${name}`;
  const [theirAction, theirId] = [inTurn(actions), inTurn(ids)];
  Deno.bench(`encodeURIComponent, ${name}`, { group, baseline: true }, () => {
    characters += encodedPath("call", theirAction(), "CP-0001", theirId()).length;
  });
  const [action, id] = [inTurn(actions), inTurn(ids)];
  Deno.bench(`backendPath, ${name}`, { group }, () => {
    characters += backendPath("call", action(), "CP-0001", id()).length;
  });
}

compare("plain names", actions, ids);
compare("names with much to escape", odd, odd);

function encodedPath(kind: string, action: string, clientId: string, messageId: string): string {
  return `${kind}/${encodeURIComponent(action)}/${clientId}/${encodeURIComponent(messageId)}`;
}

globalThis.addEventListener("unload", () => {
  if (characters === 0) throw new Error("the benches did nothing");
});
