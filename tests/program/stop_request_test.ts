import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { SAME_REQUEST_MS, StopRequests } from "../../lib/program/stop_request.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("signals within a second of the first are the same request, later ones a second one", () => {
  const clock = new FakeClock();
  const requests = new StopRequests(clock);
  strictEqual(requests.note(), "first");
  strictEqual(requests.note(), "same");
  clock.tick(SAME_REQUEST_MS - 1);
  strictEqual(requests.note(), "same");
  clock.tick(1);
  deepStrictEqual([requests.note(), requests.note()], ["second", "second"]);
});
