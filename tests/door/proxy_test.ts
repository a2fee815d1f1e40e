import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { isIP } from "node:net";
import fc from "fast-check";
import { addressOf, certificateOf, tlsOf } from "../../lib/door/proxy.ts";

const PEER = "192.0.2.1";

function of(headers: Record<string, string | null>): Headers {
  const given = Object.entries(headers).filter(([, value]) => value !== null);
  return new Headers(given as [string, string][]);
}

/** What an address may look like where a proxy names it; null for what names none. */
const NODES: [node: string, address: string | null][] = [
  ["198.51.100.7", "198.51.100.7"],
  ["203.0.113.7:17085", "203.0.113.7"],
  ["203.0.113.7:0", "203.0.113.7"],
  ["203.0.113.7:_hidden", "203.0.113.7"],
  ["[2001:db8::7]:64828", "2001:db8::7"],
  ["[2001:db8::7]:_p.1-x", "2001:db8::7"],
  ["[2001:db8::7]", "2001:db8::7"],
  ["[::ffff:198.51.100.7]:4711", "198.51.100.7"],
  ["::ffff:198.51.100.7", "198.51.100.7"],
  ["", null],
  ["unknown", null],
  ["_hidden", null],
  ["station.example", null],
  ["203.0.113.7:", null],
  ["203.0.113.7:65536", null],
  ["203.0.113.7:123456", null],
  ["203.0.113.7:80:80", null],
  ["203.0.113.7:http", null],
  ["203.0.113.7:-1", null],
  ["203.0.113:80", null],
  ["203.0.113.256:80", null],
  ["[203.0.113.7]:80", null],
  ["[2001:db8::7", null],
  ["2001:db8::7]", null],
  ["[2001:db8::7]64828", null],
  ["[2001:db8::7] :64828", null],
  ["[[2001:db8::7]]", null],
  ["[]", null],
  ["[]:80", null],
  [":80", null],
  ["<script>", null],
];

Deno.test("the address that a trusted peer names counts when it is one, and not too long", async (t) => {
  const rows: typeof NODES = [
    ...NODES,
    ["2001:db8::7", "2001:db8::7"],
    ["fe80::1%eth0", "fe80::1%eth0"],
    [`fe80::1%${"a".repeat(8000)}`, null],
    [`[fe80::1%${"a".repeat(60)}]:80`, null],
    ["10.0.0.1, 198.51.100.7", "198.51.100.7"],
    ["10.0.0.1,\t[2001:db8::7]:1 ", "2001:db8::7"],
    ["198.51.100.7, unknown", null],
    ["198.51.100.7,", null],
  ];
  for (const [list, address] of rows) {
    await t.step(`X-Forwarded-For: ${list.slice(0, 40)}`, () => {
      const headers = of({ "x-forwarded-for": list, forwarded: "for=6.6.6.6" });
      strictEqual(addressOf(PEER, headers), address ?? PEER);
      strictEqual(addressOf(PEER, null), PEER);
    });
  }
});

Deno.test("without X-Forwarded-For the address in Forwarded counts", async (t) => {
  const elements = NODES.map(([node, address]): typeof NODES[0] => [`for="${node}"`, address]);
  const rows: typeof NODES = [
    ...elements,
    ["for=6.6.6.6, for=198.51.100.7;proto=https", "198.51.100.7"],
    ['for=6.6.6.6,For="[2001:db8::7]:4711"', "2001:db8::7"],
    ['for="6.6.6.6, for=198.51.100.7', "198.51.100.7"],
    ["for=198.51.100.7, for=unknown", null],
    ["for=198.51.100.7, by=10.0.0.1", null],
    ["for=198.51.100.7;for=198.51.100.7", null],
    [`for="fe80::1%${"a".repeat(8000)}"`, null],
  ];
  for (const [forwarded, address] of rows) {
    await t.step(forwarded === "" ? "nothing" : forwarded.slice(0, 40), () => {
      strictEqual(addressOf(PEER, of({ forwarded })), address ?? PEER);
    });
  }
});

Deno.test("of several lines of a header the last one counts", () => {
  const headers = new Headers();
  headers.append("forwarded", "for=6.6.6.6");
  headers.append("forwarded", "for=198.51.100.7");
  strictEqual(addressOf(PEER, headers), "198.51.100.7");
  headers.append("x-forwarded-for", "6.6.6.6");
  headers.append("x-forwarded-for", "198.51.100.8");
  strictEqual(addressOf(PEER, headers), "198.51.100.8");
  headers.append("x-forwarded-proto", "https");
  headers.append("x-forwarded-proto", "http");
  strictEqual(tlsOf(true, headers), false);
});

Deno.test("an address with and without its port is the same one, whatever stands before it", () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  const before = fc.string().map((text) => text.replaceAll(/[^\t -~]/g, ""));
  fc.assert(fc.property(address, fc.nat(65_535), before, (ip, port, text) => {
    const expected = addressOf(PEER, of({ "x-forwarded-for": ip }));
    ok(isIP(expected) !== 0);
    const [inBrackets, withPort] = isIP(ip) === 6
      ? [`[${ip}]`, `[${ip}]:${port}`]
      : [ip, `${ip}:${port}`];
    for (const node of [ip, inBrackets, withPort]) {
      strictEqual(addressOf(PEER, of({ "x-forwarded-for": `${text},${node}` })), expected);
      strictEqual(addressOf(PEER, of({ forwarded: `${text},for="${node}"` })), expected);
    }
  }));
});

Deno.test("whatever a header says, an address of at most 64 characters comes of it", () => {
  const text = fc.string({ unit: "binary-ascii", maxLength: 400 })
    .map((each) => each.replaceAll(/[^\t -~]/g, ""));
  fc.assert(fc.property(fc.constantFrom("x-forwarded-for", "forwarded"), text, (name, value) => {
    const address = addressOf(PEER, of({ [name]: value }));
    ok(isIP(address) !== 0 && address.length <= 64, address);
  }));
});

Deno.test("the last word of X-Forwarded-Proto says whether a client came by TLS", async (t) => {
  const rows: [said: string | null, tls: boolean | null][] = [
    [null, null],
    ["https", true],
    ["HTTPS", true],
    ["wss", true],
    ["http, https", true],
    ["http", false],
    ["ws", false],
    ["https, http", false],
    ["https,", false],
    ["", false],
    ["httpsx", false],
  ];
  for (const [said, tls] of rows) {
    for (const isTls of [false, true]) {
      await t.step(`${said}, the socket here ${isTls ? "with" : "without"} TLS`, () => {
        strictEqual(tlsOf(isTls, of({ "x-forwarded-proto": said })), tls ?? isTls);
        strictEqual(tlsOf(isTls, null), isTls, "not believed");
      });
    }
  }
});

Deno.test("no Client-Cert is no certificate, and so is one that is not believed", () => {
  strictEqual(certificateOf(new Headers()), null);
  strictEqual(certificateOf(null), null);
  deepStrictEqual(certificateOf(of({ "client-cert": "" })), undefined);
});
