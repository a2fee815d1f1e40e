import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { formOf } from "../../lib/validate/form.ts";
import { Reference } from "../../lib/validate/reference.ts";

const NOW = "2026-01-02T03:04:05.678Z";
const NOTHING: ReadonlySet<string> = new Set();

for (const [protocol, count] of [["ocpp1.6", 26], ["ocpp2.0.1", 40], ["ocpp2.1", 55]] as const) {
  Deno.test(`a payload to begin with is valid for each CALL that a CSMS of ${protocol} sends`, async () => {
    const version = (await new Reference(NOTHING).version(protocol))!;
    strictEqual(version.actions.length, count);
    deepStrictEqual(version.actions, [...version.actions].sort());
    for (const action of version.actions) {
      const { payload, fields } = version.form(action, NOW)!;
      strictEqual(version.check(action, JSON.stringify(payload)), undefined, action);
      // Each field of the payload is told, and each that must be there is in the payload.
      const names = fields.filter(({ pointer }) => pointer.split("/").length === 2);
      const needed = names.filter(({ isRequired }) => isRequired).map(({ pointer }) => pointer);
      deepStrictEqual(needed, Object.keys(payload).map((name) => `/${name}`), action);
    }
  });
}

Deno.test("a payload to begin with does the least harm", async () => {
  const reference = new Reference(NOTHING);
  const [v16, v21] = [await reference.version("ocpp1.6"), await reference.version("ocpp2.1")];
  deepStrictEqual(v16!.form("Reset", NOW)?.payload, { type: "Soft" });
  deepStrictEqual(v21!.form("Reset", NOW)?.payload, { type: "OnIdle" });
  deepStrictEqual(v16!.form("ChangeAvailability", NOW)?.payload, {
    connectorId: 1,
    type: "Operative",
  });
  deepStrictEqual(v16!.form("UpdateFirmware", NOW)?.payload, {
    location: "https://",
    retrieveDate: NOW,
  });
});

Deno.test("fields tell their place, their type and what they may hold", async () => {
  const version = await new Reference(NOTHING).version("ocpp2.0.1");
  const { fields } = version!.form("SetVariables", NOW)!;
  deepStrictEqual(fields.slice(0, 3), [
    { pointer: "/setVariableData", type: "array", isRequired: true, bounds: { minItems: 1 } },
    {
      pointer: "/setVariableData/-/attributeType",
      type: "string",
      isRequired: false,
      values: ["Actual", "Target", "MinSet", "MaxSet"],
    },
    {
      pointer: "/setVariableData/-/attributeValue",
      type: "string",
      isRequired: true,
      bounds: { maxLength: 1000 },
    },
  ]);
  ok(fields.some(({ pointer }) => pointer === "/setVariableData/-/component/evse/id"));
  ok(fields.every(({ pointer }) => !pointer.includes("customData")));
});

Deno.test("a version knows only the CALLs of a CSMS, and only OCPP has versions", async () => {
  const reference = new Reference(NOTHING);
  const version = (await reference.version("ocpp2.0"))!;
  strictEqual(version.form("BootNotification", NOW), undefined);
  strictEqual(version.form("constructor", NOW), undefined);
  match(version.check("BootNotification", "{}")!.text, /the station's to send/);
  match(version.check("RemoteStartTransaction", "{}")!.text, /no CALL of this OCPP version/);
  strictEqual(version.check("Reset", '{"type":"Never"}')!.pointer, "/type");
  strictEqual(version.check("Reset", "{")!.text, "is not valid JSON");
  for (const other of ["", "ocpp1.5", "soap", "__proto__"]) {
    strictEqual(await reference.version(other), undefined);
  }
});

Deno.test("an allowed Action passes unchecked", async () => {
  const version = await new Reference(new Set(["VendorReset"])).version("ocpp1.6");
  strictEqual(version!.check("VendorReset", '{"a":1}'), undefined);
});

Deno.test("a type that refers to itself ends", () => {
  const node = { type: "object", properties: { next: { $ref: "#/definitions/Node" } } };
  const message = { ...node, definitions: { Node: node } };
  const { payload, fields } = formOf(message, NOW);
  deepStrictEqual(payload, {});
  ok(fields.length < 20);
});
