/**
 * Who is measured, and how each is started.
 *
 * @module
 */

import deno from "../../deno.json" with { type: "json" };
import type { Contender } from "../compare/round.ts";

/** A contender, and what it is to the others. */
export interface Peer extends Contender {
  /**
   * Ours, what the platform alone costs, a peer that ours is compared with, a row beside them, or the
   * least memory, without a backend.
   */
  readonly role: "gateway" | "floor" | "peer" | "original" | "echo";
}

/** In the order of tables and chart. */
export const PEERS: readonly Peer[] = [
  gateway("tcp"),
  gateway("fetch"),
  gateway("tcp, --websocket ws", ["--forwarder=tcp", "--websocket=ws"], "tcp-ws"),
  {
    name: "bare",
    label: "bare bridge on Deno",
    role: "floor",
    isPinned: true,
    // The runtime's own V8 flags; bare_bridge.ts says why.
    start: (processes, stub) =>
      processes.startServer([
        ...["run", "--allow-net=127.0.0.1", "bench/peers/bare_bridge.ts"],
        `http://127.0.0.1:${stub.port}`,
      ]),
  },
  bridge("ws", "ws_bridge.cjs"),
  bridge("ocpp-rpc", "ocpp_rpc_bridge.cjs"),
  {
    name: "echo",
    label: "bare Deno.serve echo",
    role: "echo",
    isPinned: true,
    async start(processes) {
      // The runtime exactly as the gateway has it: with other V8 flags the difference would be theirs.
      const v8Flags = deno.tasks.start.command.split(" ").filter((arg) => /^--v8-flags/.test(arg));
      const args = ["run", ...v8Flags, "--allow-net=127.0.0.1", "bench/peers/echo.ts"];
      return await processes.startServer(args);
    },
  },
];

function gateway(what: string, flags = [`--forwarder=${what}`], name = what): Peer {
  return {
    name,
    label: `gateway, ${what}`,
    role: "gateway",
    isPinned: true,
    start: (processes, stub) => processes.startGateway(stub, flags),
  };
}

function bridge(name: string, script: string): Peer {
  return {
    name,
    label: `Node, ${name} + undici`,
    role: "peer",
    isPinned: true,
    async start(processes, stub) {
      const args = [`bench/peers/node/${script}`, `http://127.0.0.1:${stub.port}`];
      return await processes.startServer(args, "node");
    },
  };
}
