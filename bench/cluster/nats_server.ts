/**
 * A NATS server of our own.
 *
 * @module
 */

import type { Processes } from "../load/processes.ts";

const START_MS = 10_000;
const AGAIN_MS = 50;

/**
 * Starts one on a free port of 127.0.0.1.
 *
 * @throws When there is no `nats-server`, or it does not answer in time.
 */
export async function startNats(processes: Processes): Promise<{ pid: number; url: string }> {
  const port = freePort();
  const args = ["--addr", "127.0.0.1", "--port", `${port}`, "--log", "/dev/null"];
  const { pid } = processes.start(args, "nats-server");
  const endAt = performance.now() + START_MS;
  while (!await answers(port)) {
    if (performance.now() > endAt) throw new Error("nats-server did not start in time");
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
  return { pid, url: `nats://127.0.0.1:${port}` };
}

/** Somebody else may take it before it is used; then the start fails. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function answers(port: number): Promise<boolean> {
  try {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    // It speaks first.
    return (await conn.read(new Uint8Array(16))) !== null;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}
