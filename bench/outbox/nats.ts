/**
 * NATS servers with JetStream, for benches.
 *
 * @module
 */

import { join } from "node:path";
import { closedPort } from "../../tests/support/backend.ts";
import type { Processes } from "../process/processes.ts";

const START_MS = 30_000;
const LOOK_MS = 50;

/** One server, or several that know each other. */
export interface NatsServers {
  /** `host:port` each. */
  readonly addresses: readonly string[];
  readonly pids: readonly number[];
  /** Where each tells of itself. */
  readonly monitors: readonly number[];
  /** Where each keeps its streams. */
  readonly folders: readonly string[];
}

/**
 * Starts them, and waits until JetStream can be used.
 *
 * @param folder Theirs: on the disk that counts.
 */
export async function startServers(
  processes: Processes,
  folder: string,
  count: number,
): Promise<NatsServers> {
  const ports = Array.from({ length: count }, () => closedPort());
  const monitors = Array.from({ length: count }, () => closedPort());
  const routes = Array.from({ length: count }, () => closedPort());
  const folders = ports.map((_, i) => join(folder, `nats${i}`));
  const pids: number[] = [];
  for (const [i, port] of ports.entries()) {
    await Deno.mkdir(folders[i]!);
    const others = routes.map((route) => `"nats://127.0.0.1:${route}"`).join(", ");
    const lines = [
      `server_name: n${i}`,
      `listen: "127.0.0.1:${port}"`,
      `http: "127.0.0.1:${monitors[i]}"`,
      // A pipe that nobody reads would stop it.
      `log_file: "${folders[i]}.log"`,
      `jetstream { store_dir: "${folders[i]}", max_memory_store: 64MB, max_file_store: 8GB }`,
    ];
    if (count > 1) {
      lines.push(
        `cluster { name: c, listen: "127.0.0.1:${routes[i]}", routes: [${others}] }`,
      );
    }
    await Deno.writeTextFile(`${folders[i]}.conf`, `${lines.join("\n")}\n`);
    pids.push(processes.start(["-c", `${folders[i]}.conf`], "nats-server").pid);
  }
  for (const monitor of monitors) await ready(monitor, count);
  return { addresses: ports.map((port) => `127.0.0.1:${port}`), pids, monitors, folders };
}

/** @throws When it is not in time. */
async function ready(monitor: number, count: number): Promise<void> {
  const end = performance.now() + START_MS;
  while (performance.now() < end) {
    try {
      const answer = await fetch(`http://127.0.0.1:${monitor}/jsz`);
      const { meta_cluster: meta } = await answer.json();
      const followers = (meta?.replicas ?? []) as { readonly offline?: boolean }[];
      const isLed = meta?.leader !== undefined &&
        (followers.length === 0 || followers.every(({ offline }) => offline !== true));
      if (count === 1 || (isLed && meta.cluster_size === count)) return;
    } catch {
      // Not yet.
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error("late: JetStream");
}

/** The last sequence of the ledger: how often something was written to it, removals not counted. */
export async function lastSequence({ monitors: [monitor] }: NatsServers): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${monitor}/jsz?accounts=true&streams=true`);
  const { account_details: accounts = [] } = await answer.json() as {
    account_details?: { stream_detail: { name: string; state: { last_seq: number } }[] }[];
  };
  const ledger = accounts.flatMap(({ stream_detail: streams }) => streams)
    .find(({ name }) => name.endsWith("ledger"));
  if (ledger === undefined) throw new Error("no ledger in JetStream");
  return ledger.state.last_seq;
}

/** What files in a folder take on disk. */
export async function bytesOf(folder: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    // What is removed meanwhile takes nothing.
    bytes += isDirectory
      ? await bytesOf(path)
      : await Deno.stat(path).then(({ blocks }) => (blocks ?? 0) * 512, () => 0);
  }
  return bytes;
}
