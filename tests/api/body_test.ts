import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { BodyRoom, readPayload } from "../../lib/api/body.ts";
import type { HttpRequest } from "../../lib/request.ts";

const KIB = 1024;

/** A request whose body comes when a test wants it. */
class Sending {
  #push: (chunk: Uint8Array) => void = () => {};
  #end = (): void => {};
  readonly request: HttpRequest;

  constructor() {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#push = (chunk) => controller.enqueue(chunk);
        this.#end = () => controller.close();
      },
    });
    this.request = { method: "POST", url: "http://a/", headers: new Headers(), body };
  }

  send(text: string): void {
    this.#push(new TextEncoder().encode(text));
  }

  end(): void {
    this.#end();
  }
}

function objectOf(size: number): string {
  return `{"a":"${"x".repeat(size - 8)}"}`;
}

Deno.test("large bodies that come in at once have room together, which the ended ones give back", async () => {
  const room = new BodyRoom(50 * KIB);
  const [first, second, third, small] = [
    new Sending(),
    new Sending(),
    new Sending(),
    new Sending(),
  ];
  const long = objectOf(60 * KIB);
  const reading = readPayload(first.request, 1024 * KIB, room);
  first.send(long.slice(0, 55 * KIB));
  const refused = readPayload(second.request, 1024 * KIB, room);
  second.send(long.slice(0, 40 * KIB));
  deepStrictEqual(await refused, {
    ok: false,
    status: 429,
    detail: "too many large bodies come in at once",
  });
  // What is small needs no room.
  const taken = readPayload(small.request, 1024 * KIB, room);
  small.send(objectOf(16 * KIB));
  small.end();
  strictEqual((await taken).ok, true);
  first.send(long.slice(55 * KIB));
  first.end();
  strictEqual((await reading).ok, true);
  const last = readPayload(third.request, 1024 * KIB, room);
  third.send(long);
  third.end();
  strictEqual((await last).ok, true);
});

Deno.test("a body that breaks off gives its room back", async () => {
  const room = new BodyRoom(50 * KIB);
  for (let i = 0; i < 3; i++) {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(60 * KIB).fill(0x20));
      },
      pull(controller) {
        controller.error(new Error("gone"));
      },
    });
    const request = { method: "POST", url: "http://a/", headers: new Headers(), body };
    strictEqual((await readPayload(request, 1024 * KIB, room)).ok, false);
  }
  strictEqual(room.take(50 * KIB), true);
});
