/**
 * A process: one attack. Its argument is `Orders` as JSON.
 *
 * Prints a line when it is ready, begins at the line `go` on standard input, and at `stop` prints what
 * came of it, a JSON array of texts, and ends with all its sockets. Ends with its standard input, too.
 *
 * @module
 */

import { lines, writeOut } from "../process/text.ts";
import type { Attack, Orders } from "./attack.ts";
import { passingClients, upgradeBurst } from "./connects.ts";
import { askingClient, busyClients, callingClient, floodingClient, largeTexts } from "./frames.ts";
import { heldConnections, preferRequests, refusedUpgrades } from "./http.ts";
import { closingClients, earlyClients } from "./memory.ts";
import { natsNotes } from "./nats.ts";
import { textOf } from "./texts.ts";

function attackOf({ order, target: { port, natsPort } }: Orders): Attack {
  switch (order.kind) {
    case "hold":
      return heldConnections(port, order.what, order.connections);
    case "flood":
      return floodingClient(port, order.text);
    case "calls":
      return callingClient(port);
    case "busy":
      return busyClients(port, order.clients, order.outstanding);
    case "json":
      return largeTexts(port, textOf(order.text), order.perSecond);
    case "ask":
      return askingClient(port, order.action, order.everyMs);
    case "refused":
      return refusedUpgrades(port, order.everyMs);
    case "pass":
      return passingClients(port, order.perSecond);
    case "burst":
      return upgradeBurst(port, order.connections);
    case "closing":
      return closingClients(port, order.connections);
    case "early":
      return earlyClients(port, order.connections, order.mib);
    case "prefer":
      return preferRequests(port, order.bytes);
    case "nats":
      return natsNotes(natsPort!, order.clientId);
  }
}

// Cut sockets are what this is about: none of them may end the process.
addEventListener("unhandledrejection", (event) => event.preventDefault());
const attack = attackOf(JSON.parse(Deno.args[0]!));
await attack.prepare?.();
writeOut("ready\n");
for await (const line of lines(Deno.stdin.readable)) {
  if (line === "go") attack.begin();
  if (line === "stop") {
    writeOut(`${JSON.stringify(attack.notes())}\n`);
    break;
  }
}
Deno.exit(0);
