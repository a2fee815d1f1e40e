import { upgradeHead } from "./client.ts";

const PLAIN = { Upgrade: undefined, Connection: undefined };

function post(path: string): string {
  return `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}`;
}

/**
 * Requests that a proxy in front of the gateway must not let through, when `/ocpp/<ClientId>` is where
 * clients connect: raw text, and the status that the proxy itself answers.
 */
export const NO_CLIENT: readonly (readonly [name: string, text: string, status: number])[] = [
  ["POST /call", post("/call/Reset/CP1/r1"), 404],
  ["POST /send", post("/send/Notify/CP1/r1"), 404],
  ["GET /clients", upgradeHead("/clients", PLAIN), 404],
  ["DELETE /clients/CP1", upgradeHead("/clients/CP1", PLAIN).replace("GET", "DELETE"), 404],
  ["GET /metrics", upgradeHead("/metrics", PLAIN), 404],
  ["GET /healthz", upgradeHead("/healthz", PLAIN), 404],
  ["GET /readyz", upgradeHead("/readyz", PLAIN), 404],
  ["GET /", upgradeHead("/", PLAIN), 404],
  ["an upgrade on the API's path", upgradeHead("/clients"), 404],
  ["an upgrade without a ClientId", upgradeHead("/ocpp/"), 404],
  ["an upgrade without a slash", upgradeHead("/ocpp"), 404],
  ["an upgrade on two segments", upgradeHead("/ocpp/a/b"), 404],
  ["an upgrade that climbs", upgradeHead("/ocpp/../clients"), 404],
  ["an upgrade that climbs to a client's path", upgradeHead("/clients/../ocpp/CP1"), 404],
  ["an upgrade that climbs by escapes", upgradeHead("/x%2f..%2focpp/CP1"), 404],
  ["an upgrade behind two slashes", upgradeHead("//ocpp/CP1"), 404],
  ["an upgrade in another case", upgradeHead("/OCPP/CP1"), 404],
  ["a whole URL", upgradeHead("http://gateway/clients", { Host: "gateway" }), 404],
  ["a GET of a client's path", upgradeHead("/ocpp/CP1", PLAIN), 403],
  ["a POST to a client's path", post("/ocpp/CP1"), 403],
  ["a POST that upgrades", upgradeHead("/ocpp/CP1").replace("GET", "POST"), 403],
  ["another upgrade", upgradeHead("/ocpp/CP1", { Upgrade: "h2c" }), 403],
];
