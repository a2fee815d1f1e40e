import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Cable } from "../../bench/loss/cable.ts";
import { inTime } from "../support/deadline.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Two ends with a cable between them. */
class Ends implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly cable: Cable;
  near!: Deno.TcpConn;
  far!: Deno.TcpConn;

  private constructor() {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.cable = new Cable(this.#listener.addr.port);
  }

  static async open(): Promise<Ends> {
    const ends = new Ends();
    const accepted = ends.#listener.accept();
    ends.near = await Deno.connect({ hostname: "127.0.0.1", port: ends.cable.port });
    ends.far = await inTime(accepted, "the other end");
    return ends;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cable.close();
    this.#listener.close();
    this.near.close();
    this.far.close();
  }
}

async function read(conn: Deno.TcpConn): Promise<string | null> {
  const buffer = new Uint8Array(100);
  const count = await inTime(conn.read(buffer), "bytes through a cable");
  return count === null ? null : decoder.decode(buffer.subarray(0, count));
}

Deno.test("a cable passes on what comes, both ways", async () => {
  await using ends = await Ends.open();
  await ends.near.write(encoder.encode("there"));
  await ends.far.write(encoder.encode("back"));
  deepStrictEqual([await read(ends.far), await read(ends.near)], ["there", "back"]);
});

Deno.test("what is held one way comes when the cable is mended, and the other way is open", async () => {
  await using ends = await Ends.open();
  ends.cable.hold("there");
  await ends.near.write(encoder.encode("held"));
  let isThrough = false;
  const held = read(ends.far).finally(() => isThrough = true);
  for (let i = 0; i < 20; i++) {
    await ends.far.write(encoder.encode("back"));
    strictEqual(await read(ends.near), "back");
  }
  strictEqual(isThrough, false);
  ends.cable.mend();
  strictEqual(await held, "held");
});

Deno.test("a cable that is cut ends its connections, and lets nobody through until it is mended", async () => {
  await using ends = await Ends.open();
  ends.cable.cut();
  deepStrictEqual([await read(ends.near), await read(ends.far)], [null, null]);
  using refused = await Deno.connect({ hostname: "127.0.0.1", port: ends.cable.port });
  strictEqual(await read(refused), null);
});
