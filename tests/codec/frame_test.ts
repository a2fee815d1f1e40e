import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { type Frame, readFrame } from "../../lib/codec/frame.ts";
import {
  answerToFault,
  callErrorText,
  callResultErrorText,
  callResultText,
  callText,
  errorBody,
} from "../../lib/codec/frame_text.ts";
import { isMessageId } from "../../lib/codec/name.ts";
import { isSegment } from "../../lib/codec/route.ts";
import { CHARACTER } from "../support/character.ts";
import { runs } from "../support/runs.ts";

const DIALECTS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"] as const;
const dialects = fc.constantFrom(...DIALECTS);

const ID36 = "x".repeat(36);
/** 36 characters, but 72 UTF-16 code units. */
const EMOJI36 = "😀".repeat(36);

function call(messageId: string, action: string, payload: string, idText?: string): Frame {
  const messageIdText = idText ?? JSON.stringify(messageId);
  return { kind: "call", messageId, messageIdText, action, payload };
}

function result(messageId: string, payload: string): Frame {
  return { kind: "result", messageId, payload };
}

function error(codeText: string, descriptionText: string, details: string): Frame {
  return { kind: "error", messageId: "7", codeText, descriptionText, details };
}

Deno.test("a text that is a frame is read as one in every dialect", async (t) => {
  const rows: [name: string, text: string, frame: Frame][] = [
    ["CALL", '[2,"7","Heartbeat",{}]', call("7", "Heartbeat", "{}")],
    ["CALL with null", '[2,"7","Heartbeat",null]', call("7", "Heartbeat", "{}")],
    ["CALL with blanks and null", '[2,"7","A", null ]', call("7", "A", "{}")],
    ["CALL with blanks", ' [ 2 , "7" ,\t"A"\r\n, { } ] ', call("7", "A", "{ }")],
    ["CALL with an id of 36", `[2,"${ID36}","A",{}]`, call(ID36, "A", "{}")],
    ["CALL with an id of 36 emoji", `[2,"${EMOJI36}","A",{}]`, call(EMOJI36, "A", "{}")],
    ["CALL with the id -1", '[2,"-1","A",{}]', call("-1", "A", "{}")],
    ["CALL with an escaped id", '[2,"\\u0041\\/","A",{}]', call("A/", "A", "{}", '"\\u0041\\/"')],
    ["CALL with an escaped Action", '[2,"7","a\\"\\u002c]",{}]', call("7", 'a",]', "{}")],
    ["CALL with an Action that is signed", '[2,"7","A-Signed",{}]', call("7", "A-Signed", "{}")],
    ["CALL whose type is 2.0", '[2.0,"7","A",{}]', call("7", "A", "{}")],
    ["CALLRESULT", '[3,"7",{"a":[1]}]', result("7", '{"a":[1]}')],
    ["CALLRESULT with null", '[3,"7",null]', result("7", "{}")],
    ["CALLERROR", '[4,"7","C","d",{"x":1.0}]', error('"C"', '"d"', '{"x":1.0}')],
    ["CALLERROR with null", '[4,"7","C","d",null]', error('"C"', '"d"', "{}")],
    ["CALLERROR without words", '[4,"7","","",{}]', error('""', '""', "{}")],
    [
      "CALLERROR, any code",
      '[4,"7","No\\u0021","\\ud800",{}]',
      error('"No\\u0021"', '"\\ud800"', "{}"),
    ],
  ];
  for (const [name, text, frame] of rows) {
    await t.step(name, () => {
      for (const dialect of DIALECTS) {
        deepStrictEqual(readFrame(text, dialect), { ok: true, frame });
      }
    });
  }
});

Deno.test("a SEND and a CALLRESULTERROR are frames in ocpp2.1 only", async (t) => {
  const stream = { ...call("7", "NotifyPeriodicEventStream", '{"a":1.0}'), kind: "send" };
  const refused = (...parts: Parameters<typeof error>): unknown => ({
    ...error(...parts),
    kind: "resulterror",
  });
  const rows: [text: string, frame: unknown][] = [
    ['[6,"7","NotifyPeriodicEventStream",{"a":1.0}]', stream],
    ['[6,"7","NotifyPeriodicEventStream", null ]', { ...stream, payload: "{}" }],
    ['[5,"7","C","d",{"x":1.0}]', refused('"C"', '"d"', '{"x":1.0}')],
    [' [5.0 , "7" , "C" ,"\\u0064", { } ] ', refused('"C"', '"\\u0064"', "{ }")],
    ['[5,"7","","",null]', refused('""', '""', "{}")],
  ];
  for (const [text, frame] of rows) {
    await t.step(text, () => {
      deepStrictEqual(readFrame(text, "ocpp2.1"), { ok: true, frame });
      for (const dialect of ["ocpp1.6", "ocpp2.0.1"] as const) {
        const read = readFrame(text, dialect);
        strictEqual(!read.ok && read.fault.meaning, "unknown_type");
      }
    });
  }
});

Deno.test("a payload survives byte for byte", async (t) => {
  const payloads = [
    '{"a":1.0}',
    '{"a":12345678901234567890}',
    '{"a":1e400,"b":-1E+2,"c":1.10}',
    '{"a":-0}',
    '{"b":1,"a":2,"10":3,"9":4}',
    '{"a":1,"a":2,"a":{}}',
    '{"a":"\\u0041\\/\\n\\"\\\\"}',
    '{ "a" :\n\t[ 1 , 2 ]\r\n}',
    '{"a":"\u2028\u2029"}',
    '{"a":"\\ud800","\\udc00":1}',
    '{"a":"é😀\\ud83d\\ude00"}',
    '{"a":"],[","}":"{"}',
    '{"a":"\\\\"}',
    '{"__proto__":{"a":1}}',
    '{"a":null,"b":[],"c":{}}',
  ];
  for (const payload of payloads) {
    await t.step(payload, () => {
      const read = readFrame(`[2,"7","A",\t${payload} ]`, "ocpp1.6");
      deepStrictEqual(read, { ok: true, frame: call("7", "A", payload) });
    });
  }
});

type Codes = readonly [v16: string | null, v201: string | null, v21: string | null];
const BAD_FRAME: Codes = ["FormationViolation", "RpcFrameworkError", "RpcFrameworkError"];
const BAD_PAYLOAD: Codes = ["FormationViolation", "FormatViolation", "FormatViolation"];
const SILENCE: Codes = [null, null, null];
/** Of an unknown type; of types 5 and 6 in ocpp2.1 this is silence for another reason. */
const UNKNOWN = SILENCE;

/** Texts that are no frames, the id that their answer has, and its code for each dialect. */
const FAULTS: [name: string, text: string, id: string, codes: Codes][] = [
  ["no JSON", "hello", "-1", BAD_FRAME],
  ["white space", "  ", "-1", BAD_FRAME],
  ["a frame cut short", '[2,"7","A",{}', "-1", BAD_FRAME],
  ["two frames", '[2,"7","A",{}][2,"8","A",{}]', "-1", BAD_FRAME],
  ["a byte order mark", '\ufeff[2,"7","A",{}]', "-1", BAD_FRAME],
  ["a comma too many", '[2,"7","A",{},]', "-1", BAD_FRAME],
  ["single quotes", "[2,'7','A',{}]", "-1", BAD_FRAME],
  ["a raw line feed in a string", '[2,"7","A",{"a":"\n"}]', "-1", BAD_FRAME],
  ["an object", '{"0":2,"1":"7"}', "-1", BAD_FRAME],
  ["a string", '"[2]"', "-1", BAD_FRAME],
  ["null", "null", "-1", BAD_FRAME],
  ["a number", "2", "-1", BAD_FRAME],
  ["a batch", '[[2,"7","A",{}]]', "-1", BAD_FRAME],
  ["no elements", "[]", "-1", BAD_FRAME],
  ["a type that is a string", '["2","7","A",{}]', "7", BAD_FRAME],
  ["a type that is null", '[null,"7","A",{}]', "7", BAD_FRAME],
  ["a type that is no number, nor the id a string", "[true,7]", "-1", BAD_FRAME],
  ["CALL alone", "[2]", "-1", BAD_FRAME],
  ["CALL with a number for its id", '[2,7,"A",{}]', "-1", BAD_FRAME],
  ["CALL with null for its id", '[2,null,"A",{}]', "-1", BAD_FRAME],
  ["CALL with a list for its id", '[2,["7"],"A",{}]', "-1", BAD_FRAME],
  ["CALL with an empty id", '[2,"","A",{}]', "", BAD_FRAME],
  ["CALL with the id .", '[2,".","A",{}]', ".", BAD_FRAME],
  ["CALL with the id ..", '[2,"..","A",{}]', "..", BAD_FRAME],
  ["CALL with the id .. in escapes", '[2,"\\u002e.","A",{}]', "..", BAD_FRAME],
  ["CALL with an id of 37", `[2,"${ID36}y","A",{}]`, "-1", BAD_FRAME],
  ["CALL with an id of 37 emoji", `[2,"${EMOJI36}😀","A",{}]`, "-1", BAD_FRAME],
  ["CALL with an id of 36 emoji and no payload", `[2,"${EMOJI36}","A"]`, EMOJI36, BAD_FRAME],
  ["CALL with a long id in escapes", `[2,"${"\\u0041".repeat(37)}","A",{}]`, "-1", BAD_FRAME],
  ["a string for its type, and an id of 37", `["2","${ID36}y","A",{}]`, "-1", BAD_FRAME],
  ["null for its type, and an id of 37", `[null,"${ID36}y","A",{}]`, "-1", BAD_FRAME],
  ["CALL with half a pair in its id", '[2,"a\\ud800","A",{}]', "a\ud800", BAD_FRAME],
  ["CALL of two", '[2,"7"]', "7", BAD_FRAME],
  ["CALL of three", '[2,"7","A"]', "7", BAD_FRAME],
  ["CALL of five", '[2,"7","A",{},{}]', "7", BAD_FRAME],
  ["CALL with an extension before its Action", '[2,"7",{},"A",{}]', "7", BAD_FRAME],
  ["CALL with a number for its Action", '[2,"7",1,{}]', "7", BAD_FRAME],
  ["CALL with null for its Action", '[2,"7",null,{}]', "7", BAD_FRAME],
  ["CALL with an empty Action", '[2,"7","",{}]', "7", BAD_FRAME],
  ["CALL with the Action .", '[2,"7",".",{}]', "7", BAD_FRAME],
  ["CALL with the Action ..", '[2,"7","..",{}]', "7", BAD_FRAME],
  ["CALL with half a pair in its Action", '[2,"7","\\udc00",{}]', "7", BAD_FRAME],
  ["CALL with a list", '[2,"7","A",[]]', "7", BAD_PAYLOAD],
  ["CALL with a string", '[2,"7","A","{}"]', "7", BAD_PAYLOAD],
  ["CALL with a number", '[2,"7","A",0]', "7", BAD_PAYLOAD],
  ["CALL with false", '[2,"7","A",false]', "7", BAD_PAYLOAD],
  ["CALLRESULT alone", "[3]", "-1", SILENCE],
  ["CALLRESULT with a number for its id", "[3,7,{}]", "-1", SILENCE],
  ["CALLRESULT with an id of 37", `[3,"${ID36}y",{}]`, "-1", SILENCE],
  ["CALLRESULT of two", '[3,"7"]', "7", SILENCE],
  ["CALLRESULT of four", '[3,"7","A",{}]', "7", SILENCE],
  ["CALLRESULT with a list", '[3,"7",[]]', "7", SILENCE],
  ["CALLERROR of three", '[4,"7",{}]', "7", SILENCE],
  ["CALLERROR of four", '[4,"7","C","d"]', "7", SILENCE],
  ["CALLERROR of six", '[4,"7","C","d",{},{}]', "7", SILENCE],
  ["CALLERROR with null for its id", '[4,null,"C","d",{}]', "-1", SILENCE],
  ["CALLERROR with a number for its code", '[4,"7",1,"d",{}]', "7", SILENCE],
  ["CALLERROR without a description", '[4,"7","C",null,{}]', "7", SILENCE],
  ["CALLERROR with a string for its details", '[4,"7","C","d",""]', "7", SILENCE],
  // What is meant as an answer, or as a SEND, is not answered.
  ["CALLRESULT whose type is a string", '["3","7",{}]', "7", SILENCE],
  ["CALLERROR whose type is a string", '["4","7","C","d",{}]', "7", SILENCE],
  ["CALLRESULTERROR whose type is a string", '["5","7","C","d",{}]', "7", SILENCE],
  ["SEND whose type is a string", '["6","7","A",{}]', "7", SILENCE],
  ["a type as a string with blanks", '[" 3 ","7",{}]', "7", SILENCE],
  ["a type as a string with a fraction", '["3.0","7",{}]', "7", SILENCE],
  ["a type as a string in escapes", '["\\u0033","7",{}]', "7", SILENCE],
  ["a type as a string that is none", '["7","7",{}]', "7", BAD_FRAME],
  ["a type as a list", '[[3],"7",{}]', "7", BAD_FRAME],
  ["a type as an empty string", '["","7",{}]', "7", BAD_FRAME],
  ["CALLRESULT cut short", '[3,"7",{"a":[]', "-1", SILENCE],
  ["CALLRESULT cut in its id", '[3,"7', "-1", SILENCE],
  ["CALLRESULT cut behind its type", "[3", "-1", SILENCE],
  ["CALLERROR cut short", '[4,"7","C"', "-1", SILENCE],
  ["CALLRESULTERROR cut short", '[5,"7","C"', "-1", SILENCE],
  ["SEND cut short", '[6,"7","A",{', "-1", SILENCE],
  ["CALLRESULT cut short, with blanks", ' \t[\r\n3 , "7"', "-1", SILENCE],
  ["CALLRESULT cut short, with a mark", '\ufeff[3,"7",{', "-1", SILENCE],
  ["CALLRESULT cut short, type 3.0", '[3.0,"7",{', "-1", SILENCE],
  ["CALLRESULT cut short, type as a string", '["3","7",{', "-1", SILENCE],
  ["CALLRESULT with a comma too many", '[3,"7",{},]', "-1", SILENCE],
  ["two CALLRESULTs", '[3,"7",{}][3,"8",{}]', "-1", SILENCE],
  ["CALL cut short, type as a string", '["2","7","A",{', "-1", BAD_FRAME],
  ["type 35 cut short", '[35,"7"', "-1", BAD_FRAME],
  ["type 3x", '[3x,"7",{}]', "-1", BAD_FRAME],
  ["a batch of answers cut short", '[[3,"7",{}]', "-1", BAD_FRAME],
  // Outside ocpp2.1 these are of unknown types, whatever else is wrong with them.
  ["SEND of three", '[6,"7","A"]', "7", UNKNOWN],
  ["SEND with a list", '[6,"7","A",[]]', "7", UNKNOWN],
  ["SEND with an empty Action", '[6,"7","",{}]', "7", UNKNOWN],
  ["SEND with a number for its id", '[6,7,"A",{}]', "-1", UNKNOWN],
  ["CALLRESULTERROR of three", '[5,"7","C"]', "7", UNKNOWN],
  ["CALLRESULTERROR of four", '[5,"7","C","d"]', "7", UNKNOWN],
  ["CALLRESULTERROR of six", '[5,"7","C","d",{},{}]', "7", UNKNOWN],
  ["CALLRESULTERROR alone", "[5]", "-1", UNKNOWN],
  ["CALLRESULTERROR with a number for its id", '[5,7,"C","d",{}]', "-1", UNKNOWN],
  ["CALLRESULTERROR with an id of 37", `[5,"${ID36}y","C","d",{}]`, "-1", UNKNOWN],
  ["CALLRESULTERROR with a number for its code", '[5,"7",1,"d",{}]', "7", UNKNOWN],
  ["CALLRESULTERROR without a description", '[5,"7","C",null,{}]', "7", UNKNOWN],
  ["CALLRESULTERROR with a list for its details", '[5,"7","C","d",[]]', "7", UNKNOWN],
  ["type 0", '[0,"7","A",{}]', "7", UNKNOWN],
  ["type 1", '[1,"7","A",{}]', "7", UNKNOWN],
  ["type 7", '[7,"7","A",{}]', "7", UNKNOWN],
  ["type 2.5", '[2.5,"7","A",{}]', "7", UNKNOWN],
  ["type -2", '[-2,"7","A",{}]', "7", UNKNOWN],
  ["type 1e400", '[1e400,"7","A",{}]', "7", UNKNOWN],
  ["type 7 without a readable id", '[7,7,"A",{}]', "-1", UNKNOWN],
  ["type 7 alone", "[7]", "-1", UNKNOWN],
];

Deno.test("a text that is no frame is answered as its dialect has it, or not at all", async (t) => {
  for (const [name, text, id, codes] of FAULTS) {
    for (const [i, dialect] of DIALECTS.entries()) {
      await t.step(`${name}, ${dialect}`, () => {
        const read = readFrame(text, dialect);
        ok(!read.ok);
        const answer = answerToFault(read.fault, dialect);
        if (codes[i] === null) return strictEqual(answer, null);
        ok(answer !== null);
        deepStrictEqual(JSON.parse(answer), [4, id, codes[i], read.fault.reason, {}]);
        ok(answer.isWellFormed(), "half a pair goes out as an escape");
      });
    }
  }
});

Deno.test("what is wrong with a frame of type 5 or 6 is said in ocpp2.1, though not answered", () => {
  for (const [name, text] of FAULTS) {
    if (!/^(SEND|CALLRESULTERROR)/.test(name)) continue;
    const read = readFrame(text, "ocpp2.1");
    ok(!read.ok && read.fault.meaning !== "unknown_type", name);
  }
});

/** Answers that are no valid frames, and what they say: a reason, or the parts of an error. */
const BROKEN_ANSWERS: [
  text: string,
  says: string | [code: string, text: string, details: string],
][] = [
  ['[3,"7"]', "a frame of type 3 has 3 elements"],
  ['[3,"7",{},{}]', "a frame of type 3 has 3 elements"],
  ['[3,"7",{},1,2,3,4,5]', "a frame of type 3 has 3 elements"],
  ['[3,"7",[]]', "the payload is not a JSON object"],
  ['[3,"7","{}"]', "the payload is not a JSON object"],
  ['[3,"7",0]', "the payload is not a JSON object"],
  ['["3","7",{}]', "the message type is not a number"],
  ['[4,"7"]', ['"GenericError"', '""', "{}"]],
  ['[4,"7","No\\u0074"]', ['"No\\u0074"', '""', "{}"]],
  ['[4,"7","C","\\u0064"]', ['"C"', '"\\u0064"', "{}"]],
  ['[4,"7","C",null,{}]', ['"C"', '""', "{}"]],
  ['[4,"7","C",5,{"n":1.0}]', ['"C"', '""', '{"n":1.0}']],
  ['[4,"7","C",{},"d"]', ['"C"', '""', "{}"]],
  ['[4,"7",404,"",{}]', ['"404"', '""', "{}"]],
  ['[4,"7", 4.04E2 ,"d"]', ['"4.04E2"', '"d"', "{}"]],
  ['[4,"7",null,"d",{}]', ['"null"', '"d"', "{}"]],
  ['[4,"7",{"a":[1.0]},"d",{}]', ['"{\\"a\\":[1.0]}"', '"d"', "{}"]],
  ['[4,"7","C","d",[]]', ['"C"', '"d"', "{}"]],
  ['[4,"7","C","d","{}"]', ['"C"', '"d"', "{}"]],
  ['[4,"7","C","d",{ },{"more":1}]', ['"C"', '"d"', "{ }"]],
  ['[4,"7","C","d",{ },1,[2,"]"],3]', ['"C"', '"d"', "{ }"]],
  ['["4","7","C","d",{"n":1.0}]', ['"C"', '"d"', '{"n":1.0}']],
];

Deno.test("an answer that is no valid frame is read as far as it goes", async (t) => {
  for (const [text, says] of BROKEN_ANSWERS) {
    await t.step(text, () => {
      for (const dialect of DIALECTS) {
        const read = readFrame(text, dialect);
        ok(!read.ok);
        const isTyped = !text.startsWith('["');
        if (typeof says === "string") {
          strictEqual(read.fault.reason, says);
          deepStrictEqual(read.fault.answer, { kind: "result", messageId: "7", isTyped });
        } else deepStrictEqual(read.fault.answer, error(...says));
      }
    });
  }
});

Deno.test("what is no answer to a CALL, or has no MessageId that can be one, ends none", async (t) => {
  const texts = [
    '[2,"7"]',
    '["2","7",{}]',
    '[3,"7",{"a":[]',
    "[3]",
    "[3,7]",
    '[3,""]',
    '[3,".."]',
    `[3,"${ID36}y"]`,
    '[3.5,"7",{}]',
    '[5,"7"]',
    '["5","7","C","d",{}]',
    '[6,"7"]',
    '[7,"7",{}]',
    '[[3],"7",{}]',
  ];
  for (const text of texts) {
    await t.step(text, () => {
      for (const dialect of DIALECTS) {
        const read = readFrame(text, dialect);
        ok(!read.ok);
        strictEqual(read.fault.answer, undefined);
      }
    });
  }
});

Deno.test("a MessageId is a segment of 1 to 36 characters", () => {
  for (const id of ["7", ID36, EMOJI36, " ", "a/b", "..."]) ok(isMessageId(id), id);
  const bad = ["", ".", "..", `${ID36}y`, `${EMOJI36}y`, "\ud800", "x".repeat(1000), ID36 + ID36];
  for (const id of bad) ok(!isMessageId(id), id);
});

Deno.test("an error's body has its three parts as they came", () => {
  const body = '{"code":"C\\u0021","description":"d","details":{"n":1.0}}';
  strictEqual(errorBody('"C\\u0021"', '"d"', '{"n":1.0}'), body);
  strictEqual(errorBody('"C"', '""'), '{"code":"C","description":"","details":{}}');
});

const messageIds = fc.string({ unit: CHARACTER, minLength: 1, maxLength: 40 }).filter(isMessageId);
const actions = fc.string({ unit: CHARACTER, minLength: 1 }).filter(isSegment);
const payloads = fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value));

Deno.test("a frame that was written reads as what was put in", () => {
  const words = fc.string({ unit: CHARACTER });
  fc.assert(
    fc.property(messageIds, actions, payloads, words, words, (id, action, payload, ...texts) => {
      const idText = JSON.stringify(id);
      const sent = call(id, action, payload);
      const [code, description] = texts;
      const refused = error(JSON.stringify(code), JSON.stringify(description), payload);
      const rows: [text: string, frame: unknown][] = [
        [callText("call", id, action, payload), sent],
        [callText("send", id, action, payload), { ...sent, kind: "send" }],
        [callResultText(idText, payload), result(id, payload)],
        [callErrorText(idText, code, description, payload), { ...refused, messageId: id }],
        [
          callResultErrorText(id, code, description),
          { ...refused, kind: "resulterror", messageId: id, details: "{}" },
        ],
      ];
      for (const [text, frame] of rows) {
        deepStrictEqual(readFrame(text, "ocpp2.1"), { ok: true, frame });
      }
    }),
    { numRuns: runs(300) },
  );
});

/** Frames, frames with a few places written over, and what only looks like JSON. */
const anyText = fc.oneof(
  fc.string({ unit: CHARACTER }),
  fc.json(),
  fc.string({ unit: fc.constantFrom(...'[]{}",:\\ 23456an\ud800\u2028') }),
  fc.tuple(fc.nat(8), fc.jsonValue(), fc.jsonValue(), fc.jsonValue()).map((v) => JSON.stringify(v)),
  fc.tuple(
    fc.constantFrom(3, 4, "3", "4"),
    fc.string({ minLength: 1, maxLength: 38 }),
    fc.array(fc.oneof(fc.string(), fc.jsonValue()), { maxLength: 6 }),
  ).map(([type, id, more]) => JSON.stringify([type, id, ...more])),
  fc.tuple(
    fc.constantFrom<string[]>(
      '[2,"7","A",{"a":[1.0,"\\"]"]}]',
      '[3,"7",{}]',
      '[4,"7","C","d",{}]',
      '[5,"7","C","d",{"a":1.0}]',
      '[6,"7","A",{}]',
    ),
    fc.array(fc.tuple(fc.nat(30), fc.nat(3), fc.string({ maxLength: 3 })), { maxLength: 3 }),
  ).map(([text, edits]) =>
    edits.reduce((now, [at, length, by]) => now.slice(0, at) + by + now.slice(at + length), text)
  ),
);

/** What stations send, with names that are just allowed or just not. */
const plainFrame = fc.tuple(
  fc.constantFrom("2", "3", "4", "5", "6"),
  fc.oneof(fc.uuid(), fc.constantFrom("7", ".", "..", ".a", "", "é", ID36, `${ID36}x`, EMOJI36)),
  fc.constantFrom("Heartbeat", "A-Signed", "..", "", "a/b", "x".repeat(255), "x".repeat(256)),
  payloads,
  fc.constantFrom(",", ", ", " ,\n", ",,", ""),
  fc.constantFrom("]", " ]\n", "]]", ",]", "", "]\u00a0"),
).map(([type, id, action, payload, comma, end]) => {
  const names = type === "3" ? [`"${id}"`] : [`"${id}"`, `"${action}"`];
  return `[${[type, ...names, payload].join(comma)}${end}`;
});

Deno.test("any text at all gives a frame that means the same, or a fault", () => {
  const kinds = ["call", "result", "error", "resulterror", "send"];
  fc.assert(
    fc.property(anyText, dialects, (text, dialect) => {
      const read = readFrame(text, dialect);
      if (!read.ok) {
        const { answer } = read.fault;
        const said = answerToFault(read.fault, dialect);
        if (said !== null) {
          const [type, messageId] = JSON.parse(said);
          strictEqual(type, 4);
          ok(messageId === "-1" || [...messageId].length <= 36);
          ok(!/^\s*\[\s*"?\s*[3-6][\s",]/.test(text), "an answer is never answered");
        }
        if (answer === undefined) return;
        strictEqual(said, null);
        const [type, id, code, description, details] = JSON.parse(text);
        strictEqual(Number(type), answer.kind === "result" ? 3 : 4);
        strictEqual(answer.messageId, id);
        if (answer.kind === "result") return;
        const isObject = typeof details === "object" && details !== null && !Array.isArray(details);
        const { codeText, descriptionText, details: kept } = answer;
        strictEqual(typeof JSON.parse(codeText), "string");
        if (typeof code === "string") strictEqual(JSON.parse(codeText), code);
        strictEqual(
          JSON.parse(descriptionText),
          typeof description === "string" ? description : "",
        );
        deepStrictEqual(JSON.parse(kept), isObject ? details : {});
        return;
      }
      const elements = JSON.parse(text);
      const { frame } = read;
      strictEqual(frame.kind, kinds[elements[0] - 2]);
      strictEqual(frame.messageId, elements[1]);
      const payload = "details" in frame ? frame.details : frame.payload;
      deepStrictEqual(JSON.parse(payload), elements.at(-1) ?? {});
      ok(text.includes(payload) || (payload === "{}" && elements.at(-1) === null));
    }),
    { numRuns: runs(1000) },
  );
});

Deno.test("a frame of the common form is read as the same frame with a blank before it", () => {
  // The blank makes the reader take the whole text apart.
  fc.assert(
    fc.property(fc.oneof(anyText, plainFrame), dialects, (text, dialect) => {
      deepStrictEqual(readFrame(text, dialect), readFrame(` ${text}`, dialect));
    }),
    { numRuns: runs(5000) },
  );
});
