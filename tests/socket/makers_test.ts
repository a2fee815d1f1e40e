import { silentLog } from "../../lib/log/log.ts";
import { createDenoSockets } from "../../lib/socket/deno_socket.ts";
import { testSockets } from "./socket_contract.ts";

testSockets("deno", {
  boundsMessages: false,
  onFault: { protocol: "cut", utf8: "cut" },
  closesThroughNoise: false,
  cutCode: 1005,
  cutsBlocked: false,
}, () => createDenoSockets(silentLog));
