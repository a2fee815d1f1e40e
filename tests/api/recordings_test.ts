import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { MAX_RECORDINGS } from "../../lib/cluster/recordings.ts";
import { json, RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { connected } from "../support/connected.ts";
import { inTime, until } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { assertProblem } from "../support/problem.ts";
import { startProgram, TempDir, urlOf } from "../support/program.ts";
import { type LogFields, silentLog } from "../../lib/log/log.ts";
import { tokensFile } from "../support/tokens.ts";

const POST = { method: "POST" };
const DELETE = { method: "DELETE" };
const NOBODY = "01890000-0000-7000-8000-000000000001";

/** The lines of a recording, as soon as they are so many. */
async function linesOf(
  ask: (path: string) => Promise<string>,
  id: string,
  count: number,
): Promise<Record<string, unknown>[]> {
  let lines: string[] = [];
  await until(`${count} lines`, async () => {
    lines = (await ask(`/recordings/${id}`)).trimEnd().split("\n");
    return lines.length >= count;
  });
  return lines.map((line) => JSON.parse(line));
}

Deno.test("a client is recorded over its connections, listed, downloaded and forgotten", async () => {
  await using backend = new RecordingBackend();
  backend.answer = () => json('{"b":2.0}');
  await using gateway = await TestGateway.start(backend.url);
  const ask = async (path: string) => (await gateway.api(path)).text;
  const begun = await gateway.api("/recordings?client=C%C3%A9", POST);
  strictEqual(begun.status, 202);
  const recording = JSON.parse(begun.text);
  const { id } = recording;
  strictEqual(begun.headers.get("location"), `/recordings/${id}`);
  deepStrictEqual([recording.client, recording.endedAt], ["Cé", null]);
  strictEqual(Date.parse(recording.endsAt) - Date.parse(recording.startedAt), 3_600_000);
  assertProblem(await gateway.api("/recordings?client=C%C3%A9", POST), 409);
  for (let i = 0; i < 2; i++) {
    const client = await connected(gateway, "C%C3%A9");
    await client.close();
  }
  const lines = await linesOf(ask, id, 9);
  deepStrictEqual(lines.map(({ kind, text }) => text ?? kind), [
    "state",
    ...Array(2).fill(["connected", "no frame", ANSWER, "disconnected"]).flat(),
  ]);
  const times = lines.map(({ at }) => Date.parse(at as string));
  deepStrictEqual(times, times.toSorted());

  const download = await gateway.api(`/recordings/${id}`);
  strictEqual(download.headers.get("content-type"), "application/x-ndjson");
  match(
    download.headers.get("content-disposition")!,
    /^attachment; filename="recording-[\w-]+\.jsonl"$/,
  );
  const list = async () => JSON.parse(await ask("/recordings")).recordings;
  const [listed, ...others] = await list();
  deepStrictEqual([listed.id, listed.lines, listed.dropped, others], [id, 9, 0, []]);
  ok(listed.bytes > 500);

  strictEqual((await gateway.api(`/recordings/${id}/end`, POST)).status, 204);
  strictEqual((await gateway.api(`/recordings/${id}/end`, POST)).status, 204);
  ok(Date.parse((await list())[0].endedAt) > 0);
  // Another one may begin now.
  strictEqual((await gateway.api("/recordings?client=C%C3%A9", POST)).status, 202);
  strictEqual((await gateway.api(`/recordings/${id}`, DELETE)).status, 204);
  for (const init of [{}, DELETE]) assertProblem(await gateway.api(`/recordings/${id}`, init), 404);
  strictEqual((await list()).length, 1);
});

/** To a text that is no frame, in ocpp1.6. */
const ANSWER = '[4,"-1","FormationViolation","not valid JSON, or nested too deep",{}]';

Deno.test("of two who ask at once one records the client", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const ask = () => gateway.api("/recordings?client=CP1", POST);
  const answers = await Promise.all([ask(), ask(), ask()]);
  deepStrictEqual(answers.map(({ status }) => status).toSorted(), [202, 409, 409]);
});

Deno.test("there are so many recordings and no more", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const ids: string[] = [];
  for (let i = 0; i < MAX_RECORDINGS; i++) {
    ids.push(JSON.parse((await gateway.api(`/recordings?client=CP${i}`, POST)).text).id);
  }
  const refused = await gateway.api("/recordings?client=more", POST);
  assertProblem(refused, 503);
  ok(Number(refused.headers.get("retry-after")) > 0);
  await gateway.api(`/recordings/${ids[0]}`, DELETE);
  strictEqual((await gateway.api("/recordings?client=more", POST)).status, 202);
});

Deno.test("what is no request for a recording is told so", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  for (const query of ["", "?client=", "?client=a%2Fb", "?client=a&client=b", "?client=a&x=1"]) {
    assertProblem(await gateway.api(`/recordings${query}`, POST), 400);
  }
  assertProblem(await gateway.api("/recordings?x=1"), 400);
  for (const id of ["x", NOBODY]) {
    assertProblem(await gateway.api(`/recordings/${id}`), 404);
    assertProblem(await gateway.api(`/recordings/${id}`, DELETE), 404);
    assertProblem(await gateway.api(`/recordings/${id}/end`, POST), 404);
  }
  assertProblem(await gateway.api(`/recordings/${NOBODY}/other`), 404);
});

Deno.test("with --no-tail nothing is recorded", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--no-tail"]);
  assertProblem(await gateway.api("/recordings?client=CP1", POST), 403);
  for (const path of ["/recordings", `/recordings/${NOBODY}`]) {
    assertProblem(await gateway.api(path), 403);
  }
});

Deno.test("an admin alone records, and those clients alone that are his", async () => {
  await using backend = new RecordingBackend();
  using dir = new TempDir();
  const file = tokensFile(dir, [
    { name: "reader", role: "read" },
    { name: "caller", role: "command" },
    { name: "bound", role: "admin", clients: ["CP-*"] },
    { name: "ops", role: "admin" },
  ]);
  const audited: LogFields[] = [];
  const log = {
    ...silentLog,
    audit: (_: string, fields: LogFields = {}) => void audited.push(fields),
  };
  await using gateway = await TestGateway.start(
    backend.url,
    [`--api-tokens-file=${file}`],
    log,
  );
  const as = (name: string, path: string, method = "GET") =>
    gateway.api(path, { method, headers: { authorization: `Bearer ${name}` } });
  const other = JSON.parse((await as("ops", "/recordings?client=X", "POST")).text).id;
  for (const name of ["reader", "caller"]) {
    assertProblem(await as(name, "/recordings?client=CP-1", "POST"), 403);
    assertProblem(await as(name, "/recordings"), 403);
    assertProblem(await as(name, `/recordings/${other}`), 403);
  }
  assertProblem(await as("bound", "/recordings?client=X", "POST"), 403);
  const { id } = JSON.parse((await as("bound", "/recordings?client=CP-1", "POST")).text);
  const listed = async (name: string) =>
    JSON.parse((await as(name, "/recordings")).text).recordings.map((each: { id: string }) =>
      each.id
    );
  deepStrictEqual([await listed("bound"), await listed("ops")], [[id], [other, id]]);
  for (const [path, method] of [["", "GET"], ["", "DELETE"], ["/end", "POST"]] as const) {
    assertProblem(await as("bound", `/recordings/${other}${path}`, method), 403);
  }
  strictEqual((await as("bound", `/recordings/${id}/end`, "POST")).status, 204);
  deepStrictEqual(
    audited.filter(({ token }) => token === "bound")
      .map(({ command, clientId, recordingId }) => [command, clientId ?? recordingId]),
    [["record", "CP-1"], ["end_recording", id]],
  );
});

Deno.test("with workers a recording is reached by each of them, and has what passes at all", async () => {
  await using backend = new RecordingBackend();
  await using program = startProgram([
    ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--workers=2", "--drain-timeout=1s"],
  ]);
  const url = await urlOf(program);
  using http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const ask = async (path: string, method = "GET") => {
    const answer = await inTime(fetch(url + path, { method, client: http }), path);
    return await answer.text();
  };
  const { id } = JSON.parse(await ask("/recordings?client=CP1", "POST"));
  for (let i = 0; i < 8; i++) {
    const client = new TestClient(`${url.replace("http", "ws")}/CP1`);
    await inTime(client.opened, "the upgrade");
    await client.ask("no frame");
    await client.close();
  }
  const lines = await linesOf(ask, id, 33);
  deepStrictEqual(lines.filter(({ kind }) => kind === "gap"), []);
  // Requests come to either worker.
  for (let i = 0; i < 8; i++) {
    strictEqual(JSON.parse(await ask("/recordings")).recordings[0].id, id);
    strictEqual((await linesOf(ask, id, 33)).length, 33);
  }
  strictEqual(await ask(`/recordings/${id}`, "DELETE"), "");
  deepStrictEqual(JSON.parse(await ask("/recordings")), { recordings: [] });
});
