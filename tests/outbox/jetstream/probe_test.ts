import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { systemClock } from "../../../lib/clock.ts";
import { silentLog } from "../../../lib/log/log.ts";
import { connectNats } from "../../../lib/nats/connect.ts";
import { openLedger } from "../../../lib/outbox/jetstream/jetstream_ledger.ts";
import { probeLedger } from "../../../lib/outbox/jetstream/probe.ts";
import { RecordingBackend } from "../../support/backend.ts";
import { NatsServer, testWithNats, withJetStream } from "../../support/nats.ts";
import { startProgram, type TempDir } from "../../support/program.ts";

const PREFIX = "ws2api";
const LOGINS = `authorization { users: [ { user: all, password: s3cret }, { user: few,
  password: s3cret, permissions: { publish: ["ws2api.>"], subscribe: ["ws2api.>"] } } ] }`;

function withLogins(dir: TempDir): string {
  return `${withJetStream(dir)}\n${LOGINS}`;
}

/** @param user Of `LOGINS`. */
function connectTo({ port }: NatsServer, user: string): () => ReturnType<typeof connectNats> {
  const servers = [`127.0.0.1:${port}`];
  const address = { servers, isTls: false, user, password: "s3cret" };
  return () => connectNats(address, {}, PREFIX);
}

testWithNats("a ledger is looked up where it is, and not made where it is not", async () => {
  await using nats = await NatsServer.start(withLogins);
  const connect = connectTo(nats, "all");
  deepStrictEqual(await probeLedger(connect, PREFIX), { kind: "new" });
  deepStrictEqual(await probeLedger(connect, PREFIX), { kind: "new" });
  const sizes = { maxBytes: 1024 ** 2, maxAgeMs: 60_000 };
  const opened = await openLedger({
    ...{ ...sizes, prefix: PREFIX, connect, clock: systemClock, log: silentLog },
  });
  if (!opened.ok) throw new Error(opened.reason);
  await opened.ledger.entries.put("ws2api.led.a.b.c", "text", 0);
  await opened.ledger.close(1000);
  deepStrictEqual(
    await probeLedger(connect, PREFIX),
    { kind: "usable", messages: 1, replicas: 1 },
  );
});

testWithNats("what a login may not do, and a server without JetStream, are no ledger", async () => {
  await using nats = await NatsServer.start(withLogins);
  const few = await probeLedger(connectTo(nats, "few"), PREFIX);
  strictEqual(few.kind, "unusable");
  match(few.reason, /permissions violation.*\$JS\.API\.STREAM\.INFO/i);
  await using bare = await NatsServer.start(LOGINS);
  const none = await probeLedger(connectTo(bare, "all"), PREFIX);
  strictEqual(none.kind, "unusable");
  match(none.reason, /nobody answers for JetStream/);
});

testWithNats("--check looks for an outbox in NATS there, and not for a folder", async () => {
  await using backend = new RecordingBackend();
  await using nats = await NatsServer.start(withLogins);
  const flags = ["--listen=127.0.0.1:0", `--backend=${backend.url}`, "--outbox=nats"];
  for (
    const [user, code, line] of [
      ["all", 0, /^ok {3}outbox: JetStream can be used; its streams are made/m],
      ["few", 2, /^bad {2}outbox: nats: permissions violation/im],
    ] as const
  ) {
    const env = { WS2API_NATS: `nats://${user}:s3cret@${nats.host}` };
    await using program = startProgram(["--check", ...flags], env);
    const ended = await program.ended();
    match(ended.stdout, line);
    strictEqual(ended.code, code, ended.stdout);
  }
});
