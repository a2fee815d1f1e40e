/**
 * The Autobahn suite's categories 6 (UTF-8) and 7 (closing) against the gateway. "The runtime's
 * own" marks what Deno's WebSocket does otherwise than RFC 6455 says.
 *
 * @module
 */

import {
  callOfLength,
  closeBytes,
  closeCode,
  FAULT,
  fragments,
  frameBytes,
  joined,
  NOT_UTF8,
  OPCODE,
  REFUSED_BY_WS,
  runCases,
  type WebSocketCase,
} from "../support/websocket_bytes.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

const HEAD = '[2,"1","Echo",{"a":"';
const TAIL = '"}]';

/** The bytes of a CALL whose payload holds these bytes. */
function callWith(bytes: readonly number[]): Uint8Array {
  const encoder = new TextEncoder();
  return joined([encoder.encode(HEAD), Uint8Array.from(bytes), encoder.encode(TAIL)]);
}

/** A fragment for each byte. */
function byteFragments(message: Uint8Array): Uint8Array {
  return fragments([...message].map((byte) => Uint8Array.of(byte)));
}

/** Fragments that meet at each place inside the filling, a message for each. */
function split(message: Uint8Array, length: number): Uint8Array[] {
  return Array.from({ length: length + 1 }, (_, i) => {
    const at = HEAD.length + i;
    return fragments([message.subarray(0, at), message.subarray(at)]);
  });
}

test("valid UTF-8 survives, in a piece and in fragments that cut its characters", async (t) => {
  const texts = [
    "Hello-µ@ßöäüàá-UTF-8!!",
    "κόσμε",
    "\x7f",
    "\x80",
    "\u07ff",
    "\u0800",
    "\ud7ff",
    "\ue000",
    "\ufffd",
    "\ufffe",
    "\uffff",
    "\ufeff",
    "\u{10000}",
    "\u{1fffe}",
    "\u{10fffe}",
    "\u{10ffff}",
    "\u2028\u2029",
    "é",
    "👩‍👩‍👧‍👦",
    "\u202eRTL",
  ];
  const cases: WebSocketCase[] = [];
  for (const text of texts) {
    const bytes = new TextEncoder().encode(text);
    const message = callWith([...bytes]);
    const answer = { texts: [`[3,"1",{"a":"${text}"}]`] };
    const name = JSON.stringify(text);
    cases.push({ name, bytes: frameBytes(message), ...answer });
    cases.push({ name: `${name}, byte by byte`, bytes: byteFragments(message), ...answer });
    split(message, bytes.length).forEach((both, i) =>
      cases.push({ name: `${name}, cut at ${i}`, bytes: both, ...answer })
    );
  }
  await runCases(t, cases);
});

test("invalid UTF-8 cuts the connection, also when only the fragments together show it", async (t) => {
  const rows: [name: string, bytes: number[]][] = [
    ["a continuation byte alone", [0x80]],
    ["the last continuation byte alone", [0xbf]],
    ["seven continuation bytes", [0x80, 0xbf, 0x80, 0xbf, 0x80, 0xbf, 0x80]],
    ["the start of two without its second", [0xc3, 0x20]],
    ["the start of three without its third", [0xe2, 0x82]],
    ["the start of four without its fourth", [0xf0, 0x9f, 0x98]],
    ["FE", [0xfe]],
    ["FF", [0xff]],
    ["FE FE FF FF", [0xfe, 0xfe, 0xff, 0xff]],
    ["a slash in two bytes", [0xc0, 0xaf]],
    ["a slash in three bytes", [0xe0, 0x80, 0xaf]],
    ["a slash in four bytes", [0xf0, 0x80, 0x80, 0xaf]],
    ["a slash in five bytes", [0xf8, 0x80, 0x80, 0x80, 0xaf]],
    ["a slash in six bytes", [0xfc, 0x80, 0x80, 0x80, 0x80, 0xaf]],
    ["NUL in two bytes", [0xc0, 0x80]],
    ["7F in two bytes", [0xc1, 0xbf]],
    ["7FF in three bytes", [0xe0, 0x9f, 0xbf]],
    ["FFFF in four bytes", [0xf0, 0x8f, 0xbf, 0xbf]],
    ["the surrogate D800", [0xed, 0xa0, 0x80]],
    ["the surrogate DBFF", [0xed, 0xaf, 0xbf]],
    ["the surrogate DC00", [0xed, 0xb0, 0x80]],
    ["the surrogate DFFF", [0xed, 0xbf, 0xbf]],
    ["a pair of surrogates", [0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80]],
    ["110000", [0xf4, 0x90, 0x80, 0x80]],
    ["a start of five bytes", [0xf8, 0x88, 0x80, 0x80, 0x80]],
    ["a start of six bytes", [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80]],
    ["Autobahn's own", [0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xed, 0xa0, 0x80, 0x65]],
  ];
  const cases: WebSocketCase[] = [];
  for (const [name, filling] of rows) {
    const message = callWith(filling);
    cases.push({ name, bytes: frameBytes(message), ...NOT_UTF8 });
    cases.push({ name: `${name}, byte by byte`, bytes: byteFragments(message), ...NOT_UTF8 });
    split(message, filling.length).forEach((both, i) =>
      cases.push({ name: `${name}, cut at ${i}`, bytes: both, ...NOT_UTF8 })
    );
    // The end of the text is the last that can be wrong.
    cases.push({
      name: `${name}, at the end`,
      bytes: frameBytes(message.subarray(0, HEAD.length + filling.length)),
      ...NOT_UTF8,
    });
  }
  cases.push({
    name: "an unfinished fragment that no more can make valid",
    bytes: frameBytes(Uint8Array.of(0xff), { fin: false }),
    // `ws` looks at a text when it is whole.
    just: "deno",
    ...NOT_UTF8,
  });
  await runCases(t, cases);
});

test("a close is answered with its own code; one that may not be sent, with 1002", async (t) => {
  const { close } = OPCODE;
  const cases: WebSocketCase[] = [
    { name: "empty", bytes: frameBytes("", { opcode: close }), ...closeCode(1005) },
    { name: "of one byte", bytes: frameBytes("x", { opcode: close }), ...FAULT },
    { name: "in a fragment", bytes: closeBytes(1000).with(0, close), ...FAULT },
    { name: "with a reason", bytes: closeBytes(1000, "bye ☃"), ...closeCode(1000) },
    {
      name: "with 123 bytes of reason",
      bytes: closeBytes(1000, "x".repeat(123)),
      ...closeCode(1000),
    },
    {
      name: "with 124 bytes of reason (the runtime's own: a control frame has 125 bytes at most)",
      bytes: closeBytes(1000, "x".repeat(124)),
      ...closeCode(1000),
      ...REFUSED_BY_WS,
    },
    ...[[0xff], [0xce], [0xed, 0xa0, 0x80], [0xc0, 0x80]].map((reason) => ({
      name: `whose reason is no UTF-8: ${reason}`,
      bytes: closeBytes(1000, Uint8Array.from(reason)),
      ...NOT_UTF8,
    })),
  ];
  const allowed = [
    ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013],
    ...[3000, 3999, 4000, 4999],
  ];
  const forbidden = [
    ...[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 32768, 65535],
  ];
  for (const code of allowed) {
    cases.push({ name: `${code}`, bytes: closeBytes(code, "why"), ...closeCode(code) });
  }
  for (const code of forbidden) {
    cases.push({ name: `${code}, forbidden`, bytes: closeBytes(code), ...closeCode(1002) });
    cases.push({ name: `${code} and why`, bytes: closeBytes(code, "why"), ...closeCode(1002) });
  }
  // The runtime's own is the refusal of this one, which IANA registered after RFC 6455.
  for (const why of ["", "why"]) {
    const bytes = closeBytes(1014, why);
    cases.push({ name: `1014 ${why}`, bytes, ...closeCode(1002), ws: closeCode(1014) });
  }
  await runCases(t, cases);
});

test("what comes after a close is not taken", async (t) => {
  const { frame } = callOfLength(50);
  const closing = closeBytes(1000);
  await runCases(t, [
    { name: "a CALL", bytes: joined([closing, frameBytes(frame)]), ...closeCode(1000) },
    {
      name: "a ping",
      bytes: joined([closing, frameBytes("", { opcode: OPCODE.ping })]),
      ...closeCode(1000),
    },
    { name: "another close", bytes: joined([closing, closeBytes(4000)]), ...closeCode(1000) },
    {
      name: "garbage",
      bytes: joined([closing, new Uint8Array(100).fill(255)]),
      ...closeCode(1000),
    },
    {
      name: "the rest of a message",
      bytes: joined([
        frameBytes("[", { fin: false }),
        closing,
        frameBytes("]", { opcode: OPCODE.continuation }),
      ]),
      ...closeCode(1000),
    },
  ]);
});
