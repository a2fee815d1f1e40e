import { deepStrictEqual } from "node:assert/strict";
import { retryAfter, SOON, WHILE_AWAY } from "../../lib/door/not_now.ts";

Deno.test("who is refused for now may come back within a time that is spread evenly", () => {
  const secondsOf = (comeBack: typeof SOON): number[] => {
    const seen = new Set<number>();
    for (let i = 0; i < 1000; i++) {
      seen.add(Number(retryAfter(comeBack, { fraction: () => i / 1000 })["retry-after"]));
    }
    return [...seen];
  };
  deepStrictEqual(secondsOf(SOON), Array.from({ length: 10 }, (_, i) => 1 + i));
  deepStrictEqual(secondsOf(WHILE_AWAY), Array.from({ length: 26 }, (_, i) => 5 + i));
});
