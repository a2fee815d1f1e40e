import { match, strictEqual } from "node:assert/strict";
import { strangeVariable } from "../../lib/config/variables.ts";

function strangeIn(variables: Record<string, string>): string | undefined {
  return strangeVariable(Object.keys(variables), (name) => variables[name]);
}

Deno.test("a variable that is nobody's is named, with the nearest one", () => {
  const rows: [name: string, nearest: string | undefined][] = [
    ["WS2API_BACKNED", "WS2API_BACKEND"],
    ["WS2API_backend", "WS2API_BACKEND"],
    ["WS2API_TLS-CERT", "WS2API_TLS_CERT"],
    ["WS2API_API_TOKENS", "WS2API_API_TOKEN"],
    ["WS2API_QQQQQQQQQQ", undefined],
    ["WS2API_", undefined],
    ["WS2API_HELP", undefined],
    ["WS2API___PROTO__", undefined],
  ];
  for (const [name, nearest] of rows) {
    const message = strangeIn({ WS2API_LISTEN: ":1", [name]: "s3cret" }) ?? "";
    match(message, /^"?WS2API_[^\n]*: no such variable; [^\n]*allowed are /);
    strictEqual(/did you mean (\w+)\?/.exec(message)?.[1], nearest, message);
    strictEqual(message.includes("s3cret"), false);
  }
});

Deno.test("the program's own variables, and those of other programs, are nothing strange", () => {
  strictEqual(
    strangeIn({
      ...{ WS2API_LISTEN: "x", WS2API_VARIABLES: "x", WS2API_OPEN_FILES: "1", WS2API_CHECK: "" },
      ...{ PATH: "x", WS2APIX: "x", MY_WS2API_X: "x", ws2api_x: "x" },
    }),
    undefined,
  );
});

Deno.test("what Kubernetes sets for Services whose names begin with ws2api is nothing strange", () => {
  const variables: Record<string, string> = {};
  for (const service of ["WS2API", "WS2API_NATS", "WS2API_API"]) {
    variables[`${service}_SERVICE_HOST`] = "10.96.0.17";
    variables[`${service}_SERVICE_PORT`] = "4000";
    variables[`${service}_SERVICE_PORT_HTTP_2`] = "4000";
    variables[`${service}_PORT`] = "tcp://10.96.0.17:4000";
    variables[`${service}_PORT_4000_TCP`] = "tcp://[fd00::17]:4000";
    variables[`${service}_PORT_4000_TCP_PROTO`] = "tcp";
    variables[`${service}_PORT_4000_TCP_PORT`] = "4000";
    variables[`${service}_PORT_4000_TCP_ADDR`] = "fd00::17";
    variables[`${service}_PORT_53_UDP`] = "udp://10.96.0.17:53";
  }
  strictEqual(strangeIn(variables), undefined);
  // What a person would write under such a name is no address of Kubernetes'.
  for (const [name, value] of [["PORT", "4000"], ["SERVICE_HOST", "my host"], ["PORT", ""]]) {
    match(strangeIn({ [`WS2API_${name}`]: value! }) ?? "", /: no such variable; /);
  }
});
