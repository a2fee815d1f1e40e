import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { json, RecordingBackend } from "../support/backend.ts";
import { inTime, until } from "../support/deadline.ts";
import { testEachForwarder as test } from "../support/gateway.ts";
import { scrape } from "../support/metrics.ts";
import { RecordedLog } from "../support/recorded_log.ts";

test("more clients hang than there are connections to the backend: others are served, and it is told", async ({ TestGateway }) => {
  const released = Promise.withResolvers<void>();
  await using backend = new RecordingBackend();
  backend.answer = async ({ path }) => {
    if (path.startsWith("/call/Hang/")) await released.promise;
    return json("{}");
  };
  const log = new RecordedLog();
  // 14 of them may be CALLs.
  await using gateway = await TestGateway.start(backend.url, ["--backend-connections=16"], log.log);
  const good = await gateway.connect("good");
  const slow = await Promise.all(
    Array.from({ length: 25 }, (_, i) => gateway.connect(`slow${i}`)),
  );
  for (const client of slow.slice(0, 5)) client.send('[2,"1","Hang",{}]');
  const value = async (name: string): Promise<number | undefined> =>
    (await scrape(gateway)).get(`ws2api_${name}`);
  await until("the first ones to be slow", async () => await value("slow_clients") === 5);
  strictEqual(await good.ask('[2,"1","Heartbeat",{}]'), '[3,"1",{}]');
  for (const client of slow.slice(5)) client.send('[2,"1","Hang",{}]');
  await until("the rest to wait", async () => (await value("backend_requests_waiting"))! > 0);
  strictEqual(await good.ask('[2,"2","Heartbeat",{}]'), '[3,"2",{}]');
  const event = "all backend connections taken";
  await until("it to be told", () => log.lines.some((line) => line.event === event));
  const [fields, ...more] = log.take(event);
  deepStrictEqual(more, []);
  const { backend: address, taken, waiting, ...rest } = fields!;
  deepStrictEqual([address, taken], [backend.url, 13]);
  ok(Number(waiting) > 0 && Number(waiting) <= 12);
  deepStrictEqual(Object.keys(rest), ["hanging", "slowClients"]);
  strictEqual(await value("backend_connections"), 13);
  strictEqual(await value("max_backend_connections"), 16);
  ok((await value("backend_requests_hanging"))! >= 5);
  strictEqual(await good.ask('[2,"3","Heartbeat",{}]'), '[3,"3",{}]');
  released.resolve();
  const answers = await inTime(
    Promise.all(slow.map((client) => client.next("[3,"))),
    "all answers",
  );
  strictEqual(answers.length, slow.length);
  await until("nothing to be slow", async () => await value("slow_clients") === 0);
  strictEqual(await value("backend_requests_waiting"), 0);
});
