/**
 * Who is measured, and how each is started.
 *
 * @module
 */

import deno from "../../deno.json" with { type: "json" };
import type { Target } from "../load/client.ts";
import { target } from "../load/flags.ts";
import type { Processes } from "../load/processes.ts";

/** A server under test: one process. */
export interface Server {
  readonly pid: number;
  readonly target: Target;
}

export interface Contender {
  /** As `--contenders` has it. */
  readonly name: string;
  /** For people. */
  readonly label: string;
  /** Whether it is ours, a peer that ours is compared with, or the floor for memory only. */
  readonly role: "gateway" | "peer" | "floor";
  /** Starts it in front of a backend. Whoever owns `processes` ends it. */
  start(processes: Processes, backendPort: number): Promise<Server>;
}

/** In the order of tables and chart. */
export const CONTENDERS: readonly Contender[] = [
  gateway("tcp"),
  gateway("fetch"),
  peer("ws", "ws_bridge.cjs"),
  peer("ocpp-rpc", "ocpp_rpc_bridge.cjs"),
  { name: "echo", label: "bare Deno.serve echo", role: "floor", start: startEcho },
];

function gateway(forwarder: string): Contender {
  return {
    name: forwarder,
    label: `gateway, ${forwarder}`,
    role: "gateway",
    async start(processes, backendPort) {
      const flags = [`--forwarder=${forwarder}`];
      const { pid, url } = await processes.startGateway(backendPort, flags);
      return { pid, target: target(url) };
    },
  };
}

function peer(name: string, script: string): Contender {
  return {
    name,
    label: `Node, ${name} + undici`,
    role: "peer",
    async start(processes, backendPort) {
      const args = [`bench/peers/node/${script}`, `http://127.0.0.1:${backendPort}`];
      return serverAt(await processes.startServer(args, "node"));
    },
  };
}

/** The runtime exactly as the gateway has it: with other V8 flags the difference would be theirs. */
async function startEcho(processes: Processes): Promise<Server> {
  const v8Flags = deno.tasks.start.command.split(" ").filter((arg) => arg.startsWith("--v8-flags"));
  const args = ["run", ...v8Flags, "--allow-net=127.0.0.1", "bench/peers/echo.ts"];
  return serverAt(await processes.startServer(args));
}

function serverAt({ pid, port }: { pid: number; port: number }): Server {
  return { pid, target: { hostname: "127.0.0.1", port, path: "/" } };
}
