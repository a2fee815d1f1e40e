import { ok } from "node:assert/strict";
import { RecordingBackend } from "../support/backend.ts";
import { TestPage } from "../support/browser.ts";
import { connected } from "../support/connected.ts";
import { TestGateway } from "../support/gateway.ts";
import { Cable } from "../support/nats.ts";
import { testWith } from "../support/needs.ts";

testWith(
  "chromium",
  "a gateway that hangs is not shown as live, and is as soon as it goes on",
  async () => {
    await using backend = new RecordingBackend();
    await using gateway = await TestGateway.start(backend.url);
    await using cable = new Cable(Number(new URL(gateway.url).port));
    await using test = await TestPage.open(`http://127.0.0.1:${cable.port}/`);
    await test.text("#state", /^Live$/);
    await test.text("#tile-connections dd", /^0/);
    const streams = (): number =>
      test.requests.filter((url) => url.includes("/status/stream")).length;
    // Connections stay, and new ones are taken: nothing comes.
    cable.silence();
    await test.text("#state", /no data/);
    const before = streams();
    // It is given up, and asked anew, more than once.
    await test.page.waitForRequest(/status\/stream/);
    await test.page.waitForRequest(/status\/stream/);
    ok(streams() >= before);
    await connected(gateway);
    cable.mend();
    await test.text("#state", /^Live$/);
    await test.text("#tile-connections dd", /^1/);
  },
);
