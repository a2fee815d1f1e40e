/** The whole backends of examples/, each as its own program behind a gateway. */

import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { chargeOnce, Client } from "../../examples/client.ts";
import { connected } from "../support/connected.ts";
import { inTime } from "../support/deadline.ts";
import { onClosedPort } from "../support/backend.ts";
import { TestGateway } from "../support/gateway.ts";
import { type Need, programOf, testWith } from "../support/needs.ts";
import { PhpServer } from "../support/php.ts";
import { Program } from "../support/program.ts";

const TOKEN = "t0ken";

/** A gateway, and one of the backends behind it. */
interface Behind extends AsyncDisposable {
  readonly gateway: TestGateway;
  /** Of the backend. */
  readonly url: string;
  /** Waits for this in what the backend writes. */
  logged(part: string): Promise<void>;
}

/** PHP's server has to be told its port; the gateway's is known by then. */
function startPhp(): Promise<Behind> {
  return onClosedPort(async (port) => {
    const flags = [`--api-token=${TOKEN}`];
    const gateway = await TestGateway.start(`http://127.0.0.1:${port}`, flags);
    try {
      const env = { GATEWAY: gateway.url, GATEWAY_TOKEN: TOKEN };
      const php = await PhpServer.start(port, "examples/backend.php", env);
      return {
        gateway,
        url: php.url,
        logged: (part) => php.logged(part),
        async [Symbol.asyncDispose]() {
          await gateway[Symbol.asyncDispose]();
          await php[Symbol.asyncDispose]();
        },
      };
    } catch (error) {
      await gateway[Symbol.asyncDispose]();
      throw error;
    }
  });
}

/** The others say which port they have taken; it is the gateway's that has to be known before. */
function startProgram(
  run: (gatewayUrl: string) => Program,
  flags: readonly string[],
  logged: (program: Program, part: string) => Promise<unknown>,
): Promise<Behind> {
  return onClosedPort(async (port) => {
    const program = run(`http://127.0.0.1:${port}`);
    try {
      const [line = ""] = await program.lines(1);
      const url = /^backend on (http:\/\/127\.0\.0\.1:\d+)\/$/.exec(line)?.[1];
      if (url === undefined) throw new Error(`no ready line: ${line}`);
      const gateway = await TestGateway.start(url, [`--listen=127.0.0.1:${port}`, ...flags]);
      return {
        gateway,
        url,
        logged: async (part) => void await logged(program, part),
        async [Symbol.asyncDispose]() {
          await gateway[Symbol.asyncDispose]();
          await program[Symbol.asyncDispose]();
        },
      };
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
  });
}

function startPython(): Promise<Behind> {
  return startProgram(
    (GATEWAY) =>
      new Program(programOf("python3"), ["examples/backend.py"], {
        GATEWAY,
        GATEWAY_TOKEN: TOKEN,
        PORT: "0",
      }),
    [`--api-token=${TOKEN}`],
    (program, part) => program.logged(part),
  );
}

function startDeno(): Promise<Behind> {
  const command = ["run", "--no-prompt", "--allow-net=127.0.0.1", "examples/backend.ts", "0"];
  return startProgram(
    (gatewayUrl) => new Program(Deno.execPath(), [...command, gatewayUrl]),
    [],
    async (program, part) => {
      for (let count = 1;; count++) {
        const lines = await program.lines(count);
        if (lines.some((line) => line.includes(part))) return;
        if (lines.length < count) throw new Error(`ended without ${part}`);
      }
    },
  );
}

const BACKENDS: [name: string, needs: Need[], start: () => Promise<Behind>][] = [
  ["PHP", ["php"], startPhp],
  ["Python", ["python3"], startPython],
  ["TypeScript", [], startDeno],
];

/** Blank and umlaut. */
const CLIENT_ID = "CP%201%C3%BC";

async function command(
  behind: Behind,
  path: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: unknown }> {
  const init = { method: "POST", body, headers };
  const response = await inTime(fetch(`${behind.url}/command/${path}`, init), path);
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}

/** The MessageId of a CALL, which must be this one. */
function idOf(frame: string, action: string, payload: string): string {
  const [type, id, ...rest] = JSON.parse(frame);
  deepStrictEqual([type, ...rest], [2, action, JSON.parse(payload)]);
  match(id, /^[0-9a-f-]{32,36}$/);
  return id;
}

for (const [name, needs, start] of BACKENDS) {
  testWith(needs, `the whole backend in ${name} answers a client's CALLs`, async () => {
    await using behind = await start();
    const client = await connected(behind.gateway, CLIENT_ID);
    const ask = async (frame: string) => JSON.parse(await client.ask(frame));
    // A MessageId with what a path cannot hold.
    const [type, id, payload] = await ask('[2,"7/ü 1","Heartbeat",{}]');
    deepStrictEqual([type, id], [3, "7/ü 1"]);
    match(payload.currentTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/);
    deepStrictEqual(await ask('[2,"2","StatusNotification",{"connectorId":1}]'), [3, "2", {}]);
    const unknown = await ask('[2,"3","Ünknown/1",{}]');
    deepStrictEqual(unknown.slice(0, 3), [4, "3", "NotImplemented"]);
  });

  testWith(
    needs,
    `the whole backend in ${name} carries the example client through a session`,
    async () => {
      await using behind = await start();
      const url = `${behind.gateway.url.replace("http:", "ws:")}/CP1`;
      const client = await Client.connect({ url });
      try {
        strictEqual(await chargeOnce(client), 300);
        const answer = { status: 200, body: { status: "Accepted" } };
        const wait = { prefer: "wait=10" };
        deepStrictEqual(await command(behind, "Reset/CP1", '{"type":"Soft"}', wait), answer);
      } finally {
        await client.close();
      }
    },
  );

  testWith(
    needs,
    `the whole backend in ${name} calls a client and gets its /result and its /error`,
    async () => {
      await using behind = await start();
      const client = await connected(behind.gateway, CLIENT_ID);
      const payload = '{"type":"é"}';
      for (
        const [kind, answer, told] of [
          ["result", (id: string) => `[3,"${id}",{"status":"Accepted"}]`, "Accepted"],
          ["error", (id: string) => `[4,"${id}","NotSupported","no",{}]`, "NotSupported"],
        ] as const
      ) {
        const accepted = await command(behind, `Resét/${CLIENT_ID}`, payload);
        deepStrictEqual(accepted, { status: 202, body: null });
        const id = idOf(await client.next("[2,"), "Resét", payload);
        client.send(answer(id));
        await behind.logged(`/${kind}/Res%C3%A9t/${CLIENT_ID}/${id} {`);
        await behind.logged(told);
      }
    },
  );

  testWith(
    needs,
    `the whole backend in ${name} waits for a client that calls back before it answers`,
    async () => {
      await using behind = await start();
      const client = await connected(behind.gateway, CLIENT_ID);
      const wait = { prefer: "wait=10" };
      const asked = command(behind, `Reset/${CLIENT_ID}`, "{}", wait);
      asked.catch(() => {});
      const id = idOf(await client.next("[2,"), "Reset", "{}");
      match(await client.ask('[2,"1","Heartbeat",{}]'), /^\[3,"1",/);
      client.send(`[4,"${id}","NotSupported","é",{}]`);
      const error = { code: "NotSupported", description: "é", details: {} };
      deepStrictEqual(await asked, { status: 422, body: error });
      strictEqual((await command(behind, "Reset/CP9", "{}")).status, 404);
    },
  );
}
