import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { connected, handled } from "../support/connected.ts";
import { type ApiAnswer, TestGateway } from "../support/gateway.ts";
import { assertProblem } from "../support/problem.ts";
import { headerOf, rawAnswer } from "../support/raw_client.ts";

const ODD_PAYLOAD = '{"b":1.0, "a":12345678901234567890,"a":1e400,"s":"\\ud800\\u00e9 \u2028é😀"}';
const WAIT = { prefer: "wait=10" };

function assertOutcome(answer: ApiAnswer, status: number, outcome: string): void {
  strictEqual(answer.status, status, answer.text);
  strictEqual(answer.headers.get("ws2api-outcome"), outcome);
}

/** A CALL to CP1 that waits in the queue, and whose response is still to come. */
async function waitingInQueue(
  gateway: TestGateway,
): Promise<{ id: string; answer: Promise<ApiAnswer> }> {
  for (let n = 0;; n++) {
    const id = `q${n}`;
    const answer = gateway.call(`Act/CP1/${id}`, "{}", WAIT);
    // A namesake that is refused says that the other one is in the queue.
    if ((await gateway.call(`Act/CP1/${id}`)).status === 409) return { id, answer };
    await answer;
  }
}

Deno.test("a CALL keeps its payload's bytes on the way to the client, and so does its answer", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(`${backend.url}base`);
  const client = await connected(gateway, "CP%201", { protocols: ["ocpp2.0.1"] });
  const accepted = await gateway.call("Act%2Fion/CP%201/id%20%221", `\r\n ${ODD_PAYLOAD}\t`);
  assertOutcome(accepted, 202, "queued");
  strictEqual(accepted.text, "");
  strictEqual(await client.next(), `[2,"id \\"1","Act/ion",${ODD_PAYLOAD}]`);
  client.send(` [3, "id \\"1" , ${ODD_PAYLOAD} ]`);
  const { method, path, body, headers } = await backend.next();
  deepStrictEqual([method, path], ["POST", "/base/result/Act%2Fion/CP%201/id%20%221"]);
  strictEqual(body, ODD_PAYLOAD);
  strictEqual(headers.get("content-type"), "application/json");
  strictEqual(headers.get("x-ws2api-protocol"), "ocpp2.0.1");
  strictEqual(headers.get("x-forwarded-for"), "127.0.0.1");
  match(headers.get("x-ws2api-connection") ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/);
});

Deno.test("a CALL with Prefer: wait ends in its response, and the backend gets nothing", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  for (
    const [answer, status, body] of [
      [`[3,"1",${ODD_PAYLOAD}]`, 200, ODD_PAYLOAD],
      ['[3,"1",null]', 200, "{}"],
      [
        `[4,"1","MyCode","d é",${ODD_PAYLOAD}]`,
        422,
        `{"code":"MyCode","description":"d é","details":${ODD_PAYLOAD}}`,
      ],
    ] as const
  ) {
    const waiting = gateway.call("Act/CP1/1", "{}", WAIT);
    strictEqual(await client.next(), '[2,"1","Act",{}]');
    client.send(answer);
    assertOutcome(await waiting, status, "answered");
    strictEqual((await waiting).text, body);
    strictEqual((await waiting).headers.get("content-type"), "application/json");
    strictEqual((await waiting).headers.get("preference-applied"), "wait=10");
  }
  // What comes after in the same lane says that nothing went before.
  await gateway.call("Act/CP1/2");
  client.send('[3,"2",{}]');
  await backend.next();
  deepStrictEqual(backend.paths(), ["/result/Act/CP1/2"]);
});

Deno.test("a CALLERROR without Prefer: wait goes to /error with the details' bytes", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  await gateway.call("Act/CP1/1");
  client.send(`[4,"1","MyCode","d é", ${ODD_PAYLOAD} ]`);
  const { path, body } = await backend.next();
  strictEqual(path, "/error/Act/CP1/1");
  strictEqual(body, `{"code":"MyCode","description":"d é","details":${ODD_PAYLOAD}}`);
});

Deno.test("an empty body is an empty payload", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  for (const body of ["", " \r\n"]) {
    assertOutcome(await gateway.call("Act/CP1/1", body), 202, "queued");
    strictEqual(await client.next(), '[2,"1","Act",{}]');
    client.send('[3,"1",{}]');
    await backend.next();
  }
});

Deno.test("a CALL that cannot be one is 400", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  const bodies: [name: string, body: BodyInit][] = [
    ["null", "null"],
    ["an array", "[]"],
    ["a string", '"x"'],
    ["a number", "1"],
    ["bad JSON", '{"a":}'],
    ["two objects", "{}{}"],
    ["a space that is no JSON", "\u00a0{}"],
    ["a byte that is not UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)],
    ["a character cut short", Uint8Array.of(0x7b, 0x7d, 0xc3)],
  ];
  for (const [name, body] of bodies) {
    await t.step(`body: ${name}`, async () => {
      for (const headers of [{}, WAIT]) {
        const answer = await gateway.api("/call/Act/CP1/1", { method: "POST", body, headers });
        assertProblem(answer, 400, "not-sent");
      }
    });
  }
  const paths = [
    "/call/../CP1/1",
    "/call/./CP1/1",
    "/call/%2e%2e/CP1/1",
    "/call/.%2E/CP1/1",
    "/call/%2e/CP1/1",
    "/call/Act/../1",
    "/call/Act/%2e%2e/1",
    "/call/Act/CP1/..",
    "/call/Act/CP1/%2e%2e",
    "/call/Act/CP1/.",
    "/call//CP1/1",
    "/call/Act//1",
    "/call/Act/CP1/",
    "/call/A%/CP1/1",
    "/call/A%zz/CP1/1",
    "/call/Act/CP%FF/1",
    "/call/Act/CP1/%ED%A0%80",
    "/call/Act/C%2FP1/1",
    "/call/Act/CP1%00/1",
    `/call/Act/CP1/${"x".repeat(37)}`,
    `/call/Act/CP1/${"%F0%9F%98%80".repeat(37)}`,
  ];
  for (const path of paths) {
    await t.step(`path: ${path.slice(0, 60)}`, async () => {
      const request = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}`;
      const { status, head } = await rawAnswer(gateway.url, request);
      strictEqual(status, 400);
      strictEqual(headerOf(head, "ws2api-outcome"), "not-sent");
      strictEqual(headerOf(head, "content-type"), "application/problem+json");
    });
  }
  await handled(client);
  deepStrictEqual(client.left, [], "nothing reached the client");
});

Deno.test("a MessageId of 36 characters is taken, also when each is two UTF-16 code units", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  for (const id of ["x".repeat(36), "😀".repeat(36)]) {
    assertOutcome(await gateway.call(`Act/CP1/${encodeURIComponent(id)}`), 202, "queued");
    strictEqual(await client.next(), `[2,"${id}","Act",{}]`);
    client.send(`[3,"${id}",{}]`);
    strictEqual((await backend.next()).path, `/result/Act/CP1/${encodeURIComponent(id)}`);
  }
});

Deno.test("a CALL to a client that is not connected is 404", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  assertProblem(await gateway.call("Act/CP1/1"), 404, "not-sent");
  assertProblem(await gateway.call("Act/CP1/1", "{}", WAIT), 404, "not-sent");
});

Deno.test("a MessageId that is outstanding or queued is 409, and free once it is answered", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  await connected(gateway, "CP2");
  for (const id of ["sent", "queued"]) await gateway.call(`Act/CP1/${id}`);
  for (const id of ["sent", "queued"]) {
    assertProblem(await gateway.call(`Other/CP1/${id}`), 409, "not-sent");
    assertProblem(await gateway.call(`Act/CP1/${id}`, "{}", WAIT), 409, "not-sent");
    assertOutcome(await gateway.call(`Act/CP2/${id}`), 202, "queued");
  }
  strictEqual(await client.next(), '[2,"sent","Act",{}]');
  client.send('[3,"sent",{}]');
  strictEqual(await client.next(), '[2,"queued","Act",{}]');
  assertOutcome(await gateway.call("Act/CP1/sent"), 202, "queued");
});

Deno.test("a body over --max-message is 413 before all of it came", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--max-message=1KiB"]);
  await connected(gateway);
  const post = "POST /call/Act/CP1/1 HTTP/1.1\r\nHost: localhost\r\n";
  for (
    const [name, rest] of [
      ["by Content-Length", "Content-Length: 1025\r\n\r\n{"],
      ["by chunks", `Transfer-Encoding: chunked\r\n\r\n401\r\n${"x".repeat(1025)}\r\n`],
    ]
  ) {
    await t.step(name!, async () => {
      const { status, head } = await rawAnswer(gateway.url, `${post}${rest}`);
      strictEqual(status, 413);
      strictEqual(headerOf(head, "ws2api-outcome"), "not-sent");
      strictEqual(headerOf(head, "content-type"), "application/problem+json");
    });
  }
  await t.step("but not at the bound", async () => {
    const body = `{"a":"${"é".repeat(508)}"}`;
    strictEqual(new TextEncoder().encode(body).length, 1024);
    assertOutcome(await gateway.call("Act/CP1/1", body), 202, "queued");
    assertProblem(await gateway.call("Act/CP1/2", `${body} `), 413, "not-sent");
  });
});

Deno.test("a CALL to a client whose queue is full is 429, and those before it are kept", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url, ["--max-queue=1"]);
  const client = await connected(gateway);
  for (const id of ["1", "2"]) assertOutcome(await gateway.call(`Act/CP1/${id}`), 202, "queued");
  for (const headers of [{}, WAIT]) {
    const refused = await gateway.call("Act/CP1/3", "{}", headers);
    assertProblem(refused, 429, "not-sent");
    match(refused.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
  }
  for (const id of ["1", "2"]) {
    strictEqual(await client.next(), `[2,"${id}","Act",{}]`);
    client.send(`[3,"${id}",{}]`);
    strictEqual((await backend.next()).path, `/result/Act/CP1/${id}`);
  }
  assertOutcome(await gateway.call("Act/CP1/3"), 202, "queued");
});

Deno.test("a CALL with Prefer: wait is 410 when the connection goes, and says whether it was sent", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  const sent = gateway.call("Act/CP1/1", "{}", WAIT);
  await client.next();
  const queued = await waitingInQueue(gateway);
  await client.close();
  assertProblem(await sent, 410, "sent");
  assertProblem(await queued.answer, 410, "not-sent");
  strictEqual((await sent).headers.get("preference-applied"), "wait=10");
});

Deno.test("a CALL accepted with 202 ends in one /error when the client disconnects", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  for (const id of ["sent", "queued"]) await gateway.call(`Act/CP1/${id}`);
  await client.close();
  for (const id of ["sent", "queued"]) {
    const { path, body } = await backend.next();
    strictEqual(path, `/error/Act/CP1/${id}`);
    deepStrictEqual(JSON.parse(body), {
      code: "GenericError",
      description: "the client disconnected",
      details: {},
    });
  }
  await gateway.shutdown();
  strictEqual(backend.requests.length, 2);
});

Deno.test("a CALL with Prefer: wait is 504 without an answer in time", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  const client = await connected(gateway);
  const [sent, queued] = await Promise.all(
    ["1", "2"].map((id) => gateway.call(`Act/CP1/${id}`, "{}", { prefer: "wait=1" })),
  );
  const frame = await client.next();
  const id = JSON.parse(frame)[1];
  await t.step("and says whether it was sent", () => {
    const inOrder = id === "1" ? [sent!, queued!] : [queued!, sent!];
    assertProblem(inOrder[0]!, 504, "sent");
    assertProblem(inOrder[1]!, 504, "not-sent");
    for (const { headers } of inOrder) strictEqual(headers.get("preference-applied"), "wait=1");
  });
  await t.step("one that was sent stays outstanding", async () => {
    assertProblem(await gateway.call(`Act/CP1/${id}`), 409, "not-sent");
  });
  await t.step("a late answer is dropped and frees the MessageId", async () => {
    client.send(`[3,"${id}",{"late":1}]`);
    await handled(client);
    assertOutcome(await gateway.call(`Act/CP1/${id}`), 202, "queued");
    // The one that was never sent would come first.
    strictEqual(await client.next(), frame);
    client.send(`[3,"${id}",{"late":0}]`);
    strictEqual((await backend.next()).body, '{"late":0}');
    strictEqual(backend.requests.length, 1);
  });
});
