import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { handled } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";
import { scrape } from "../support/metrics.ts";

Deno.test("CALLs beyond --client-rate reach the backend later, in order, and are counted", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--client-rate=5:2"]);
  const client = await gateway.connect("CP1");
  const answers = ["1", "2", "3", "4", "5"].map((id) => client.ask(`[2,"${id}","Act",{}]`));
  const other = await gateway.connect("CP2");
  strictEqual(await other.ask('[2,"o","Act",{}]'), '[3,"o",{}]');
  deepStrictEqual(await Promise.all(answers), [1, 2, 3, 4, 5].map((id) => `[3,"${id}",{}]`));
  deepStrictEqual(
    backend.paths("/call/Act/CP1/"),
    [1, 2, 3, 4, 5].map((id) => `/call/Act/CP1/${id}`),
  );
  const limited = (await scrape(gateway)).get("ws2api_rate_limited_total") ?? 0;
  ok(limited >= 1 && limited <= 3, `${limited} of them waited`);
});

Deno.test("what waits because of --client-rate reaches the backend at a shutdown", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--client-rate=1:1"]);
  const client = await gateway.connect("CP1");
  for (const id of ["1", "2", "3", "4", "5"]) client.send(`[2,"${id}","Act",{}]`);
  await handled(client);
  await gateway.shutdown();
  deepStrictEqual(backend.paths(), [1, 2, 3, 4, 5].map((id) => `/call/Act/CP1/${id}`));
});
