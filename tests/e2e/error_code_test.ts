/** Each fault that the gateway itself reports to a client, in each version, from end to end. */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { closedPort, json, RecordingBackend } from "../support/backend.ts";
import type { TestClient } from "../support/client.ts";
import { connected } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";

const PROTOCOLS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"] as const;

/** What the client says, what the backend says to that, and the answer; null for none. */
interface Row {
  readonly name: string;
  readonly text: string;
  readonly status?: number;
  readonly body?: string;
  readonly id?: string;
  readonly codes: readonly [v16: string | null, v201: string | null, v21: string | null];
  readonly description: string;
}

const CALL = '[2,"7","Act",{}]';

function all(code: string | null): Row["codes"] {
  return [code, code, code];
}

function status(code: number, codes: Row["codes"], body = ""): Row {
  const name = `the backend's ${code}`;
  return {
    name,
    text: CALL,
    status: code,
    body,
    codes,
    description: `the backend answered ${code}`,
  };
}

const BAD_FRAME: Row["codes"] = ["FormationViolation", "RpcFrameworkError", "RpcFrameworkError"];
const BAD_PAYLOAD: Row["codes"] = ["FormationViolation", "FormatViolation", "FormatViolation"];
const LONG = "é😀".repeat(200);
const CUT = [...LONG].slice(0, 255).join("");

const ROWS: readonly Row[] = [
  {
    name: "no JSON",
    text: "[",
    id: "-1",
    codes: BAD_FRAME,
    description: "not valid JSON, or nested too deep",
  },
  { name: "no array", text: "{}", id: "-1", codes: BAD_FRAME, description: "not a JSON array" },
  {
    name: "no type",
    text: '["2","7","Act",{}]',
    codes: BAD_FRAME,
    description: "the message type is not a number",
  },
  {
    name: "no MessageId",
    text: '[2,7,"Act",{}]',
    id: "-1",
    codes: BAD_FRAME,
    description: "the MessageId is not a string",
  },
  {
    name: "too few elements",
    text: '[2,"7","Act"]',
    codes: BAD_FRAME,
    description: "a frame of type 2 has 4 elements",
  },
  {
    name: "no Action",
    text: '[2,"7","",{}]',
    codes: BAD_FRAME,
    description:
      "the Action is not a string, empty, too long, not Unicode, or has a control character or dot segment",
  },
  {
    name: "no payload",
    text: '[2,"7","Act",[]]',
    codes: BAD_PAYLOAD,
    description: "the payload is not a JSON object",
  },
  {
    name: "an unknown type",
    text: '[7,"7","Act",{}]',
    codes: [null, null, null],
    description: "",
  },
  status(400, BAD_PAYLOAD),
  status(422, BAD_PAYLOAD),
  status(401, all("SecurityError")),
  status(403, all("SecurityError")),
  status(404, all("NotImplemented")),
  status(405, all("NotImplemented")),
  status(501, all("NotImplemented")),
  status(409, all("InternalError")),
  status(500, all("InternalError"), "a stack at 10.0.0.1"),
  {
    name: "an answer that is no object",
    text: CALL,
    status: 200,
    body: "[]",
    codes: all("InternalError"),
    description: "the backend answered 200 with a body that is no JSON object",
  },
  {
    name: "a code of the backend's own, and a long description",
    text: CALL,
    status: 400,
    body: `{"code":"OccurrenceConstraintViolation","description":"${LONG}"}`,
    codes: all("OccurrenceConstraintViolation"),
    description: CUT,
  },
  {
    name: "a code that no version knows",
    text: CALL,
    status: 503,
    body: '{"code":"Nonsense"}',
    codes: all("Nonsense"),
    description: "",
  },
];

/** Sends a text whose answer is this; the connection serves on. */
async function assertAnswer(
  client: TestClient,
  text: string,
  answer: readonly unknown[] | null,
): Promise<void> {
  // Never answered by the backend, so it shows that nothing came before.
  const beat = '[2,"beat","",{}]';
  if (answer !== null) deepStrictEqual(JSON.parse(await client.ask(text)), answer);
  else client.send(text);
  strictEqual(JSON.parse(await client.ask(beat))[1], "beat");
}

Deno.test("each fault has its version's code, and a description of 255 characters at most", async (t) => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  for (const [i, protocol] of PROTOCOLS.entries()) {
    const client = await connected(gateway, protocol, { protocols: [protocol] });
    for (const { name, text, id = "7", codes, description, ...reply } of ROWS) {
      await t.step(`${protocol}: ${name}`, async () => {
        backend.answer = () => json(reply.body ?? "{}", reply.status ?? 200);
        const code = codes[i] ?? null;
        await assertAnswer(client, text, code === null ? null : [4, id, code, description, {}]);
      });
    }
  }
});

Deno.test("a MessageId in use, and too much that waits: each version has its code", async (t) => {
  const duplicate = ["ProtocolError", "RpcFrameworkError", "RpcFrameworkError"] as const;
  for (const [i, protocol] of PROTOCOLS.entries()) {
    await t.step(protocol, async () => {
      await using backend = new RecordingBackend();
      const held = Promise.withResolvers<void>();
      backend.answer = async () => (await held.promise, json("{}"));
      await using gateway = await TestGateway.start(backend.url, ["--max-waiting=1"]);
      const client = await connected(gateway, "CP1", { protocols: [protocol] });
      client.send(CALL);
      await backend.next();
      const used = "the MessageId is still in use";
      await assertAnswer(client, '[2,"7","Other",{}]', [4, "7", duplicate[i], used, {}]);
      await assertAnswer(client, CALL, null);
      const overloaded = [4, "8", "InternalError", "gateway overloaded", {}];
      await assertAnswer(client, '[2,"8","Act",{}]', overloaded);
      held.resolve();
      strictEqual(await client.next(), '[3,"7",{}]');
    });
  }
});

Deno.test("a backend that is not there, or does not answer, is an InternalError in each version", async () => {
  await using backend = new RecordingBackend();
  const held = Promise.withResolvers<void>();
  backend.answer = async () => (await held.promise, json("{}"));
  const rows: [url: string, description: string][] = [
    [`http://127.0.0.1:${closedPort()}/`, "the backend is away"],
    [backend.url, "no answer from the backend within 200ms"],
  ];
  for (const [url, description] of rows) {
    await using gateway = await TestGateway.start(url, [
      "--backend-timeout=200ms",
      "--away-hold=0s",
      "--backend-away=answer",
    ]);
    for (const protocol of PROTOCOLS) {
      const client = await connected(gateway, protocol, { protocols: [protocol] });
      await assertAnswer(client, CALL, [4, "7", "InternalError", description, {}]);
    }
  }
  held.resolve();
});

Deno.test("a client's own codes and descriptions reach the backend as they are, however long", async () => {
  await using backend = new RecordingBackend();
  await using gateway = await TestGateway.start(backend.url);
  for (const protocol of PROTOCOLS) {
    const client = await connected(gateway, protocol, { protocols: [protocol] });
    const codes = ["Nonsense", "OccurenceConstraintViolation", "OccurrenceConstraintViolation", ""];
    for (const [i, code] of codes.entries()) {
      await gateway.call(`Act/${protocol}/${i}`);
      await client.next("[2,");
      client.send(`[4,"${i}","${code}","${LONG}\\u0021",{"n":1.0}]`);
      const { path, body } = await backend.next();
      strictEqual(path, `/error/Act/${protocol}/${i}`);
      strictEqual(body, `{"code":"${code}","description":"${LONG}\\u0021","details":{"n":1.0}}`);
    }
  }
});
