import { strictEqual } from "node:assert/strict";
import { readInvocation } from "../../lib/config/config.ts";
import { clientsThatFit } from "../../lib/config/open_files.ts";

const TLS = ["--tls-cert=a", "--tls-key=b"];

Deno.test("clients fit into the open files, beside the backend's connections and a reserve", async (t) => {
  const rows: [flags: string[], workers: number, clients: number][] = [
    // Nobody knows how many files there are.
    [[], 1, 200_000],
    [["--open-files=unlimited"], 1, 200_000],
    [["--open-files=1000000"], 1, 200_000],
    [["--open-files=20000"], 1, 20_000 - 256 - 64],
    [["--open-files=20000"], 4, 20_000 - 4 * 256 - 64],
    [["--open-files=20000", "--max-connections=5000"], 1, 5000],
    [["--open-files=20000", ...TLS], 1, 6560],
    [["--open-files=20000", "--websocket=ws", ...TLS], 1, 20_000 - 256 - 64],
    // The backend takes a quarter at most.
    [["--open-files=1024"], 1, 1024 - 256 - 64],
    [["--open-files=256"], 1, 256 - 64 - 64],
    [["--open-files=64"], 1, 1],
    [["--open-files=100", ...TLS], 8, 3],
  ];
  for (const [flags, workers, clients] of rows) {
    await t.step(`${flags.join(" ")}, ${workers} workers`, () => {
      const invocation = readInvocation(flags, () => undefined, "");
      if (invocation.kind !== "run") throw new Error(JSON.stringify(invocation));
      strictEqual(clientsThatFit(invocation.config, workers), clients);
    });
  }
});
