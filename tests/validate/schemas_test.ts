import { deepStrictEqual, strictEqual } from "node:assert/strict";
import * as v16 from "typed-ocpp/dist/ocpp16/schemas.js";
import * as v201 from "typed-ocpp/dist/ocpp20/schemas.js";
import * as v21 from "typed-ocpp/dist/ocpp21/schemas.js";
import { isDateTime } from "../../lib/validate/format.ts";
import type { MessageSchema } from "../../lib/validate/message_schema.ts";
import { Schemas } from "../../lib/validate/schemas.ts";

interface Version {
  readonly name: string;
  readonly messages: Readonly<Record<string, MessageSchema>>;
  readonly actions: number;
  /** Actions without an answer. */
  readonly sends: readonly string[];
}

/** 1.6 has 28 Actions, and 11 more from the Security Whitepaper. */
const VERSIONS: readonly Version[] = [
  { name: "1.6", messages: v16, actions: 39, sends: [] },
  { name: "2.0.1", messages: v201, actions: 64, sends: [] },
  { name: "2.1", messages: v21, actions: 91, sends: ["NotifyPeriodicEventStream"] },
];

for (const { name, messages, actions, sends } of VERSIONS) {
  Deno.test(`each message of ${name} has a schema that compiles`, () => {
    const schemas = new Schemas(messages, isDateTime);
    deepStrictEqual(schemas.actions("send"), sends);
    deepStrictEqual(schemas.actions("call"), schemas.actions("result"));
    strictEqual(schemas.actions("call").length + sends.length, actions);
    for (const frame of ["call", "send", "result"] as const) {
      for (const action of schemas.actions(frame)) {
        strictEqual(schemas.find(frame, action)?.("no object"), false, action);
      }
    }
  });

  Deno.test(`a type of ${name} is the same in all messages`, () => {
    const types = new Map<string, unknown>();
    for (const { definitions } of Object.values(messages)) {
      for (const [type, schema] of Object.entries(definitions ?? {})) {
        if (types.has(type)) deepStrictEqual(schema, types.get(type), type);
        types.set(type, schema);
        strictEqual(Object.hasOwn(messages, type), false, type);
      }
    }
  });
}

Deno.test("a schema is compiled once", () => {
  const schemas = new Schemas(v16, isDateTime);
  const first = schemas.find("call", "Heartbeat");
  strictEqual(schemas.find("call", "Heartbeat"), first);
  strictEqual(schemas.find("call", "NotInAnyVersion"), undefined);
});

Deno.test("a payload that is wrong in many places has one error", () => {
  const validate = new Schemas(v16, isDateTime).find("call", "MeterValues")!;
  strictEqual(validate({ connectorId: "1", meterValue: Array(1000).fill(0), extra: 1 }), false);
  strictEqual(validate.errors?.length, 1);
});
