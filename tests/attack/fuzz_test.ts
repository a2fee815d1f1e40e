/**
 * 100,000 random inputs, the same in each run: texts, raw bytes and HTTP requests. Where a model can
 * say what has to come of an input, that is what is asked for.
 *
 * @module
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import v8 from "node:v8";
import vm from "node:vm";
import { readFrame } from "../../lib/codec/frame.ts";
import { answerToFault } from "../../lib/codec/frame_text.ts";
import { backendPath } from "../../lib/codec/route.ts";
import type { Dialect } from "../../lib/codec/subprotocol.ts";
import { silentLog } from "../../lib/log/log.ts";
import { json, RecordingBackend } from "../support/backend.ts";
import { connected } from "../support/connected.ts";
import { inTime } from "../support/deadline.ts";
import { TestGateway } from "../support/gateway.ts";
import { Random, randomBytes, randomRequest, randomText } from "../support/random.ts";
import { ByteSocket, frameBytes, joined, OPCODE } from "../support/websocket_bytes.ts";
import { testEachWebSocket as test, type WebSocketName } from "../support/websockets.ts";

const SEED = 20260713;
/** `--max-message` by default. */
const MAX_MESSAGE = 1024 * 1024;
const MAX_GROWTH_BYTES = 100 * 1024 * 1024;
const MARKER = '[2,"marker","Marker",{"marker":true}]';
const MARKER_ANSWER = '[3,"marker",{"marker":true}]';

v8.setFlagsFromString("--expose-gc");
const collectGarbage: () => void = vm.runInNewContext("gc");

/** Memory of the process, without what only waits to be collected. */
function residentBytes(): number {
  collectGarbage();
  return Deno.memoryUsage().rss;
}

interface Attack {
  readonly gateway: TestGateway;
  readonly backend: RecordingBackend;
  readonly random: Random;
  readonly batch: number;
}

/**
 * Runs batches until so many inputs are done. After each one an honest client has to be served; no
 * rejection may have been left alone, no bug logged, and memory may not have grown since the first
 * tenth.
 *
 * @param run One batch; how many inputs it was.
 */
async function attack(inputs: number, run: (attack: Attack) => Promise<number>): Promise<void> {
  const bugs: string[] = [];
  const onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    bugs.push(`unhandled: ${event.reason}`);
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  const log = { ...silentLog, error: (event: string) => void bugs.push(event) };
  let batch = 0;
  try {
    await using backend = new RecordingBackend();
    backend.answer = ({ body }) => json(body);
    await using gateway = await TestGateway.start(backend.url, ["--max-queue=1000"], log);
    const honest = await connected(gateway, "honest");
    const random = new Random(SEED);
    let rssBefore = 0;
    for (let done = 0; done < inputs; batch++) {
      done += await run({ gateway, backend, random, batch });
      strictEqual(await honest.ask(MARKER), MARKER_ANSWER);
      // Takes all that came before, too: what is kept would look like a leak.
      while ((await backend.next()).path !== "/call/Marker/honest/marker");
      backend.requests.length = 0;
      deepStrictEqual(bugs, []);
      if (rssBefore === 0 && done >= inputs / 10) rssBefore = residentBytes();
    }
    const growth = residentBytes() - rssBefore;
    ok(growth < MAX_GROWTH_BYTES, `memory grew by ${growth} bytes`);
  } catch (error) {
    throw new Error(`seed ${SEED}, batch ${batch}`, { cause: error });
  } finally {
    globalThis.removeEventListener("unhandledrejection", onRejection);
  }
  deepStrictEqual(bugs, []);
}

const DIALECTS: readonly Dialect[] = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"];

/** What the model says that a batch of texts must lead to. */
class TextModel {
  readonly #messageIds = new Set<string>(["marker"]);
  /** Answers that come at once, and answers that come from the backend: each in their order. */
  readonly faults: string[] = [];
  readonly results: string[] = [];
  readonly requests: { path: string; body: string }[] = [];

  constructor(readonly dialect: Dialect, readonly clientId: string) {}

  /** @returns False for a text that is not to be sent: its answer would depend on the moment. */
  add(text: string): boolean {
    if (text === "") return true;
    const read = readFrame(text, this.dialect);
    if (!read.ok) {
      const answer = answerToFault(read.fault, this.dialect);
      if (answer !== null) this.faults.push(answer);
      return true;
    }
    const { frame } = read;
    if (frame.kind !== "call" && frame.kind !== "send") return true;
    if (this.#messageIds.has(frame.messageId)) return false;
    this.#messageIds.add(frame.messageId);
    const { kind, action, messageId, messageIdText, payload } = frame;
    const path = `/${backendPath(kind, action, encodeURIComponent(this.clientId), messageId)}`;
    this.requests.push({ path, body: payload });
    if (kind === "call") this.results.push(`[3,${messageIdText},${payload}]`);
    return true;
  }
}

test("60,000 damaged texts: each is answered as the codec says, none is lost or changed", async () => {
  await attack(60_000, async ({ gateway, backend, random, batch }) => {
    const model = new TextModel(DIALECTS[batch % 3]!, `text-${batch}`);
    const texts: string[] = [];
    while (texts.length < 200) {
      const text = randomText(random, `${batch}-${texts.length}`);
      if (model.add(text)) texts.push(text);
    }
    using socket = await ByteSocket.upgrade(gateway.url, `/${model.clientId}`, model.dialect);
    await socket.write(joined([...texts, MARKER].map((text) => frameBytes(text))));
    const answers: string[] = [];
    for (;;) {
      const answer = await socket.text();
      if (answer === undefined) throw new Error(`cut, after texts ${JSON.stringify(texts)}`);
      if (answer === MARKER_ANSWER) break;
      answers.push(answer);
    }
    deepStrictEqual(answers.filter((answer) => answer.startsWith("[4,")), model.faults);
    deepStrictEqual(answers.filter((answer) => !answer.startsWith("[4,")), model.results);
    for (const expected of model.requests) {
      const { path, body } = await backend.next();
      deepStrictEqual({ path, body }, expected);
    }
    strictEqual((await backend.next()).path, `/call/Marker/${model.clientId}/marker`);
    return texts.length;
  });
});

/**
 * A model of a WebSocket's receiving end as RFC 6455 has it, with what each implementation does of its
 * own (see websocket_protocol_test.ts): what bytes do to a connection.
 */
class Fate {
  state: "serves" | "waits" | "ends" = "serves";
  #bytes: Uint8Array = new Uint8Array();
  /** The kind of the message that has begun; null between messages. */
  #kind: "text" | "binary" | null = null;
  #decoder = new TextDecoder("utf-8", { fatal: true });
  /** The length of that message so far, and whether it is no UTF-8. */
  #length = 0;
  #isBroken = false;

  constructor(readonly websocket: WebSocketName) {}

  take(bytes: Uint8Array): void {
    this.#bytes = joined([this.#bytes, bytes]);
    this.state = "serves";
    while (this.#bytes.length > 0 && this.state === "serves") this.#takeFrame();
    if (this.state === "serves" && this.#kind !== null) this.state = "waits";
  }

  #takeFrame(): void {
    const bytes = this.#bytes;
    if (bytes.length < 2) return void (this.state = "waits");
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const [first, second] = [bytes[0]!, bytes[1]!];
    const [isFinal, opcode, short] = [first >= 128, first & 15, second & 127];
    const lengthEnd = short === 126 ? 4 : short === 127 ? 10 : 2;
    const start = lengthEnd + (second >= 128 ? 4 : 0);
    if ((first & 0x70) !== 0 || (opcode > 2 && opcode < 8) || opcode > 10) return this.#end();
    const isStrict = this.websocket === "ws";
    if (isStrict && this.#isRefused(isFinal, opcode, second)) return this.#end();
    if (bytes.length < start) return void (this.state = "waits");
    const length = short === 126
      ? view.getUint16(2)
      : short === 127
      ? Number(view.getBigUint64(2))
      : short;
    if (opcode > 2 && !isFinal) return this.#end();
    if (opcode === OPCODE.ping && length > 125) return this.#end();
    if (isStrict ? opcode < 3 && this.#length + length > MAX_MESSAGE : length >= 2 ** 26) {
      return this.#end();
    }
    if (bytes.length < start + length) return void (this.state = "waits");
    const mask = second >= 128 ? bytes.subarray(lengthEnd, start) : [0, 0, 0, 0];
    const payload = bytes.slice(start, start + length).map((byte, i) => byte ^ mask[i % 4]!);
    this.#bytes = bytes.slice(start + length);
    if (opcode === OPCODE.close) return this.#end();
    if (opcode > 2) return;
    if (opcode === OPCODE.continuation ? this.#kind === null : isFinal && this.#kind !== null) {
      return this.#end();
    }
    if (opcode !== OPCODE.continuation) {
      this.#kind = opcode === OPCODE.text ? "text" : "binary";
      this.#decoder = new TextDecoder("utf-8", { fatal: true });
      this.#isBroken = false;
    }
    this.#length += length;
    try {
      if (this.#kind === "text") this.#decoder.decode(payload, { stream: !isFinal });
    } catch {
      // `ws` looks at a text when it is whole.
      if (!isStrict) return this.#end();
      this.#isBroken = true;
    }
    if (!isFinal) return;
    if (this.#kind === "binary" || this.#isBroken) return this.#end();
    this.#kind = null;
    this.#length = 0;
  }

  /** What `ws` refuses by the first two bytes, beside what both do. */
  #isRefused(isFinal: boolean, opcode: number, second: number): boolean {
    if (second < 128) return true;
    if (opcode > 2) return !isFinal || (second & 127) > 125 || (opcode === 8 && second === 129);
    return (opcode === OPCODE.continuation) === (this.#kind === null);
  }

  #end(): void {
    this.state = "ends";
  }
}

test(
  "20,000 raw inputs on open WebSockets: each socket serves on or ends, as the protocol says",
  async (_, websocket) => {
    let sockets = 0;
    await attack(20_000, async ({ gateway, random }) => {
      let inputs = 0;
      await Promise.all(Array.from({ length: 50 }, async () => {
        const fate = new Fate(websocket);
        const sent: Uint8Array[] = [];
        const most = 1 + random.below(5);
        while (fate.state === "serves" && sent.length < most) {
          const input = randomBytes(random);
          fate.take(input);
          sent.push(input);
        }
        inputs += sent.length;
        using socket = await ByteSocket.upgrade(gateway.url, `/raw-${sockets++}`);
        if (random.chance(0.5)) await socket.write(joined(sent));
        else for (const input of sent) await socket.write(input);
        if (fate.state === "serves") {
          await socket.write(frameBytes(MARKER));
          let answer = await socket.text();
          while (answer !== undefined && answer !== MARKER_ANSWER) answer = await socket.text();
          strictEqual(answer, MARKER_ANSWER, `after ${joined(sent)}`);
        } else {
          if (fate.state === "waits") await socket.endWriting();
          await inTime(socket.untilEnd(), `the end after ${joined(sent)}`);
        }
      }));
      return inputs;
    });
  },
);

test("20,000 raw HTTP requests: whatever is answered is no failure, and every connection ends", async () => {
  await attack(20_000, async ({ gateway, random }) => {
    const target = await connected(gateway, "target");
    target.socket.addEventListener("message", ({ data }) => {
      const [type, messageId] = JSON.parse(data);
      if (type === 2) target.send(JSON.stringify([3, messageId, {}]));
    });
    await Promise.all(Array.from({ length: 50 }, async () => {
      for (let i = 0; i < 10; i++) {
        const request = randomRequest(random);
        using socket = await ByteSocket.connect(gateway.url);
        await socket.write(request);
        await socket.endWriting();
        const text = await socket.rest();
        const statuses = [...text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map((each) =>
          Number(each[1])
        );
        const isFine = statuses.every((status) => status < 500);
        ok(isFine, `${statuses} for ${JSON.stringify(request)}`);
      }
    }));
    await target.close();
    return 500;
  });
});
