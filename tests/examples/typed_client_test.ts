import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import {
  callClient,
  clients,
  gatewayAt,
  parkedReports,
} from "../../examples/typed-client/client.ts";
import tests from "../deno.json" with { type: "json" };
import { apiTypes, TYPES_FILE } from "../support/api_types.ts";
import { json, RecordingBackend } from "../support/backend.ts";
import { connected } from "../support/connected.ts";
import { until } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { Program, ROOT, TempDir } from "../support/program.ts";

Deno.test("the types of the typed client are those of the document (deno task api:types)", async () => {
  strictEqual(await Deno.readTextFile(TYPES_FILE), await apiTypes());
});

Deno.test("the command of its README makes them of a gateway that runs", async () => {
  using dir = new TempDir();
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--api-token=t0ken"]);
  const file = dir.path("ws2api.d.ts");
  const readme = await Deno.readTextFile(`${ROOT}examples/typed-client/README.md`);
  const [, command = ""] = /npx (openapi-typescript .*)/.exec(readme) ?? [];
  const [, ...args] = command.replace("http://127.0.0.1:4000", gateway.url)
    .replace("ws2api.d.ts", file).split(" ");
  const generator = tests.imports["openapi-typescript"];
  const options = ["--config=tests/deno.json", "--quiet", "--allow-all"];
  await using program = new Program(Deno.execPath(), ["run", ...options, generator, ...args]);
  const { code, stderr } = await program.ended();
  strictEqual(code, 0, stderr);
  const made = await Deno.readTextFile(file);
  for (const part of ["export interface paths", "export interface webhooks", "callState"]) {
    match(made, new RegExp(`\\b${part}\\b`));
  }
});

Deno.test("the typed client lists clients and calls them", async () => {
  await using backend = new RecordingBackend();
  await using server = await TestGateway.start(backend.url, ["--api-token=t0ken"]);
  const gateway = gatewayAt(server.url, "t0ken");
  const client = await connected(server, "CP%201", { protocols: ["ocpp1.6"] });
  await connected(server, "CP2");
  const listed = [];
  for await (const { id, protocol } of clients(gateway)) listed.push([id, protocol]);
  deepStrictEqual(listed, [["CP 1", "ocpp1.6"], ["CP2", "ocpp1.6"]]);

  const call = async (answer: (id: string) => string) => {
    const outcome = callClient(gateway, "CP 1", "Reset", { type: "Soft" });
    const [, id, action, payload] = JSON.parse(await client.next("[2,"));
    deepStrictEqual([action, payload], ["Reset", { type: "Soft" }]);
    client.send(answer(id));
    return await outcome;
  };
  deepStrictEqual(await call((id) => `[3,"${id}",{"status":"Accepted"}]`), {
    kind: "result",
    payload: { status: "Accepted" },
  });
  deepStrictEqual(await call((id) => `[4,"${id}","NotSupported","no",{}]`), {
    ...{ kind: "error", code: "NotSupported", description: "no" },
  });
  deepStrictEqual(await callClient(gateway, "nobody", "Reset", {}), {
    ...{ kind: "failed", detail: "no such client is connected", canRepeat: true },
  });
  const stranger = gatewayAt(server.url);
  const refused = await callClient(stranger, "CP 1", "Reset", {});
  deepStrictEqual([refused.kind, "canRepeat" in refused && refused.canRepeat], ["failed", true]);
});

Deno.test("the typed client repeats a CALL without sending it twice", async () => {
  await using backend = new RecordingBackend();
  await using server = await TestGateway.start(backend.url);
  const gateway = gatewayAt(server.url);
  const client = await connected(server);
  const call = () => callClient(gateway, "CP1", "Reset", { type: "Soft" }, "once");
  const first = call();
  await client.next('[2,"once"');
  client.send('[3,"once",{"status":"Accepted"}]');
  const outcome = { kind: "result", payload: { status: "Accepted" } };
  deepStrictEqual([await first, await call()], [outcome, outcome]);
  await client.ask("no frame");
  deepStrictEqual(client.left, []);
});

Deno.test("the typed client lists all parked reports", async () => {
  await using backend = new RecordingBackend();
  backend.answer = () => json("{}", 400);
  await using server = await TestGateway.start(backend.url, ["--api-token=t0ken"]);
  const client = await connected(server);
  const headers = { authorization: "Bearer t0ken" };
  // More than one page has.
  const ids = Array.from({ length: 101 }, (_, i) => String(i));
  for (const id of ids) {
    strictEqual((await server.call(`Reset/CP1/${id}`, "{}", headers)).status, 202);
    await client.next(`[2,"${id}"`);
    client.send(`[3,"${id}",{}]`);
  }
  await until("all to be parked", async () => {
    const { text } = await server.api("/outbox?state=parked&limit=1", { headers });
    return text.includes('"total":101,');
  });
  const parked = [];
  for await (const { kind, messageId } of parkedReports(gatewayAt(server.url, "t0ken"))) {
    strictEqual(kind, "result");
    parked.push(messageId);
  }
  deepStrictEqual(parked, ids);
  await rejects(parkedReports(gatewayAt(server.url)).next(), /a bearer token is needed/);
});
