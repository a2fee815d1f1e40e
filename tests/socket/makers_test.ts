import { systemClock } from "../../lib/clock.ts";
import { silentLog } from "../../lib/log/log.ts";
import { createDenoSockets } from "../../lib/socket/deno_socket.ts";
import { createWsSockets } from "../../lib/socket/ws/ws_sockets.ts";
import { MAX_MESSAGE, testSockets } from "./socket_contract.ts";

testSockets("deno", {
  boundsMessages: false,
  onFault: { protocol: "cut", utf8: "cut" },
  closesThroughNoise: false,
  codes: { cut: 1005, broken: 0 },
  cutsBlocked: false,
  holds: false,
  tellsEach: false,
  hasClock: false,
}, () => createDenoSockets(silentLog));

testSockets(
  "ws",
  {
    boundsMessages: true,
    onFault: { protocol: 1002, utf8: 1007 },
    closesThroughNoise: true,
    codes: { cut: 1006, broken: 1006 },
    cutsBlocked: true,
    holds: true,
    tellsEach: true,
    hasClock: true,
  },
  (clock) =>
    createWsSockets({ maxMessageBytes: MAX_MESSAGE, compression: false }, clock, systemClock),
);
