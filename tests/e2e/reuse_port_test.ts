import { ok, rejects } from "node:assert/strict";
import { inTime } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";

/** So many that all of them on one of two gateways would be a wonder. */
const CLIENTS = 40;
/** Nobody asks the backend here. */
const BACKEND = "http://127.0.0.1:1/";

Deno.test("gateways with --reuse-port share a port, and the clients with it", async () => {
  await using first = await TestGateway.start(BACKEND, ["--reuse-port"]);
  const { port } = new URL(first.url);
  const second = await TestGateway.start(BACKEND, [`--listen=127.0.0.1:${port}`, "--reuse-port"]);
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => first.connect(`CP${i}`)));
  const { total } = JSON.parse((await first.api("/clients")).text);
  await second.shutdown();
  // Those of the first one are asked over the port that it has for itself now.
  const after = JSON.parse((await inTime(first.api("/clients"), "the list")).text);
  ok(after.total > 0 && after.total < CLIENTS, `${after.total} of ${CLIENTS} stay`);
  ok(total === after.total || total === CLIENTS - after.total);
});

Deno.test("a port is shared only when both gateways say so", async () => {
  await using shared = await TestGateway.start(BACKEND, ["--reuse-port"]);
  const taken = `--listen=127.0.0.1:${new URL(shared.url).port}`;
  await rejects(TestGateway.start(BACKEND, [taken]), Deno.errors.AddrInUse);
  await using alone = await TestGateway.start(BACKEND);
  const own = `--listen=127.0.0.1:${new URL(alone.url).port}`;
  await rejects(TestGateway.start(BACKEND, [own, "--reuse-port"]), Deno.errors.AddrInUse);
});
