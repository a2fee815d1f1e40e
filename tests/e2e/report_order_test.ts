import { deepStrictEqual } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { TestClient } from "../support/client.ts";
import { inTime, until } from "../support/deadline.ts";
import { startProgram, TempDir, urlOf } from "../support/program.ts";

for (const workers of [1, 2]) {
  Deno.test(`one client's outcomes stay in order over a kill, with --workers ${workers}`, async () => {
    using dir = new TempDir();
    await using backend = new RecordingBackend();
    const taken: string[] = [];
    let [refused, takesOld] = [0, false];
    backend.answer = ({ path }) => {
      const messageId = path.split("/").at(-1)!;
      if (!takesOld && messageId.startsWith("old")) {
        refused++;
        return new Response(null, { status: 500 });
      }
      taken.push(messageId);
      return new Response(null, { status: 204 });
    };
    const names = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, i) => prefix + i);
    /** CALLs to a client that answers each. */
    async function callAll(url: string, messageIds: string[]): Promise<TestClient> {
      const client = new TestClient(new URL("CP1", url.replace("http", "ws")).href);
      await inTime(client.opened, "the upgrade");
      for (const messageId of messageIds) {
        const frame = client.next();
        await until(`${messageId} to be accepted`, async () => {
          const response = await fetch(new URL(`/call/Reset/CP1/${messageId}`, url), {
            method: "POST",
            body: "{}",
          });
          await response.body?.cancel();
          return response.status === 202;
        });
        await frame;
        client.send(`[3,"${messageId}",{}]`);
      }
      return client;
    }
    const start = () =>
      startProgram([
        ...["--listen=127.0.0.1:0", `--backend=${backend.url}`, `--outbox=${dir.path("outbox")}`],
        ...[`--workers=${workers}`, "--log-level=error", "--drain-timeout=1s"],
      ]);
    const [old, fresh] = [names("old", 5), names("new", 3)];
    {
      await using program = start();
      const url = await urlOf(program);
      const client = await callAll(url, old);
      await until("all outcomes to wait", async () => {
        // One that is not on disk at the kill is an error then, in its place.
        return (await (await fetch(new URL("/outbox", url))).json()).total === old.length;
      });
      program.signal("SIGKILL");
      await program.ended();
      await client.whenClosed();
    }
    await using program = start();
    const client = await callAll(await urlOf(program), fresh);
    const before = refused;
    await until("one more try", () => refused > before);
    takesOld = true;
    await until("all outcomes to be taken", () => taken.length >= 8, 60_000);
    deepStrictEqual(taken, [...old, ...fresh]);
    await client.close();
  });
}
