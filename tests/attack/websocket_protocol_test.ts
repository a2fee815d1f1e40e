/**
 * The known WebSocket protocol tests (the Autobahn suite's categories 1 to 5, 7, 9 and 10) against
 * the gateway; category 6 is in websocket_utf8_test.ts. "The runtime's own" marks what Deno's
 * WebSocket does otherwise than RFC 6455 says: a change there is to be noticed.
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
  OPCODE,
  REFUSED_BY_WS,
  runCases,
  SERVES,
  TOO_LARGE,
  type WebSocketCase,
} from "../support/websocket_bytes.ts";
import { testEachWebSocket as test } from "../support/websockets.ts";

const { binary, close, continuation, ping, pong, text } = OPCODE;
const LENGTHS = [125, 126, 127, 65535, 65536];

function filled(length: number): Uint8Array {
  return new Uint8Array(length).fill(0x2a);
}

/** Bytes in pieces of a size. */
function chopped(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

test("texts of every form of length are answered with what they said", async (t) => {
  const cases: WebSocketCase[] = [{
    name: "length 0 is ignored",
    bytes: frameBytes(""),
    ...SERVES,
  }];
  for (const length of LENGTHS) {
    const { frame, answer } = callOfLength(length);
    cases.push({ name: `length ${length}`, bytes: frameBytes(frame), texts: [answer] });
    cases.push({
      name: `length ${length} in a field of 64 bits (the runtime's own: it must be the shortest)`,
      bytes: frameBytes(frame, { lengthBits: 64 }),
      texts: [answer],
    });
  }
  const short = callOfLength(50);
  for (const lengthBits of [16, 64] as const) {
    cases.push({
      name: `length 50 in a field of ${lengthBits} bits (the runtime's own)`,
      bytes: frameBytes(short.frame, { lengthBits }),
      texts: [short.answer],
    });
  }
  await runCases(t, cases);
});

test("a text that arrives in pieces is answered like one in a piece", async (t) => {
  const cases: WebSocketCase[] = [];
  for (const length of [0, 125, 126, 127]) {
    const { frame, answer } = length === 0 ? { frame: "", answer: [] } : callOfLength(length);
    const bytes = frameBytes(frame);
    for (let size = 1; size <= bytes.length; size++) {
      cases.push({
        name: `length ${length} in pieces of ${size}`,
        bytes: chopped(bytes, size),
        texts: [answer].flat(),
      });
    }
  }
  for (const length of [65535, 65536]) {
    const { frame, answer } = callOfLength(length);
    const bytes = frameBytes(frame);
    for (const size of [61, 997, 1460, 4096, 16384, 32768, 65535, 65536]) {
      const name = `length ${length} in pieces of ${size}`;
      cases.push({ name, bytes: chopped(bytes, size), texts: [answer] });
    }
    // Every place where a piece can end inside the header, and the first bytes of the payload.
    for (let first = 1; first <= 16; first++) {
      cases.push({
        name: `length ${length}, first ${first} bytes alone`,
        bytes: [bytes.subarray(0, first), ...chopped(bytes.subarray(first), 8192)],
        texts: [answer],
      });
    }
  }
  await runCases(t, cases);
});

test("a message is served up to the limit and closed with 1009 beyond it", async (t) => {
  const largest = callOfLength(1024 * 1024);
  const tooLarge = callOfLength(1024 * 1024 + 1).frame;
  await runCases(t, [
    { name: "1 MiB", bytes: frameBytes(largest.frame), texts: [largest.answer] },
    { name: "1 MiB and a byte", bytes: frameBytes(tooLarge), ...closeCode(1009) },
    {
      name: "1 MiB and a byte in fragments",
      bytes: fragments(chopped(new TextEncoder().encode(tooLarge), 65536)),
      ...closeCode(1009),
    },
    // The runtime buffers up to 64 MiB before it tells anything of a message; `ws` looks at the header.
    ...[2 ** 26, 2 ** 31, 2 ** 32, 2 ** 52].map((length) => ({
      name: `a header that tells ${length} bytes`,
      bytes: frameBytes("[", { length, lengthBits: 64 as const }),
      ...TOO_LARGE,
    })),
    {
      name: "a header that tells a byte too many",
      bytes: frameBytes("[", { length: 2 ** 20 + 1, lengthBits: 64 }),
      just: "ws",
      ...TOO_LARGE,
    },
    {
      name: "a fragment, and a header that tells a byte too many for both",
      bytes: joined([
        frameBytes("[", { fin: false }),
        frameBytes("", { opcode: continuation, length: 2 ** 20, lengthBits: 64 }),
      ]),
      just: "ws",
      ...TOO_LARGE,
    },
    {
      name: "a header whose length has the highest bit",
      bytes: frameBytes("[", { lengthBits: 64 }).with(2, 0x80),
      ...TOO_LARGE,
    },
  ]);
});

test("a binary message closes with 1003", async (t) => {
  await runCases(
    t,
    [
      ...[0, ...LENGTHS].map((length) => ({
        name: `of ${length} bytes`,
        bytes: frameBytes(filled(length), { opcode: binary }),
        ...closeCode(1003),
      })),
      {
        name: "in fragments",
        bytes: fragments(["a", "", "b"], { opcode: binary }),
        ...closeCode(1003),
      },
      {
        name: "that would be a frame",
        bytes: frameBytes(callOfLength(50).frame, { opcode: binary }),
        ...closeCode(1003),
      },
    ],
  );
});

test("a ping is answered with its own bytes, an unsolicited pong with nothing", async (t) => {
  const cases: WebSocketCase[] = [];
  for (let length = 0; length <= 125; length++) {
    const payload = filled(length).map((_, i) => i * 37);
    const bytes = frameBytes(payload, { opcode: ping });
    cases.push({ name: `ping of ${length} bytes`, bytes, pongs: [payload] });
  }
  const payload = filled(125);
  const ten = Array.from({ length: 10 }, (_, i) => filled(i));
  const tenPings = joined(ten.map((each) => frameBytes(each, { opcode: ping })));
  const onePing = frameBytes(payload, { opcode: ping });
  cases.push(
    { name: "ping byte by byte", bytes: chopped(onePing, 1), pongs: [payload] },
    { name: "ten pings", bytes: tenPings, pongs: ten },
    { name: "ten pings byte by byte", bytes: chopped(tenPings, 1), pongs: ten },
    { name: "ping of 126 bytes", bytes: frameBytes(filled(126), { opcode: ping }), ...FAULT },
    { name: "ping of 65536 bytes", bytes: frameBytes(filled(65536), { opcode: ping }), ...FAULT },
    { name: "ping in a fragment", bytes: frameBytes("", { opcode: ping, fin: false }), ...FAULT },
    {
      name: "ping in a field of 16 bits (the runtime's own)",
      bytes: frameBytes("x", { opcode: ping, lengthBits: 16 }),
      pongs: [Uint8Array.of(0x78)],
      ...REFUSED_BY_WS,
    },
    { name: "pong", bytes: frameBytes("", { opcode: pong }), ...SERVES },
    { name: "pong of 125 bytes", bytes: frameBytes(payload, { opcode: pong }), ...SERVES },
    {
      name: "pong, ping, pong",
      bytes: joined([
        frameBytes("a", { opcode: pong }),
        onePing,
        frameBytes("b", { opcode: pong }),
      ]),
      pongs: [payload],
    },
    { name: "pong in a fragment", bytes: frameBytes("", { opcode: pong, fin: false }), ...FAULT },
    {
      name: "pong of 126 bytes (the runtime's own: a control frame has 125 at most)",
      bytes: frameBytes(filled(126), { opcode: pong }),
      ...SERVES,
      ...REFUSED_BY_WS,
    },
  );
  await runCases(t, cases);
});

test("reserved bits and opcodes cut the connection", async (t) => {
  const cases: WebSocketCase[] = [];
  for (let rsv = 1; rsv <= 7; rsv++) {
    for (const [name, opcode] of Object.entries({ text, ping, pong, close })) {
      const bytes = frameBytes(opcode === text ? "[]" : "", { rsv, opcode });
      cases.push({ name: `reserved bits ${rsv} on a ${name}`, bytes, ...FAULT });
    }
  }
  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    for (const payload of ["", "x", "x".repeat(126)]) {
      const name = `opcode ${opcode} with ${payload.length} bytes`;
      cases.push({ name, bytes: frameBytes(payload, { opcode }), ...FAULT });
    }
    // A pong says that what came before was taken.
    cases.push({
      name: `opcode ${opcode} behind a ping`,
      bytes: joined([frameBytes("p", { opcode: ping }), frameBytes("", { opcode })]),
      pongs: [Uint8Array.of(0x70)],
      ...FAULT,
    });
  }
  await runCases(t, cases);
});

test("fragments become one message, with control frames between them", async (t) => {
  const { frame, answer } = callOfLength(60);
  const bytes = new TextEncoder().encode(frame);
  const letters = chopped(bytes, 1);
  const unfinished = frameBytes("[", { fin: false });
  const next = frameBytes("]", { opcode: continuation });
  const whole = frameBytes(frame);
  const between = frameBytes("p", { opcode: ping });
  const middle = [bytes.subarray(0, 30), bytes.subarray(30)];
  const large = callOfLength(65536);
  const largeBytes = new TextEncoder().encode(large.frame);
  const cases: WebSocketCase[] = [
    { name: "a letter each", bytes: fragments(letters), texts: [answer] },
    { name: "a letter each, byte by byte", bytes: chopped(fragments(letters), 1), texts: [answer] },
    { name: "empty ones", bytes: fragments(["", "", frame, ""]), texts: [answer] },
    { name: "all empty", bytes: fragments(["", "", ""]), ...SERVES },
    { name: "1,000 empty ones", bytes: fragments(Array(1000).fill("")), ...SERVES },
    {
      name: "10,000 empty ones (with ws a message has so many parts as its bytes allow)",
      bytes: fragments(Array(10_000).fill("")),
      ...SERVES,
      ws: closeCode(1008),
    },
    {
      name: "a ping between two",
      bytes: fragments(middle, { between }),
      pongs: [Uint8Array.of(0x70)],
      texts: [answer],
    },
    {
      name: "a pong between all",
      bytes: fragments(letters, { between: frameBytes("", { opcode: pong }) }),
      texts: [answer],
    },
    {
      name: "two messages",
      bytes: joined([fragments(letters), frameBytes('[2,"2","Echo",{"b":2}]')]),
      texts: [answer, '[3,"2",{"b":2}]'],
    },
    {
      name: "a close between two",
      bytes: joined([unfinished, closeBytes(1000), next]),
      ...closeCode(1000),
    },
    { name: "a continuation of nothing", bytes: next, ...FAULT },
    {
      name: "an unfinished continuation of nothing",
      bytes: frameBytes("x", { opcode: continuation, fin: false }),
      ...FAULT,
    },
    { name: "a continuation of a whole text", bytes: joined([frameBytes(""), next]), ...FAULT },
    { name: "a new text inside", bytes: joined([unfinished, whole]), ...FAULT },
    {
      name: "a new text in fragments inside (the runtime's own: it forgets the first one)",
      bytes: joined([unfinished, fragments(middle)]),
      texts: [answer],
      ...REFUSED_BY_WS,
    },
    {
      name: "a new binary in fragments inside (the runtime's own: it forgets the text)",
      bytes: joined([unfinished, fragments(["a", "b"], { opcode: binary })]),
      ...closeCode(1003),
      ...REFUSED_BY_WS,
    },
    {
      name: "a binary inside",
      bytes: joined([unfinished, frameBytes("x", { opcode: binary })]),
      ...FAULT,
    },
    {
      name: "a ping in fragments inside",
      bytes: joined([unfinished, frameBytes("", { opcode: ping, fin: false }), next]),
      ...FAULT,
    },
    ...[64, 256, 997, 1024, 1300, 4096, 16384, 65535].map((size) => ({
      name: `65536 bytes in fragments of ${size}`,
      bytes: fragments(chopped(largeBytes, size)),
      texts: [large.answer],
    })),
  ];
  await runCases(t, cases);
});

test("masks: any four bytes serve", async (t) => {
  const { frame, answer } = callOfLength(60);
  const code = Uint8Array.of(3, 232);
  await runCases(t, [
    { name: "zeros", bytes: frameBytes(frame, { mask: [0, 0, 0, 0] }), texts: [answer] },
    { name: "ones", bytes: frameBytes(frame, { mask: [255, 255, 255, 255] }), texts: [answer] },
    // The runtime's own: RFC 6455 §5.1 says close (1002); Deno 2.9.6 takes unmasked frames. `ws` does as told.
    { name: "none", bytes: frameBytes(frame, { mask: null }), texts: [answer], ...REFUSED_BY_WS },
    {
      name: "none on a ping",
      bytes: frameBytes("p", { opcode: ping, mask: null }),
      pongs: [Uint8Array.of(0x70)],
      ...REFUSED_BY_WS,
    },
    {
      name: "none on a close",
      bytes: frameBytes(code, { opcode: close, mask: null }),
      ...closeCode(1000),
      ...REFUSED_BY_WS,
    },
    {
      name: "none on a binary",
      bytes: frameBytes("b", { opcode: binary, mask: null }),
      ...closeCode(1003),
      ...REFUSED_BY_WS,
    },
  ]);
});
